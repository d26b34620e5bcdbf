"""The day of extraction and what lies far from all else, judged by how many rows each day has.

Some moments that can be meant (`features.dataset.moments`) lie so far from all the others that they are slips (a year mistyped)
or plans (a meeting in three weeks). Rows by day add up over blocks of rows, so that the judgement is the same however they are
read. The clock decides only about rows that lie after it: without such rows the same files give the same data in any year.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from features.common.clock import DAY, NO_MOMENT, Moments
from features.common.errors import DataError
from features.dataset.data_report import DataReport
from features.dataset.moments import (
    AHEAD,
    EARLIEST,
    EARLIEST_OF_ATTRIBUTES,
    MISREAD,
    extraction_sentence,
    hint,
    midnight,
    misread,
    outside,
    written,
)

Ints = npt.NDArray[np.int64]
SHOWN = 3  # rows named in a sentence
FEW, SHARE = 3, 0.01  # so many rows, or that share of them, may be set aside for lying far from the others
REMAINING = 5  # times as many must be left
LONELY, LONG_BEFORE = 365, 5 * 365  # days without any row between them and the others
NOTEWORTHY = 60  # days of silence before the newest rows that are told
USUAL = 3  # times the longest silence among the others
AHEAD_DAYS = 14  # without a new lead or lead stage while interactions go on: those may be planned
THIN = 0.1  # of the usual interactions of a week
PLANNED_SHARE, ENOUGH = 0.1, 10
MOST_ODD = 0.5  # of the moments of a column; more is no slip of rows


@dataclass
class _Rows:
    """Some rows of a column: how many, and the first of them as (file, row, moment)."""

    count: int = 0
    first: list[tuple[str, int, int]] = field(default_factory=list)

    def add(self, file: str, rows: Ints, moments: Moments) -> None:
        self.count += len(rows)
        shown = slice(0, max(0, SHOWN - len(self.first)))
        self.first += [(file, int(row), int(at)) for row, at in zip(rows[shown], moments[shown], strict=True)]

    def example(self, now: int) -> str:
        """The first of them in words."""
        return "; ".join(f"{file} row {row}: {written(at)}{hint(at, now)}" for file, row, at in self.first)


class _Column:
    """The moments of one column: rows by day, the first row and the last moment of each day, and what lies outside."""

    def __init__(self, days: int) -> None:
        self.rows: Ints = np.zeros(days, np.int64)
        self.last: Ints = np.full(days, np.iinfo(np.int64).min)
        self.first: dict[int, tuple[str, int, int]] = {}
        self.early, self.late = _Rows(), _Rows()
        self.units: dict[str, int] = {}


class DayCounts:
    """What moments there are, by table and column, day by day; rows are added in any number of blocks, files in their order.

    `now` (µs) is the clock, `extracted_at` (µs) what the user says of the extraction, which then bounds what may be meant.
    """

    def __init__(self, now: int, extracted_at: int | None = None) -> None:
        self.now, self.extracted_at = now, extracted_at
        self._latest = max(now + AHEAD, extracted_at or 0)
        self._first = EARLIEST if extracted_at is None or extracted_at >= EARLIEST else EARLIEST_OF_ATTRIBUTES
        self._columns: dict[tuple[str, str], _Column] = {}

    def add(self, table: str, column: str, file: str, rows: Ints, moments: Moments) -> npt.NDArray[np.bool_]:
        """Count the moments (n,) of the file's `rows` (n,), numbered as a person does; which (n,) may be meant, missing ones
        among them."""
        days = self._latest // DAY - self._first // DAY + 1
        counts = self._columns.setdefault((table, column), _Column(days))
        early, late = outside(moments, self._latest - AHEAD, self._first)
        usable = ~(early | late)
        for odd_rows, mask in ((counts.early, early), (counts.late, late)):
            if mask.any():
                odd_rows.add(file, rows[mask], moments[mask])
                for name, count in _units(moments[mask], self.now).items():
                    counts.units[name] = counts.units.get(name, 0) + count
        dated = usable & (moments != NO_MOMENT)
        if not dated.all():
            rows, moments = rows[dated], moments[dated]
        numbers = (moments - self._first) // DAY
        counts.rows += np.bincount(numbers, minlength=days)
        np.maximum.at(counts.last, numbers, moments)
        first_row = np.full(days, -1, np.int64)
        first_row[numbers[::-1]] = np.arange(len(numbers) - 1, -1, -1)  # the first of a day is written last
        for number in np.flatnonzero(first_row >= 0).tolist():
            row = first_row[number]
            counts.first.setdefault(number, (file, int(rows[row]), int(moments[row])))
        return usable

    def judge(self, report: DataReport) -> Span:
        """The span of what may be meant, and the day of extraction; what lies outside is told in `report`.

        Raises
        ------
        DataError
            where most moments of a column lie outside, which no slip of a row explains, or there is no moment at all.
        """
        for (table, column), counts in self._columns.items():
            self._check(table, column, counts)
        total = np.sum([c.rows for c in self._columns.values()], axis=0)
        if not self._columns or not total.any():
            odd = [example for c in self._columns.values() for r in (c.early, c.late) if (example := r.example(self.now))]
            if odd:
                raise DataError(
                    f"No moment in the files can be meant: {odd[0]}.", "Look at `date_format:` and the columns mapped."
                )
            raise DataError("The files hold no date at all.", "Map `created_at`, or set `leads: {order: rows}`.")
        begin, end = 0, len(total) - 1
        planned = False
        if self.extracted_at is None:
            end = _last_of_bulk(total, LONELY)
            if end == len(total) - 1 and (last_day := self._before_plans()) is not None:
                end, planned = last_day, True
        begin = end - _last_of_bulk(total[: end + 1][::-1], LONG_BEFORE)
        self._tell(report, begin, end, planned)
        newest = max(int(c.last[: end + 1].max()) for c in self._columns.values())
        if self.extracted_at is None:
            _note_silence(report, total[begin : end + 1], newest)
        else:
            _note_late_extraction(report, total[begin:], newest, self.extracted_at)
        extraction = newest if self.extracted_at is None else self.extracted_at
        source = ", as given" if self.extracted_at is not None else f", the newest plausible moment ({self._table_of(newest)})"
        report.extraction = extraction_sentence(extraction, source)
        last = self._first + (end + 1) * DAY - 1 if end < len(total) - 1 else self._latest
        return Span(self._first + begin * DAY, last, extraction)

    def _check(self, table: str, column: str, counts: _Column) -> None:
        """Is so much outside that the column was misread?"""
        odd = counts.early.count + counts.late.count
        filled = odd + int(counts.rows.sum())
        if odd <= max(FEW, MOST_ODD * filled):
            return
        file, row, at = (counts.early.first + counts.late.first)[0]
        shown = f"{file} row {row}: {written(at)}"
        fact = f"{odd:,} of the {filled:,} moments of {table}.{column} cannot be meant, such as {shown}"
        unit, rows = max(counts.units.items(), key=lambda item: item[1], default=("", 0))
        if rows > MOST_ODD * odd and (meant := misread(at, self.now)):
            raise DataError(
                f"{fact}. They look like {unit}: that row would be {written(meant[1])}.",
                "Set `date_format: epoch_s` (seconds) or `epoch_ms` (milliseconds) for the file, or write the column as dates.",
            )
        if counts.late.count > MOST_ODD * filled:
            raise DataError(
                f"{fact}, after the clock of this machine ({written(self.now)} UTC).",
                "Check the clock and `date_format:`; if the data are of the future on purpose, give `extracted_at:`.",
            )

    def _before_plans(self) -> int | None:
        """The last day on which something happened, where interactions after it can only be planned ones; else None.

        Leads and lead stages, of which there were enough, have ended for far longer than they ever paused, while of
        interactions only a trickle goes on, and the week after that day was nearly empty.
        """
        acts = self._rows_of("interactions")
        milestones = np.sum([c.rows for (table, _), c in self._columns.items() if table != "interactions"], axis=0)
        if acts is None or not np.ndim(milestones) or min(acts.sum(), milestones.sum()) < ENOUGH:
            return None
        days, last_act = np.flatnonzero(milestones), int(np.flatnonzero(acts)[-1])
        last, stretch = int(days[-1]), last_act - int(days[-1])
        if stretch < max(AHEAD_DAYS, USUAL * _longest_silence(days, milestones[days])):
            return None
        first_act = int(np.flatnonzero(acts)[0])
        before = int(acts[: last + 1].sum())
        weekly = 7 * before / max(last - first_act + 1, 7)
        few = max(FEW, int(PLANNED_SHARE * before))
        for number in range(last, last_act - 6):
            tail = int(acts[number + 1 :].sum())
            next_week = int(acts[number + 1 : number + 8].sum())
            if tail <= few and next_week <= THIN * weekly and 7 * tail <= THIN * weekly * (last_act - number):
                return number
        return None

    def _rows_of(self, table: str) -> Ints | None:
        return next((c.rows for (name, _), c in self._columns.items() if name == table), None)

    def _table_of(self, newest: int) -> str:
        number = (newest - self._first) // DAY
        return next(table for (table, _), c in self._columns.items() if c.last[number] == newest)

    def _tell(self, report: DataReport, begin: int, end: int, planned: bool) -> None:
        """Each kind of what lies outside, column by column."""
        bound = "1990" if self._first == EARLIEST else "1900"
        limit = f"after the clock ({written(self.now)} UTC)"
        if self.extracted_at is not None and self.extracted_at > self.now:
            limit = f"after the extraction ({written(self.extracted_at)} UTC)"
        beyond = "long after all others" if not planned else "weeks after the last lead or lead stage, as planned meetings do"
        for (table, column), counts in self._columns.items():
            action = "set aside with all that the lead did" if table == "leads" else "set aside"
            kinds = [
                (f"before {bound}", counts.early, action),
                (limit, counts.late, action),
                ("years before all others", self._far(counts, np.arange(begin)), action),
                (
                    beyond,
                    self._far(counts, np.arange(end + 1, len(counts.rows))),
                    f"{action}; if that is right, give `extracted_at:`",
                ),
            ]
            for words, rows, outcome in kinds:
                report.warn(table, f"rows whose {column} lies {words}", rows.count, rows.example(self.now), outcome)

    def _far(self, counts: _Column, days: Ints) -> _Rows:
        first = [counts.first[number] for number in days[counts.rows[days] > 0].tolist()]
        return _Rows(int(counts.rows[days].sum()), first[:SHOWN])


@dataclass(frozen=True)
class Span:
    """What may be meant lies from `begin` to `end` (µs, both among them); the data were extracted at `extracted_at` (µs)."""

    begin: int
    end: int
    extracted_at: int

    def covers(self, moments: Moments) -> npt.NDArray[np.bool_]:
        """Which moments (n,) may be meant; missing ones may."""
        usable: npt.NDArray[np.bool_] = ((moments >= self.begin) & (moments <= self.end)) | (moments == NO_MOMENT)
        return usable


def _units(moments: Moments, now: int) -> dict[str, int]:
    """How many of these moments (n,) each way of misreading a number explains."""
    counts = {}
    for name, (times, over) in MISREAD.items():
        bounds = midnight(2000) * over // times, (now + AHEAD) * over // times
        counts[name] = int(((moments >= bounds[0]) & (moments <= bounds[1])).sum())
    return counts


def _longest_silence(days: Ints, rows: Ints) -> int:
    """The longest gap in days between `days` (n,) with `rows` (n,), but for the first few rows; 1 where there is none."""
    before = np.cumsum(rows)[:-1]
    gaps = np.diff(days)[before > min(FEW, before[-1] // 10 if len(before) else 0)]
    return int(gaps.max(initial=1))


def _last_of_bulk(rows: Ints, lonely: int) -> int:
    """The day (a place in `rows`, (days,)) on which the bulk ends; the last place where nothing lies far after it.

    Far is what comes after a silence of `lonely` days and of a multiple of all silences before, and is few.
    """
    far = _far_tail(rows, lonely)
    return len(rows) - 1 if far is None else far


def _far_tail(rows: Ints, lonely: int) -> int | None:
    """The last day before such a tail."""
    days = np.flatnonzero(rows)
    counts = rows[days]
    total = int(counts.sum())
    tails = total - np.cumsum(counts)[:-1]  # rows after each gap
    gaps = np.diff(days)
    few = max(FEW, int(SHARE * total))
    for i in np.flatnonzero((gaps >= lonely) & (tails <= few) & (REMAINING * tails <= total - tails)).tolist():
        if gaps[i] >= USUAL * _longest_silence(days[: i + 1], counts[: i + 1]):
            return int(days[i])
    return None


def _note_silence(report: DataReport, rows: Ints, newest: int) -> None:
    """Warn where the newest rows, though taken, come long after the others."""
    last = _far_tail(rows, NOTEWORTHY)
    if last is not None:
        few, silence = int(rows[last + 1 :].sum()), int(np.flatnonzero(rows[last + 1 :])[0]) + 1
        report.warn(
            "dataset", f"newest rows that come {silence:,} days after all others", few, written(newest),
            "kept: if that is not the day of the export, give `extracted_at:`",
        )  # fmt: skip


def _note_late_extraction(report: DataReport, rows: Ints, newest: int, extracted_at: int) -> None:
    """Warn where nothing happened for long before the extraction that was given."""
    days = np.flatnonzero(rows)
    silence = (extracted_at - newest) // DAY
    if silence >= LONELY and silence >= USUAL * _longest_silence(days, rows[days]):
        what = f"days without any row from the newest, {written(newest)}, to the extraction at {written(extracted_at)} UTC"
        report.warn("dataset", what, silence, "", "counted as days on which nobody converted: check `extracted_at:`")
