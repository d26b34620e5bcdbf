"""Labels and horizons: literal days, each with what it must not get wrong."""

from __future__ import annotations

import numpy as np
import pytest

from features.common.clock import DAY
from features.common.errors import DataError
from features.dataset.funnel import Funnel
from features.dataset.labels import choose_horizons, label
from features.dataset.landmarks import landmarks
from tests.features.dataset.paths import FUNNEL, path


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
        ([("lost", 3), ("mql", 5)], 50, [False] * 3, [True] * 3),  # back within the horizon: the new spell's, not this one's
        ([("mql", 2), ("lost", 3), ("customer", 8)], 50, [True, False, False], [True] * 3),
        ([("mql", 2), ("sql", 3), ("mql", 4), ("customer", 8)], 50, [True] * 3, [True] * 3),  # back without an exit
    ],
)
def test_labels(history: list[tuple[str, float]], known: float, reached: list[bool], matured: list[bool]) -> None:
    assert labelled(history, known) == (reached, matured)


def test_each_spell_has_the_labels_of_its_own_outcome() -> None:
    way = path({"a": [("mql", 2), ("lost", 3), ("mql", 40), ("customer", 45)]})
    looks = landmarks(way, 1000 * DAY, [0])
    assert ((looks.as_of - 1) / DAY).tolist() == [0, 2, 40]
    assert label(way, looks, FUNNEL, 1000 * DAY).reached[:, -1].tolist() == [False, False, True]


def test_who_comes_back_as_mql_took_no_time_to_become_one() -> None:
    funnel = Funnel(("lead", "mql", "sql"), ("lost",), {})
    lives = {f"l{i}": [("mql", 13.0), ("sql", 13.1), ("lost", 20), ("mql", 90)] for i in range(10)}
    assert choose_horizons(path(lives, funnel=funnel), funnel, 400 * DAY)["mql"] == 14.0


def test_only_what_lies_ahead_is_labelled() -> None:
    way = path({"a": [("sql", 0)]})
    look = landmarks(way, 100 * DAY, [0])
    assert label(way, look, FUNNEL, 100 * DAY).above_stage.tolist() == [[False, False, True]]


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
