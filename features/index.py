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
        """Sort interactions given in any order; those of nobody, whose `lead` is -1, are left out. All others have codes
        0 … leads - 1 there; the other arrays have its length (n,)."""
        known = np.zeros(len(at)) if value is None else value
        what = np.full(len(at), -1, np.int32) if content is None else content
        start, order = sort_order(lead, at, leads)
        if order is None:
            return cls(start, at, kind, thousandths(known), what)
        return cls(start, at[order], kind[order], _gathered(order, known), what[order])

    def __len__(self) -> int:
        return len(self.at)


def thousandths(value: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Values as whole thousandths, missing ones as 0, beyond ± 1e12 cut off, so that prefix sums stay exact in 64 bits."""
    known = np.where(np.isnan(value), 0.0, value)
    whole: npt.NDArray[np.int64] = np.rint(np.minimum(np.maximum(known, -1e12), 1e12) * 1000).astype(np.int64)
    return whole


def sort_order(lead: Codes, at: Moments, leads: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.intp] | None]:
    """Where each lead's rows begin and the last one's end (leads + 1,), and the order that sorts by (lead, at), without rows of
    nobody (-1); None where all rows already stand so. Rows of one moment stay as they are."""
    start, order = np.zeros(leads + 1, np.int64), np.empty(len(at), np.intp)
    asked = _sort(lead, at, start, order)
    return start, order[: start[-1]] if asked else None


@exact
def _sort(lead: Any, at: Any, start: Any, order: Any) -> bool:
    """Rows are dealt out to their leads, then each lead's few are put in order. False where that changes nothing."""
    asked = len(lead) > 0 and lead[0] < 0
    for k in range(len(lead)):
        if lead[k] >= 0:
            start[lead[k] + 1] += 1
        if k and (lead[k] < lead[k - 1] or (lead[k] == lead[k - 1] and at[k] < at[k - 1])):
            asked = True
    for i in range(len(start) - 1):
        start[i + 1] += start[i]
    if not asked:
        return False
    end = start[:-1].copy()
    for k in range(len(lead)):
        if lead[k] >= 0:
            order[end[lead[k]]] = k
            end[lead[k]] += 1
    for i in range(len(end)):
        _sort_few(at, order[start[i] : start[i + 1]])
    return True


@exact
def _gathered(order: Any, value: Any) -> Any:
    """Values in an order, as `thousandths` has them."""
    out = np.empty(len(order), np.int64)
    for i in range(len(order)):
        one = value[order[i]]
        out[i] = 0 if np.isnan(one) else int(np.rint(min(max(one, -1e12), 1e12) * 1000))
    return out


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
