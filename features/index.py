"""The history index: interactions as NumPy arrays, sorted by lead and moment.

Everything the engine asks (how many before as_of, when was the last, how much in 30 days) is then a binary search and a
difference of prefix sums, for one lead as for ten million interactions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.clock import Moments

UNDIRECTED, INBOUND, OUTBOUND = 0, 1, 2
DIRECTIONS = {"in": INBOUND, "out": OUTBOUND}

Codes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class HistoryIndex:
    """Interactions sorted by (lead, at). Lead i owns the rows `start[i]:start[i + 1]`; leads of one account are neighbours.

    `kind` is 3 × type code + direction; `value` is in thousandths, so that sums are exact; `content` is -1 where there is none.
    """

    start: npt.NDArray[np.int64]
    at: Moments
    kind: Codes
    value: npt.NDArray[np.int64]
    content: Codes

    @classmethod
    def build(
        cls,
        leads: int,
        lead: Codes,
        at: Moments,
        kind: Codes,
        value: npt.NDArray[np.float64] | None = None,
        content: Codes | None = None,
    ) -> HistoryIndex:
        """Sort interactions given in any order. `lead` holds codes 0 … leads - 1; the other arrays have its length (n,)."""
        milli = np.zeros(len(at), np.int64) if value is None else thousandths(value)
        what = np.full(len(at), -1, np.int32) if content is None else content
        order = sort_order(lead, at)
        start = np.zeros(leads + 1, np.int64)
        np.cumsum(np.bincount(lead, minlength=leads), out=start[1:])
        if order is None:
            return cls(start, at, kind, milli, what)
        return cls(start, at[order], kind[order], milli[order], what[order])

    def __len__(self) -> int:
        return len(self.at)


def thousandths(value: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Values as whole thousandths, missing ones as 0, beyond ± 1e12 cut off, so that prefix sums stay exact in 64 bits."""
    known = np.where(np.isnan(value), 0.0, value)
    whole: npt.NDArray[np.int64] = np.rint(np.minimum(np.maximum(known, -1e12), 1e12) * 1000).astype(np.int64)
    return whole


def sort_order(lead: Codes, at: Moments) -> npt.NDArray[np.intp] | None:
    """The order that sorts by (lead, at), or None where the rows already are sorted."""
    if len(at) < 2:
        return None
    step = np.diff(lead)
    if np.all((step > 0) | ((step == 0) & (np.diff(at) >= 0))):
        return None
    first = int(at.min())
    span = int(at.max()) - first + 1
    leads = int(lead.max()) + 1
    if leads * span < 2**63:
        return np.argsort(lead * np.int64(span) + (at - first))
    return _by_blocks(lead, at, first, span, leads)


def _by_blocks(lead: Codes, at: Moments, first: int, span: int, leads: int) -> npt.NDArray[np.intp]:
    """Sort when (lead, at) does not fit one 64-bit key: bucket by blocks of leads, then sort each block by its own key."""
    per_block = max(1, (2**63 - 1) // span, -(-leads // 60_000))
    if per_block * span >= 2**63:
        return np.lexsort((at, lead))
    block = (lead // per_block).astype(np.uint16)
    order = np.argsort(block, kind="stable")  # radix sort on 16 bits
    ends = np.cumsum(np.bincount(block))
    begin = 0
    for number, end in enumerate(ends):
        rows = order[begin:end]
        key = (lead[rows] - np.int64(number * per_block)) * np.int64(span) + (at[rows] - first)
        order[begin:end] = rows[np.argsort(key)]
        begin = int(end)
    return order
