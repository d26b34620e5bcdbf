"""Paths, landmarks and labels: literal days, each with what it must not get wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.common.clock import DAY, NO_MOMENT, microseconds
from features.common.errors import ConfigError, DataError
from features.dataset.funnel import Funnel
from features.dataset.labels import choose_horizons, label
from features.dataset.landmarks import Landmarks, Path, landmarks, open_leads, previous_positions

FUNNEL = Funnel(horizons={"mql": 10, "sql": 20, "customer": 30})
EPOCH = pd.Timestamp("1970-01-01", tz="UTC")


def day(number: float) -> pd.Timestamp:
    return EPOCH + pd.Timedelta(days=number)


def path(stages: dict[str, list[tuple[str, float]]], created: float = 0, funnel: Funnel = FUNNEL) -> Path:
    leads = pd.DataFrame({"lead_id": list(stages), "created_at": [day(created)] * len(stages)})
    rows = [(lead, stage, day(at)) for lead, history in stages.items() for stage, at in history]
    return Path.from_tables(leads, pd.DataFrame(rows, columns=["lead_id", "lead_stage", "at"]), funnel)


def days(moments: np.ndarray) -> list[float | None]:
    return [None if m == NO_MOMENT else m / DAY for m in moments]


@pytest.mark.parametrize(
    ("history", "reached", "left"),
    [
        ([], [0, None, None, None], None),
        ([("mql", 3), ("sql", 5)], [0, 3, 5, None], None),
        ([("customer", 5)], [0, 5, 5, 5], None),  # lead stages in between are skipped, and so reached with it
        ([("sql", 5), ("mql", 7)], [0, 5, 5, None], None),  # back again: the first time counts
        ([("mql", 3), ("lost", 6)], [0, 3, None, None], 6),
        ([("lost", 2), ("mql", 3)], [0, 3, None, None], None),  # came back: the exit does not count
        ([("mql", 3), ("mql", 4), ("lost", 9), ("disqualified", 8)], [0, 3, None, None], 8),
    ],
)
def test_a_path(history: list[tuple[str, float]], reached: list[float | None], left: float | None) -> None:
    found = path({"a": history})
    assert days(found.reached[0]) == reached
    assert days(found.exited_at) == [left]


def looked(history: list[tuple[str, float]], until: float, ages: list[float]) -> list[tuple[str, float]]:
    found = landmarks(path({"a": history}), int(until * DAY), ages)
    assert np.all(found.as_of % DAY == 1), "one microsecond after, so that the entry itself is known"
    return [(FUNNEL.stages[s], (m - 1) / DAY) for s, m in zip(found.stage, found.as_of, strict=True)]


@pytest.mark.parametrize(
    ("history", "until", "found"),
    [
        ([], 5, [("lead", 0), ("lead", 3)]),  # day 7 is after the extraction
        ([("mql", 2)], 100, [("lead", 0), ("mql", 2), ("mql", 5), ("mql", 9)]),
        ([("mql", 3)], 4, [("lead", 0), ("mql", 3)]),  # on day 3 the lead is an MQL already
        ([("lost", 4)], 100, [("lead", 0), ("lead", 3)]),
        ([("mql", 0)], 1, [("mql", 0)]),  # left in the same instant: no look as a lead
        ([("customer", 1)], 100, [("lead", 0)]),  # the final lead stage is not looked at
    ],
)
def test_landmarks(history: list[tuple[str, float]], until: float, found: list[tuple[str, float]]) -> None:
    assert looked(history, until, [0, 3, 7]) == found


def labelled(history: list[tuple[str, float]], known: float) -> tuple[list[bool], list[bool]]:
    """Reached and matured of the look on day 0 for mql, sql, customer."""
    way = path({"a": history})
    look = landmarks(way, 1000 * DAY, [0]).take(np.array([0]))
    found = label(way, look, FUNNEL, int(known * DAY))
    return found.reached[0].tolist(), found.matured[0].tolist()


@pytest.mark.parametrize(
    ("history", "known", "reached", "matured"),
    [
        ([], 5, [False] * 3, [False] * 3),  # nothing has matured: neither yes nor no
        ([], 15, [False] * 3, [True, False, False]),
        ([], 31, [False] * 3, [True] * 3),
        ([("mql", 9)], 11, [True, False, False], [True, False, False]),
        ([("mql", 9)], 9.5, [True, False, False], [False] * 3),  # an early yes beside unknown noes would be too rosy
        ([("mql", 11)], 50, [False] * 3, [True] * 3),  # too late
        ([("mql", 11), ("sql", 12)], 50, [False] * 3, [True] * 3),  # nested: sql in time, but mql was not
        ([("mql", 2), ("sql", 12), ("customer", 29)], 50, [True] * 3, [True] * 3),
        ([("mql", 2), ("lost", 3)], 50, [True, False, False], [True] * 3),  # an exit is a no
        ([("mql", 10)], 50, [True, False, False], [True] * 3),  # exactly within
    ],
)
def test_labels(history: list[tuple[str, float]], known: float, reached: list[bool], matured: list[bool]) -> None:
    assert labelled(history, known) == (reached, matured)


def test_only_what_lies_ahead_is_labelled() -> None:
    way = path({"a": [("sql", 0)]})
    look = landmarks(way, 100 * DAY, [0])
    assert label(way, look, FUNNEL, 100 * DAY).above_stage.tolist() == [[False, False, True]]


def test_a_landmark_is_what_it_was_where_lead_moment_and_lead_stage_are_the_same() -> None:
    def looks(lead: list[int], as_of: list[int], stage: list[int]) -> Landmarks:
        moments = np.array(as_of, np.int64)
        return Landmarks(np.array(lead, np.intp), moments, np.array(stage, np.int32), moments - 1)

    then = looks([0, 0, 1, 1], [10, 20, 30, 40], [0, 0, 0, 1])
    now = looks([0, 1, 1, 1, 2, 2], [5, 10, 20, 25, 30, 41], [0, 0, 0, 0, 0, 1])  # a new lead, a later landmark, another moment
    found = previous_positions(now, np.array([-1, 0, 1]), np.array([0, 2, 4]), then)
    assert found.tolist() == [-1, 0, 1, -1, 2, -1]


def test_open_leads_are_those_created_and_not_gone() -> None:
    way = path({"open": [("mql", 3)], "gone": [("lost", 4)], "won": [("customer", 4)]}, created=1)
    assert len(open_leads(way, 1 * DAY)) == 0, "created at that very moment is not before it"
    found = open_leads(way, 5 * DAY)
    assert (found.lead.tolist(), found.stage.tolist(), (found.entered / DAY).tolist()) == ([0], [1], [3.0])


def test_horizons_are_chosen_from_the_data() -> None:
    """Eight of ten become MQL within 13 days, so 14; and all SQL on the day after, so 14 again."""
    funnel = Funnel(("lead", "mql", "sql"), (), {})
    way = path({f"l{i}": [("mql", i + 4.0), ("sql", i + 4.1)] for i in range(10)}, funnel=funnel)
    assert choose_horizons(way, funnel, 400 * DAY) == {"mql": 14.0, "sql": 14.0}


def test_a_horizon_is_at_most_a_third_of_the_data() -> None:
    funnel = Funnel(("lead", "mql"), (), {})
    assert choose_horizons(path({"a": [("mql", 80)]}, funnel=funnel), funnel, 100 * DAY) == {"mql": 30.0}


@pytest.mark.parametrize(
    ("history", "until", "message"),
    [
        ({"a": [("mql", 3)]}, 10, "span 10.0 days; that is too short"),
        ({"a": [("mql", 3)]}, 100, "ever reached the lead stage 'sql'"),
    ],
)
def test_horizons_that_cannot_be_chosen(history: dict[str, list[tuple[str, float]]], until: float, message: str) -> None:
    funnel = Funnel(("lead", "mql", "sql"), (), {})
    with pytest.raises(DataError, match=message):
        choose_horizons(path(history, funnel=funnel), funnel, int(until * DAY))


@pytest.mark.parametrize(
    ("funnel", "message"),
    [
        ({"stages": ("a",)}, "at least two lead stages"),
        ({"stages": ("a", "b"), "exits": ("a",)}, "names 'a' twice"),
        ({"horizons": {"mqll": 3}}, "did you mean 'mql'"),
        ({"horizons": {"mql": 0}}, "is 0 days"),
    ],
)
def test_a_funnel_that_cannot_be(funnel: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Funnel(**funnel)


def test_microseconds_whatever_the_resolution() -> None:
    """Nanoseconds, seconds and microseconds of the same moment are the same number."""
    for unit in ("s", "us", "ns"):
        assert microseconds(pd.Series([day(1.5)]).dt.as_unit(unit)).tolist() == [int(1.5 * DAY)]
    assert microseconds(pd.Series([pd.NaT])).tolist() == [NO_MOMENT]
