"""Paths and landmarks: literal days, each with what it must not get wrong."""

from __future__ import annotations

import numpy as np
import pytest

from features.common.clock import DAY, NO_MOMENT
from features.dataset.landmarks import (
    AHEAD,
    CONVERTED,
    EXITED,
    OPEN,
    Landmarks,
    landmarks,
    open_leads,
    previous_positions,
    states,
)
from tests.features.dataset.paths import FUNNEL, path


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
        ([("mql", 1), ("lost", 3), ("mql", 50)], 52, [("lead", 0), ("mql", 1), ("mql", 50)]),  # none while it had left
        ([("mql", 1), ("lost", 3)], 52, [("lead", 0), ("mql", 1)]),  # as looked at as who comes back
    ],
)
def test_landmarks(history: list[tuple[str, float]], until: float, found: list[tuple[str, float]]) -> None:
    assert looked(history, until, [0, 3, 7]) == found


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


def test_a_lead_that_is_not_open_has_one_reason_for_it() -> None:
    way = path({"open": [("mql", 3)], "gone": [("lost", 4)], "won": [("customer", 4)]}, created=1)
    assert states(way, 5 * DAY).tolist() == [OPEN, EXITED, CONVERTED]
    assert states(way, 4 * DAY).tolist() == [OPEN, OPEN, OPEN], "what happens at that very moment is not known before it"
    assert states(way, 1 * DAY).tolist() == [AHEAD, AHEAD, AHEAD]


def test_where_only_ended_leads_are_looked_at_open_ones_have_no_landmark() -> None:
    way = path({"open": [], "mql": [("mql", 3)], "gone": [("lost", 4)], "won": [("customer", 4)]})
    assert way.ended.tolist() == [False, True, True, True]
    every, ended = (landmarks(way, 9 * DAY, [0, 2], ended_only=only) for only in (False, True))
    assert sorted(set(every.lead.tolist())) == [0, 1, 2, 3]
    kept = every.take(np.flatnonzero(every.lead > 0))
    assert (ended.lead.tolist(), ended.as_of.tolist()) == (kept.lead.tolist(), kept.as_of.tolist())
