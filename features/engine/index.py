"""The history index: interactions as NumPy arrays, sorted by lead and moment.

Everything the engine asks (how many before as_of, when was the last, how much in 30 days) is then a binary search and a
difference of prefix sums, for one lead as for ten million interactions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from features.common.clock import Moments
from features.common.compiled import exact, inlined
from features.common.threads import side_by_side

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
        threads: int = 1,
    ) -> HistoryIndex:
        """Sort interactions given in any order; those of nobody, whose `lead` is -1, are left out. All others have codes
        0 … leads - 1 there; the other arrays have its length (n,)."""
        known = np.zeros(len(at)) if value is None else value
        what = np.full(len(at), -1, np.int32) if content is None else content
        start = np.zeros(leads + 1, np.int64)
        if _begins(lead, at, start):
            return cls(start, at, kind, thousandths(known), what)
        made = cls.room(start)
        given, dealt = (lead, at, kind, known, what, start), (made.at, made.kind, made.value, made.content)
        side_by_side([partial(_deal, *given, *dealt, *leads_) for leads_ in made.parts(threads)], threads)
        return made

    @classmethod
    def room(cls, start: npt.NDArray[np.int64]) -> HistoryIndex:
        """Room for rows that begin and end like this."""
        rows = int(start[-1])
        return cls(
            start, np.empty(rows, np.int64), np.empty(rows, np.int32), np.empty(rows, np.int64), np.empty(rows, np.int32)
        )

    def parts(self, threads: int) -> list[tuple[int, int]]:
        """The leads in so many parts of about as many interactions: from which one to before which one."""
        if threads < 2:
            return [(0, len(self.start) - 1)]
        ends = np.searchsorted(self.start, np.linspace(0, len(self), threads + 1)[1:-1]).tolist()
        return list(pairwise([0, *ends, len(self.start) - 1]))

    def __len__(self) -> int:
        return len(self.at)


def thousandths(value: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Values as whole thousandths, missing ones as 0, beyond ± 1e12 cut off, so that prefix sums stay exact in 64 bits."""
    whole = np.empty(len(value), np.int64)
    _thousandths(value, whole)
    return whole


@exact
def _thousandths(value: Any, whole: Any) -> None:
    for i in range(len(value)):
        whole[i] = _thousandth(value[i])


@inlined
def _thousandth(value: Any) -> Any:
    return 0 if np.isnan(value) else int(np.rint(min(max(value, -1e12), 1e12) * 1000))


@exact
def _begins(lead: Any, at: Any, start: Any) -> bool:
    """Where each lead's rows begin and the last one's end; True where all rows are somebody's and stand in order."""
    ordered, before, then = True, 0, at[0] if len(at) else 0
    for k in range(len(lead)):
        if lead[k] >= 0:
            start[lead[k] + 1] += 1
        ordered &= lead[k] > before or (lead[k] == before and at[k] >= then)
        before, then = lead[k], at[k]
    for i in range(len(start) - 1):
        start[i + 1] += start[i]
    return ordered


@exact
def _deal(  # noqa: PLR0917  columns, as they come and as they go
    lead: Any, at: Any, kind: Any, value: Any, content: Any, start: Any, at_: Any, kind_: Any, value_: Any, content_: Any,
    first: int, last: int,
) -> None:  # fmt: skip
    """Rows are dealt out to their leads, from `first` to before `last`, which reads each once and in its place; then each
    lead's few are put in order."""
    end = start[first:last].copy()
    for k in range(len(lead)):
        mine = lead[k] - first
        if 0 <= mine < len(end):
            place = end[mine]
            at_[place], kind_[place], value_[place], content_[place] = at[k], kind[k], _thousandth(value[k]), content[k]
            end[mine] = place + 1
    for i in range(first, last):
        rows, ordered = slice(start[i], start[i + 1]), True
        for k in range(start[i] + 1, start[i + 1]):
            ordered &= at_[k] >= at_[k - 1]
        if not ordered:
            order = np.arange(start[i + 1] - start[i])
            _sort_few(at_[rows], order)
            at_[rows], kind_[rows], value_[rows] = at_[rows][order], kind_[rows][order], value_[rows][order]
            content_[rows] = content_[rows][order]


def in_order(lead: npt.NDArray[np.int32], at: Moments, leads: int) -> npt.NDArray[np.int64]:
    """The rows (n,) by lead, a code below `leads`, and moment; equal ones as they come."""
    start = np.zeros(leads + 1, np.int64)
    np.cumsum(np.bincount(lead, minlength=leads), out=start[1:])
    order = np.empty(len(lead), np.int64)
    _sort(lead, at, start, order)
    return order


@exact
def _sort(lead: Any, at: Any, start: Any, order: Any) -> None:
    """A counting sort deals the rows out to their leads, then each lead's few are put in order."""
    end, at_ = start[:-1].copy(), np.empty_like(at)
    for k in range(len(lead)):
        place = end[lead[k]]
        order[place], at_[place] = k, at[k]
        end[lead[k]] = place + 1
    for i in range(len(start) - 1):
        rows = slice(start[i], start[i + 1])
        mine = np.arange(start[i + 1] - start[i])
        _sort_few(at_[rows], mine)
        order[rows] = order[rows][mine]


@exact
def _sort_few(at: Any, order: Any) -> None:
    """Insertion sort, which most histories are short enough for; a long one the usual way, unless it is in order."""
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
