"""Every feature of the catalogue passes every contract, in hostile worlds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import features.engine.evaluate
from features.common.clock import DAY, MINUTE
from features.engine.feature_set import FeatureSet
from features.feature import Feature
from tests.features.oracles import AWAY, ORACLES, Event, Person, oracle
from tests.features.worlds import DIRECTIONS, OTHERS, PLAN, START, TYPES, Look, World, matrix, random_world, without_future

NAMES = [f.name for f in PLAN.features]


def assert_equal(found: np.ndarray, wanted: np.ndarray, tolerance: float = 0.0) -> None:
    wrong = ~np.isclose(found, wanted, rtol=tolerance, atol=tolerance, equal_nan=True)
    assert not wrong.any(), [(NAMES[f], int(k), found[f, k], wanted[f, k]) for f, k in np.argwhere(wrong)[:5]]


def test_the_catalogue_has_every_kind_of_feature() -> None:
    assert {type(f) for f in PLAN.features} == set(ORACLES) == set(Feature.__subclasses__())


@pytest.mark.parametrize("seed", range(6))
def test_a_naive_implementation_agrees(seed: int) -> None:
    world = random_world(seed)
    wanted = np.array([[oracle(f, world.situation(k)) for k in world.looks] for f in PLAN.features])
    assert_equal(matrix(world), wanted, 1e-9)


def test_an_account_too_large_for_a_buying_group() -> None:
    world = random_world(11, sizes=(1, 51, 2), busiest=8)
    few = World(world.accounts, [k for k in world.looks if k.person < 3])
    wanted = np.array([[oracle(f, few.situation(k)) for k in few.looks] for f in PLAN.features])
    assert_equal(matrix(few), wanted, 1e-9)


def test_twenty_years_lose_no_digits() -> None:
    """A difference of growing exponentials would: 2^(20 years / 3 days) has no neighbour in 64 bits."""
    events = [Event(day * DAY, "page_view", "in") for day in range(0, 20 * 365, 5)]
    world = World([[Person(0, events)]], [Look(0, 0, year * 365 * DAY + 1, 0, 0) for year in range(1, 21)])
    wanted = np.array([[oracle(f, world.situation(k)) for k in world.looks] for f in PLAN.features])
    assert_equal(matrix(world), wanted, 1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_what_happens_at_or_after_as_of_changes_nothing(seed: int) -> None:
    world = random_world(seed)
    looks = without_future(world).looks
    whole = matrix(World(world.accounts, looks))
    assert_equal(whole, matrix(without_future(world)))


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_rows_changes_nothing(seed: int) -> None:
    world = random_world(seed)
    assert_equal(matrix(world, seed=1), matrix(world, seed=2), 1e-12)


def test_an_empty_history_works() -> None:
    """Counts are 0 and nothing fails; what cannot be known is missing."""
    world = World([[Person(START, [])]], [Look(0, 0, START + DAY, 0, START)])
    found = matrix(world)[:, 0]
    for value, feature in zip(found, PLAN.features, strict=True):
        if feature.integral:
            assert value == round(value)
        assert value == oracle(feature, world.situation(world.looks[0])) or np.isnan(value)


@pytest.mark.parametrize("seed", range(4))
def test_an_account_alone_equals_its_rows_in_the_batch(seed: int) -> None:
    world = random_world(seed)
    together = matrix(world)
    for a in range(len(world.accounts)):
        mine = [i for i, k in enumerate(world.looks) if k.account == a]
        alone = World([world.accounts[a]], [replace(world.looks[i], account=0) for i in mine])
        assert_equal(matrix(alone), together[:, mine], 1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_one_look_alone_equals_its_row_among_others(seed: int) -> None:
    world = random_world(seed)
    together = matrix(world)
    for i, look in enumerate(world.looks):
        assert_equal(matrix(World(world.accounts, [look])), together[:, [i]], 1e-12)


@pytest.mark.parametrize(("interactions", "looks"), [(1, 1), (50, 3), (10**6, 10**6)])
@pytest.mark.parametrize("threads", [1, 2])
def test_groups_and_threads_change_nothing(
    monkeypatch: pytest.MonkeyPatch, interactions: int, looks: int, threads: int
) -> None:
    world = random_world(5, sizes=(1, 2, 3, 1, 4, 2, 1, 1))
    wanted = matrix(world)
    monkeypatch.setattr(features.engine.evaluate, "GROUP_INTERACTIONS", interactions)
    monkeypatch.setattr(features.engine.evaluate, "GROUP_LOOKS", looks)
    assert_equal(matrix(world, threads=threads), wanted, 1e-12)


def test_single_precision_is_the_rounded_double() -> None:
    world = random_world(3)
    assert_equal(matrix(world, dtype=np.float32), matrix(world).astype(np.float32))


@pytest.mark.parametrize("seed", range(2))
def test_a_shift_in_time_changes_only_the_calendar(seed: int) -> None:
    """Seven whole days: even the weekday stays."""
    world = random_world(seed)
    shift = 7 * 50 * DAY
    moved = World(
        [
            [Person(p.created + shift, [replace(e, at=e.at + shift) for e in p.events]) for p in people]
            for people in world.accounts
        ],
        [replace(k, as_of=k.as_of + shift, entered=k.entered + shift) for k in world.looks],
    )
    assert_equal(matrix(moved), matrix(world), 1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_turning_away_moves_only_what_counts_it_and_only_up(seed: int) -> None:
    """At any moment, in any direction, by anybody of the account, of a type with features of its own or without."""
    world, random = random_world(seed), np.random.default_rng(seed)
    lowering = FeatureSet(PLAN.features, (), TYPES, turning_away=PLAN.turning_away).lowering
    before = matrix(world)
    moments = [k.as_of - 1 for k in world.looks] + [START + int(m) for m in random.integers(0, 600 * DAY, 20)]
    for at in random.permutation(moments)[:12].tolist():
        act = Event(at, random.choice(sorted(AWAY)), DIRECTIONS[random.integers(3)], 5.0, 1)
        a = int(random.integers(len(world.accounts)))
        p = int(random.integers(len(world.accounts[a])))
        people = [replace(x, events=[*x.events, act]) if i == p else x for i, x in enumerate(world.accounts[a])]
        after = matrix(World([people if i == a else other for i, other in enumerate(world.accounts)], world.looks))
        own = np.array([k.account == a and k.person == p for k in world.looks])
        assert_equal(after[~lowering], before[~lowering])
        assert_equal(after[:, ~own], before[:, ~own])
        assert (after[lowering] >= before[lowering] - 1e-12).all()
        seen = own & np.array([k.as_of > at for k in world.looks])
        count = NAMES.index("turned_away.count_ever")
        assert np.array_equal(after[count] - before[count], seen.astype(float))


event = st.builds(
    Event,
    at=st.integers(START, START + 40 * DAY),
    type=st.sampled_from((*TYPES[:6], "unsubscribed", *OTHERS)),
    direction=st.sampled_from(DIRECTIONS),
    value=st.sampled_from((0.0, 1.5, 1e6)),
    content=st.integers(-1, 2),
)
near = st.builds(lambda e, m: replace(e, at=START + m * 30 * MINUTE), event, st.integers(0, 20))
person = st.builds(Person, created=st.integers(START - DAY, START), events=st.lists(st.one_of(event, near), max_size=8))


@settings(max_examples=40, deadline=None)
@given(st.lists(person, min_size=1, max_size=3), st.integers(START + 1, START + 41 * DAY))
def test_any_small_account_agrees_with_the_naive_implementation(people: list[Person], as_of: int) -> None:
    world = World([people], [Look(0, i, as_of, 1, START) for i in range(len(people))])
    wanted = np.array([[oracle(f, world.situation(k)) for k in world.looks] for f in PLAN.features])
    assert_equal(matrix(world), wanted, 1e-9)
