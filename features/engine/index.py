"""The history index: interactions as NumPy arrays, sorted by lead and moment.

Everything the engine asks (how many before as_of, when was the last, how much in 30 days) is then a binary search and a
difference of prefix sums, for one lead as for ten million interactions.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from features.common.clock import Moments
from features.common.compiled import exact, inlined
from features.common.threads import side_by_side

UNDIRECTED, INBOUND, OUTBOUND = 0, 1, 2
DIRECTIONS = {"in": INBOUND, "out": OUTBOUND}

INSERTION_LIMIT = 100  # rows of a lead that are sorted by insertion

Codes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class HistoryIndex:
    """Interactions sorted by (lead, at). Lead i owns the rows `start[i]:start[i + 1]`; leads of one account are neighbours.

    `kind` is 3 × type code + direction; types without a code share the two after the last, one for activity and one for turning
    away. `value` is in thousandths, so that sums are exact; `content` is -1 where there is none.
    """

    start: npt.NDArray[np.int64]
    time: Moments
    kind: Codes
    value: npt.NDArray[np.int64]
    content: Codes

    @classmethod
    def build(
        cls,
        leads: int,
        lead: Codes,
        time: Moments,
        kind: Codes,
        value: npt.NDArray[np.float64] | None = None,
        content: Codes | None = None,
        threads: int = 1,
    ) -> HistoryIndex:
        """Sort interactions given in any order; those of nobody, whose `lead` is -1, are left out. All others have codes
        0 … leads - 1 there; the other arrays have its length (n,)."""
        values = np.zeros(len(time)) if value is None else value
        content_codes = np.full(len(time), -1, np.int32) if content is None else content
        start = np.zeros(leads + 1, np.int64)
        if _count_starts(lead, time, start):
            return cls(start, time, kind, thousandths(values), content_codes)
        index = cls.allocate(start)
        source_columns, target_columns = (
            (lead, time, kind, values, content_codes, start),
            (index.time, index.kind, index.value, index.content),
        )
        side_by_side(lambda span: _scatter(*source_columns, *target_columns, *span), index.parts(threads), threads)
        return index

    @classmethod
    def allocate(cls, start: npt.NDArray[np.int64]) -> HistoryIndex:
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
        return len(self.time)


def thousandths(value: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Values as whole thousandths, missing ones as 0, beyond ± 1e12 cut off, so that prefix sums stay exact in 64 bits."""
    rounded = np.empty(len(value), np.int64)
    _thousandths(value, rounded)
    return rounded


@exact
def _thousandths(value: Any, rounded: Any) -> None:
    for i in range(len(value)):
        rounded[i] = _thousandth(value[i])


@inlined
def _thousandth(value: Any) -> Any:
    return 0 if np.isnan(value) else int(np.rint(min(max(value, -1e12), 1e12) * 1000))


@exact
def _count_starts(lead: Any, time: Any, start: Any) -> bool:
    """Where each lead's rows begin and the last one's end; True where all rows are somebody's and stand in order."""
    ordered, previous_lead, previous_time = True, 0, time[0] if len(time) else 0
    for k in range(len(lead)):
        if lead[k] >= 0:
            start[lead[k] + 1] += 1
        ordered &= lead[k] > previous_lead or (lead[k] == previous_lead and time[k] >= previous_time)
        previous_lead, previous_time = lead[k], time[k]
    for i in range(len(start) - 1):
        start[i + 1] += start[i]
    return ordered


@exact
def _scatter(  # noqa: PLR0917  columns, as they come and as they go
    lead: Any, time: Any, kind: Any, value: Any, content: Any, start: Any, time_: Any, kind_: Any, value_: Any, content_: Any,
    lead_begin: int, lead_end: int,
) -> None:  # fmt: skip
    """Rows are dealt out to their leads, from `lead_begin` to before `lead_end`, which reads each once and in its place; then
    each lead's few are put in order."""
    end = start[lead_begin:lead_end].copy()
    for k in range(len(lead)):
        offset = lead[k] - lead_begin
        if 0 <= offset < len(end):
            row = end[offset]
            time_[row], kind_[row], value_[row], content_[row] = time[k], kind[k], _thousandth(value[k]), content[k]
            end[offset] = row + 1
    for i in range(lead_begin, lead_end):
        rows, ordered = slice(start[i], start[i + 1]), True
        for k in range(start[i] + 1, start[i + 1]):
            ordered &= time_[k] >= time_[k - 1]
        if not ordered:
            order = np.arange(start[i + 1] - start[i])
            _sort_few(time_[rows], order)
            time_[rows], kind_[rows], value_[rows] = time_[rows][order], kind_[rows][order], value_[rows][order]
            content_[rows] = content_[rows][order]


def sort_order(lead: npt.NDArray[np.int32], time: Moments, leads: int) -> npt.NDArray[np.int64]:
    """The rows (n,) by lead, a code below `leads`, and moment; equal ones as they come."""
    start = np.zeros(leads + 1, np.int64)
    np.cumsum(np.bincount(lead, minlength=leads), out=start[1:])
    order = np.empty(len(lead), np.int64)
    _sort(lead, time, start, order)
    return order


@exact
def _sort(lead: Any, time: Any, start: Any, order: Any) -> None:
    """A counting sort deals the rows out to their leads, then each lead's few are put in order."""
    end, time_ = start[:-1].copy(), np.empty_like(time)
    for k in range(len(lead)):
        row = end[lead[k]]
        order[row], time_[row] = k, time[k]
        end[lead[k]] = row + 1
    for i in range(len(start) - 1):
        rows = slice(start[i], start[i + 1])
        lead_order = np.arange(start[i + 1] - start[i])
        _sort_few(time_[rows], lead_order)
        order[rows] = order[rows][lead_order]


@exact
def _sort_few(time: Any, order: Any) -> None:
    """Insertion sort, which most histories are short enough for; a long one the usual way, unless it is in order."""
    for k in range(1, len(order)):
        if time[order[k]] < time[order[k - 1]]:
            if len(order) > INSERTION_LIMIT:
                order[:] = order[np.argsort(time[order], kind="mergesort")]
                return
            current, position = order[k], k
            while position > 0 and time[order[position - 1]] > time[current]:
                order[position] = order[position - 1]
                position -= 1
            order[position] = current
