"""The history index: interactions as NumPy arrays, sorted by lead and moment.

Everything the engine asks (how many before as_of, when was the last, how much in 30 days) is then a binary search and a
difference of prefix sums, for one lead as for ten million interactions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.clock import Moments
from features.compiled import exact

UNDIRECTED, INBOUND, OUTBOUND = 0, 1, 2
DIRECTIONS = {"in": INBOUND, "out": OUTBOUND}

FEW = 100  # rows of a lead that are sorted by insertion

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
        order = sort_order(lead, at, leads)
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


def sort_order(lead: Codes, at: Moments, leads: int) -> npt.NDArray[np.intp] | None:
    """The order that sorts by (lead, at), or None where the rows already are sorted; rows of one moment stay as they are."""
    order = np.empty(len(at), np.intp)
    return order if _sort(lead, at, leads, order) else None


@exact
def _sort(lead: Any, at: Any, leads: int, order: Any) -> bool:
    """Rows are dealt out to their leads, then each lead's few are put in order. False where that changes nothing."""
    asked = False
    for k in range(1, len(at)):
        if lead[k] < lead[k - 1] or (lead[k] == lead[k - 1] and at[k] < at[k - 1]):
            asked = True
            break
    if not asked:
        return False
    end = np.zeros(leads + 1, np.int64)
    for k in range(len(lead)):
        end[lead[k] + 1] += 1
    for i in range(leads):
        end[i + 1] += end[i]
    for k in range(len(lead)):
        order[end[lead[k]]] = k
        end[lead[k]] += 1
    begin = 0
    for i in range(leads):
        _sort_few(at, order[begin : end[i]])
        begin = end[i]
    return True


@exact
def _sort_few(at: Any, order: Any) -> None:
    """By insertion, which most histories are short enough for; a long one the usual way, unless it is in order."""
    for k in range(1, len(order)):
        if at[order[k]] < at[order[k - 1]]:
            if len(order) > FEW:
                order[:] = order[np.argsort(at[order], kind="mergesort")]
                return
            here, place = order[k], k
            while place > 0 and at[order[place - 1]] > at[here]:
                order[place] = order[place - 1]
                place -= 1
            order[place] = here
