"""The day of extraction and what lies far from all else, by rows a day."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.common.clock import DAY, NO_MOMENT
from features.common.errors import DataError
from features.dataset.data_report import DataReport
from features.dataset.day_counts import DayCounts, Span
from features.dataset.moments import midnight

NOW = midnight(2026, 12, 1)
START = midnight(2024)
COLUMNS = {"leads": "created_at", "lead_stages": "at", "interactions": "at"}


def judged(now: int = NOW, given: int | None = None, **tables: list[float]) -> tuple[Span, DataReport]:
    """Tables as days since the start of 2024."""
    counts, report = DayCounts(now, given), DataReport()
    for table, days in tables.items():
        moments = START + (np.array(days, float) * DAY).astype(np.int64)
        counts.add(table, COLUMNS[table], f"{table}.csv", np.arange(2, len(days) + 2), moments)
    return counts.judge(report), report


def last_day(span: Span) -> float:
    return (span.extracted_at - START) / DAY


DAILY = [day + 0.5 for day in range(60)]
BUSY = [day + part / 4 for day in range(60) for part in range(4)]
FAR = {  # days since 2024 that one row of interactions has, and what is told of it
    "a century late": (182 * 365.25, "after the clock"),
    "two figures exchanged": (36 * 365.25, "after the clock"),
    "the year 206": (-1818 * 365.25, "before 1990"),
    "1970": (-54 * 365.25, "before 1990"),
    "two years after the rest": (790, "long after all others"),
    "twenty years before": (-20 * 365.25, "years before all others"),
    "a meeting in five weeks": (95, "as planned meetings do"),
}


@pytest.mark.parametrize("name", FAR)
@pytest.mark.parametrize("busy", [DAILY, BUSY])
def test_a_row_far_from_all_others_is_told_and_changes_nothing(name: str, busy: list[float]) -> None:
    day, words = FAR[name]
    clean, _ = judged(leads=DAILY, interactions=busy)
    span, report = judged(leads=DAILY, interactions=[busy[0], day, *busy[1:]])
    assert span.extracted_at == clean.extracted_at
    assert not span.covers(np.array([START + int(day * DAY)])).any()
    assert span.covers(START + (np.array(busy) * DAY).astype(np.int64)).all()
    (note,) = report.notes
    assert words in note.what
    assert "interactions.csv row 3" in note.example


QUIET: dict[str, tuple[list[float], list[float]]] = {
    "nothing odd": (DAILY, BUSY),
    "one lead": ([3.0], []),
    "all on one day": ([5.0] * 30, [5.0] * 90),
    "a pause of five months, then as before": ([*DAILY, *(d + 210 for d in DAILY)], [*BUSY, *(d + 210 for d in BUSY)]),
    "a burst each autumn": (
        [y * 365 + d for y in range(3) for d in range(12)],
        [y * 365 + d for y in range(3) for d in range(12)],
    ),
    "a last busy day": (DAILY, [*BUSY, *([59.9] * 500)]),
    "a cohort of which interactions go on": (DAILY, [*BUSY, *(60 + d / 2 for d in range(200))]),
    "a few rows a year": ([0.0, 200.0, 580.0], [30.0, 400.0, 900.0]),
    "weekly uploads": ([7.0 * w for w in range(30)], [7.0 * w for w in range(32) for _ in range(9)]),
}


@pytest.mark.parametrize("name", QUIET)
def test_what_businesses_do_is_no_alarm(name: str) -> None:
    leads, acts = QUIET[name]
    span, report = judged(leads=leads, **({"interactions": acts} if acts else {}))
    assert not report.notes
    assert last_day(span) == pytest.approx(max(leads + acts), abs=1e-6)


def test_a_few_rows_after_a_pause_of_months_are_taken_and_told() -> None:
    span, report = judged(leads=[*DAILY, 250.0, 251.0], interactions=BUSY)
    assert last_day(span) == 251
    assert ["2 newest rows that come 191 days after all others" in str(note) for note in report.notes] == [True]


def test_planned_meetings_that_become_fewer_are_no_knowledge() -> None:
    span, report = judged(leads=DAILY, interactions=[*BUSY, 69, 73, 82, 101])
    assert last_day(span) < 60
    assert (report.notes[0].count, report.notes[0].table) == (4, "interactions")


def test_what_the_user_says_of_the_extraction_wins() -> None:
    span, report = judged(given=START + 30 * DAY, leads=DAILY, interactions=[*BUSY, 95])
    assert last_day(span) == 30
    assert "as given" in report.extraction
    assert not report.notes
    late, report = judged(given=START + 900 * DAY, leads=DAILY)
    assert last_day(late) == 900
    assert "840 days without any row" in str(report.notes[0])


def test_the_clock_decides_about_rows_after_it_alone() -> None:
    """A year later the same files are the same data."""
    first, second = (judged(now, leads=DAILY, interactions=[*BUSY, 790, -30_000]) for now in (NOW, NOW + 365 * DAY))
    assert (first[0].extracted_at, first[1]) == (second[0].extracted_at, second[1])


def test_missing_moments_are_no_moments() -> None:
    counts = DayCounts(NOW)
    assert counts.add("leads", "created_at", "l.csv", np.arange(2), np.array([START, NO_MOMENT])).all()
    assert counts.judge(DataReport()).covers(np.array([NO_MOMENT])).all()


@pytest.mark.parametrize(
    ("scale", "words"), [(1 / 1_000, "seconds read as milliseconds"), (1_000, "milliseconds read as seconds")]
)
def test_a_column_in_another_unit_is_an_error_with_both_readings(scale: float, words: str) -> None:
    counts = DayCounts(NOW)
    moments = (START + np.arange(40) * DAY) * 1_000 if scale > 1 else (START + np.arange(40) * DAY) // 1_000
    counts.add("interactions", "at", "a.csv", np.arange(2, 42), moments)
    with pytest.raises(DataError, match=rf"a\.csv row 2: .*{words}: that row would be 2024-01-01 00:00[^$]*epoch_s"):
        counts.judge(DataReport())


def test_data_of_the_future_ask_for_their_extraction() -> None:
    with pytest.raises(DataError, match=r"after the clock[^$]*extracted_at"):
        judged(leads=[day + 5_000 for day in DAILY])
    span, _ = judged(given=START + 5_100 * DAY, leads=[day + 5_000 for day in DAILY])
    assert last_day(span) == 5_100


def test_no_plausible_moment_at_all_shows_some() -> None:
    with pytest.raises(DataError, match=r"No moment in the files can be meant: leads\.csv row 2: 1969-12-31 12:00, as"):
        judged(leads=[-54 * 365.25] * 2)
    with pytest.raises(DataError, match="no date at all"):
        DayCounts(NOW).judge(DataReport())


days = st.one_of(st.floats(0, 90), st.floats(-20_000, 70_000), st.sampled_from([95.0, 790.0, -20_000.0, 66_000.0]))


@given(st.lists(days, min_size=1, max_size=60), st.lists(days, max_size=60), st.integers(1, 9), st.integers(0, 2))
def test_blocks_of_rows_are_judged_as_all_of_them(leads: list[float], acts: list[float], size: int, old: int) -> None:
    def outcome(step: int) -> object:
        counts, report = DayCounts(NOW), DataReport()
        for table, values in (("leads", [0.0] * 20 * old + leads), ("interactions", acts)):
            moments = START + (np.array(values, float) * DAY).astype(np.int64)
            rows = np.arange(len(values)) + 2
            for begin in range(0, len(values), step):
                part = slice(begin, begin + step)
                counts.add(table, COLUMNS[table], "f.csv", rows[part], moments[part])
        try:
            return counts.judge(report), report
        except DataError as error:
            return str(error)

    assert outcome(size) == outcome(10_000)
