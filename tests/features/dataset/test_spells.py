"""The judge of histories against a naive one, over generated lives; and that it never looks ahead."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.common.clock import DAY, NO_MOMENT
from features.dataset.dataset import Dataset
from features.dataset.labels import label
from features.dataset.landmarks import AHEAD, CONVERTED, OPEN, Path, landmarks, open_leads, states
from features.dataset.spells import spells_of
from features.dataset.validate import validate
from tests.features.dataset.lives import (
    FUNNEL,
    HISTORIES,
    MOMENTS,
    START,
    STEP,
    History,
    counted,
    looks_of,
    reaches,
    standing,
    tables,
)

NAMES = [*FUNNEL.stages, *FUNNEL.exits]
AGES = (0.0, 0.5, 1.0, 3.0)
END = START + 70 * STEP
LIVES = st.lists(st.tuples(MOMENTS, HISTORIES), min_size=1, max_size=4)


def path(people: list[tuple[int, History]]) -> Path:
    changes = [(i, NAMES.index(name), at) for i, (_, history) in enumerate(people) for name, at in history]
    row, step, time = np.array(changes, np.int64).reshape(-1, 3).T
    return Path.from_changes(np.array([c for c, _ in people], np.int64), row, step, time.copy(), len(FUNNEL.stages))


@settings(max_examples=2 * settings.default.max_examples, deadline=None)
@given(LIVES, MOMENTS, st.integers(-1, 2))
def test_where_leads_stand_is_what_a_plain_walk_through_their_past_says(
    people: list[tuple[int, History]], moment: int, more: int
) -> None:
    as_of, way = moment + more, path(people)
    truth = [standing(created, history, as_of) for created, history in people]
    found = states(way, as_of)
    for state, right in zip(found, truth, strict=True):
        assert (state == AHEAD) == (right is None)
        assert (state == OPEN) == (right is not None and right.open)
        assert (state == CONVERTED) == (right is not None and right.stage == len(FUNNEL.stages) - 1)
    looks = open_leads(way, as_of)
    right_looks = [(i, s.stage, s.since) for i, s in enumerate(truth) if s is not None and s.open]
    assert list(zip(looks.lead, looks.stage, looks.entered, strict=True)) == right_looks
    first = [min((n for n in range(1, 10) if s and n == s.spell), default=1) for s in truth]
    assert (way.spells(np.arange(len(people)), np.full(len(people), as_of)) - way.begin[:-1] + 1).tolist() == first


@settings(max_examples=2 * settings.default.max_examples, deadline=None)
@given(LIVES, MOMENTS)
def test_landmarks_and_labels_are_those_of_the_plain_walk(people: list[tuple[int, History]], known_at: int) -> None:
    way = path(people)
    looks = landmarks(way, END, AGES)
    right = [(i, *look) for i, (created, history) in enumerate(people) for look in looks_of(created, history, END, AGES)]
    assert list(zip(looks.lead, looks.as_of, looks.stage, looks.entered, strict=True)) == right
    labels = label(way, looks, FUNNEL, known_at)
    for k, (lead, as_of, stage, _) in enumerate(right):
        for target in range(stage, len(FUNNEL.targets)):
            assert labels.reached[k, target] == reaches(*people[lead], as_of, target + 1, known_at)


@settings(max_examples=2 * settings.default.max_examples, deadline=None)
@given(MOMENTS, HISTORIES, HISTORIES, HISTORIES, MOMENTS)
def test_leads_that_are_alike_up_to_a_moment_are_looked_at_alike_up_to_it(
    created: int, common: History, one: History, other: History, moment: int
) -> None:
    """Whatever comes at or after the moment: landmarks up to it, and who is open then, are the same."""
    before = [(name, at) for name, at in common if at < moment]
    lives = [[*before, *((name, max(at, moment)) for name, at in more)] for more in (one, other)]
    (looks, standing_then), (other_looks, other_then) = (
        (
            [(a, s, e) for a, s, e in zip(looks.as_of, looks.stage, looks.entered, strict=True) if a <= moment],
            states(way, moment).tolist(),
        )
        for way in (path([(created, life)]) for life in lives)
        for looks in [landmarks(way, END, AGES)]
    )
    assert looks == other_looks
    assert standing_then == other_then


@settings(max_examples=40, deadline=None)
@given(LIVES)
def test_cleaning_leaves_every_life_as_it_was(people: list[tuple[int, History]]) -> None:
    """What is left out of the rows says nothing new, and neither their order nor rows that are there twice matter."""
    leads, stages = tables([*people, (START, [("mql", START + STEP)]), (START, [])])
    mixed = pd.concat([stages[::-1], stages[:2]], ignore_index=True)
    extracted_at = pd.Timestamp(END, unit="us", tz="UTC")
    clean, _ = validate(Dataset.from_tables({"leads": leads, "lead_stages": mixed}, extracted_at=extracted_at), FUNNEL)
    once, again = Path.from_tables(leads, stages, FUNNEL), Path.from_tables(clean.leads, clean.lead_stages, FUNNEL)
    for name in ("reached", "exited_at", "begin"):
        np.testing.assert_array_equal(getattr(once, name), getattr(again, name))


@settings(max_examples=60, deadline=None)
@given(LIVES, st.randoms())
def test_some_of_the_leads_have_their_own_spells(people: list[tuple[int, History]], random: object) -> None:
    rows = np.array(sorted(range(len(people)), key=lambda _: random.random())[:2], np.intp)  # type: ignore[attr-defined]
    chosen, alone = path(people).take(rows), path([people[i] for i in rows])
    for name in ("reached", "exited_at", "begin"):
        np.testing.assert_array_equal(getattr(chosen, name), getattr(alone, name))
    assert chosen.lead.tolist() == alone.lead.tolist()
    np.testing.assert_array_equal(chosen.first_reached, alone.first_reached)


def days(history: list[tuple[str, float]], created: float = 0) -> list[tuple[list[float | None], float | None]]:
    """Each spell: days at which lead stages were reached, and of the exit."""
    way = path([(START + int(created * DAY), [(name, START + int(at * DAY)) for name, at in history])])

    def day(moment: int) -> float | None:
        return None if moment == NO_MOMENT else (moment - START) / DAY

    return [([day(m) for m in row], day(left)) for row, left in zip(way.reached, way.exited_at, strict=True)]


NEVER = None


@pytest.mark.parametrize(
    ("history", "spells"),
    [
        ([("lost", 2), ("mql", 3)], [([0, NEVER, NEVER, NEVER], 2), ([3, 3, NEVER, NEVER], NEVER)]),
        ([("sql", 1), ("mql", 3)], [([0, 1, 1, NEVER], NEVER)]),  # back without an exit
        ([("mql", 1), ("lost", 2), ("lost", 4)], [([0, 1, NEVER, NEVER], 2)]),  # left once
        ([("mql", 1), ("lost", 2), ("mql", 2)], [([0, 1, NEVER, NEVER], 2)]),  # at one moment the exit comes last
        ([("customer", 1), ("mql", 5)], [([0, 1, 1, 1], NEVER)]),  # a customer stays one …
        ([("customer", 1), ("lost", 4), ("mql", 5)], [([0, 1, 1, 1], 4), ([5, 5, NEVER, NEVER], NEVER)]),  # … until an exit
        ([("lost", 1), ("lead", 2), ("lost", 3), ("sql", 4)], [
            ([0, NEVER, NEVER, NEVER], 1), ([2, NEVER, NEVER, NEVER], 3), ([4, 4, 4, NEVER], NEVER),
        ]),
    ],
)  # fmt: skip
def test_a_life(history: list[tuple[str, float]], spells: list[tuple[list[float | None], float | None]]) -> None:
    assert days(history) == spells


def test_what_came_before_the_creation_counts_from_it_unless_an_exit_ended_it() -> None:
    assert days([("mql", 0.6)], created=1.5) == [([1.5, 1.5, NEVER, NEVER], NEVER)]
    assert days([("mql", 0.6), ("lost", 1.2)], created=1.5) == [([1.5, NEVER, NEVER, NEVER], NEVER)]
    assert days([("mql", 0.6), ("lost", 0.7), ("sql", 1.2)], created=1.5) == [([1.5, 1.5, 1.5, NEVER], NEVER)]


@pytest.mark.parametrize("name", ["customer", "lost"])
def test_a_day_without_a_time_counts_from_just_after_the_creation(name: str) -> None:
    """Created at noon, won or lost "that day": the lead is looked at once, and its outcome lies ahead of that look."""
    way = path([(START + DAY // 2, [(name, START)])])
    looks = landmarks(way, END, AGES)
    assert (looks.as_of.tolist(), looks.stage.tolist()) == ([START + DAY // 2 + 1], [0])
    assert label(way, looks, FUNNEL, END).reached.tolist() == [[name == "customer"] * 3]
    earlier = path([(START + DAY // 2, [("customer", START - DAY)])])
    assert len(landmarks(earlier, END, AGES)) == 0, "the day before is no day of the creation"


def test_no_leads_and_no_changes_have_no_spells_but_the_first() -> None:
    none, numbers = np.zeros(0, np.int64), np.zeros(0, np.int32)
    reached, left, begin = spells_of(none, numbers, numbers, none, 4)
    assert (reached.shape, left.shape, begin.tolist()) == ((0, 4), (0,), [0])
    assert states(Path(reached, left, begin), START).tolist() == []
    reached, _, begin = spells_of(np.array([START]), np.array([-1, 0]), np.array([1, -1]), np.array([START, START]), 2)
    assert (reached.tolist(), begin.tolist()) == ([[START, NO_MOMENT]], [0, 1])


def test_the_naive_judge_knows_a_day_without_a_time() -> None:
    assert [counted(START + 5, START), counted(START, START), counted(START + 5, START + 6)] == [START + 6, START, START + 6]
