"""What earlier leads of a level did: in time, of other accounts, and worth having only where levels tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.common.clock import DAY, NO_MOMENT
from models.common.types import Examples, Floats, log_loss, sigmoid
from training.common.config import Search
from training.fit.level_statistics import STRENGTHS, Counts, sums_until, with_level_statistics, without_levels
from training.fit.transition_fit import fit_transition, relearn

LEVEL, LEAST_ROWS = 2, 5  # the column of levels; how often an encoder must have seen one
QUICK = {"num_leaves": 4, "learning_rate": 0.1}


def of_levels(
    spread: float, levels: int = 500, rows: int = 5_000, later: int = 10_000, seed: int = 0
) -> tuple[Examples, Examples, Floats]:
    """Leads to learn from, later ones, and the true chances of these. Two other columns tell; log-odds of levels differ by
    `spread`, and the outcome is known after a fortnight."""
    random, every = np.random.default_rng(seed), rows + later
    effect, level = random.normal(0, spread, levels), random.choice(levels, every, p=random.dirichlet(np.full(levels, 0.8)))
    known = np.bincount(level[:rows], minlength=levels) >= LEAST_ROWS
    code = np.where(known, np.cumsum(known) - 1, known.sum())[level]
    x = np.column_stack((random.normal(size=(every, 2)), code, np.zeros(every))).astype(np.float32)
    chance = sigmoid(-1.8 + 0.7 * x[:, 0] - 0.4 * x[:, 1] + effect[level])
    as_of = np.arange(every) * DAY // 20
    marks = np.array([0, 0, 1, 0], np.int8)
    examples = Examples(
        x, random.random(every) < chance, np.ones(every), as_of, np.arange(every), as_of + 14 * DAY, points=3, levels=marks
    )
    return examples.select(np.arange(rows)), examples.select(np.arange(rows, every)), chance[rows:]


def small(seed: int = 0, rows: int = 80) -> Examples:
    """Few levels and accounts that come back, in no order of time, some with no level."""
    random = np.random.default_rng(seed)
    x = random.integers(0, 4, (rows, 4)).astype(np.float32)
    x[random.random(rows) < 0.1, LEVEL] = np.nan
    as_of = random.integers(0, 30, rows) * DAY
    known_at = as_of + random.integers(1, 9, rows) * DAY
    y = random.random(rows) < np.where(x[:, LEVEL] == 0, 0.9, 0.2)
    marks = np.array([0, -1, 1, 0], np.int8)
    return Examples(x, y, np.ones(rows), as_of, random.integers(0, 12, rows), known_at, points=3, levels=marks)


def test_each_lead_sees_what_was_known_of_other_accounts_at_its_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    examples, strength = small(), 8.0
    monkeypatch.setattr("training.fit.level_statistics.prior_strength", lambda *_: strength)
    found, effects = with_level_statistics(examples)
    evidence = len(np.unique(examples.account)) / len(examples)
    level = examples.x[:, LEVEL]
    for i in range(len(examples)):
        others = (examples.account != examples.account[i]) & (examples.known_at <= examples.as_of[i]) & ~np.isnan(level)
        wanted = naive(examples, others, level[i], strength, evidence)
        np.testing.assert_allclose(found.x[i, LEVEL], wanted, rtol=1e-5, atol=1e-6)
    for each, number in enumerate(effects.tables[LEVEL]):
        assert number == pytest.approx(naive(examples, ~np.isnan(level), each, strength, evidence))


def naive(examples: Examples, use: np.ndarray, level: float, strength: float, evidence: float) -> float:
    """The number of a level from the examples in use, as the docstrings have it."""
    if np.isnan(level):
        return np.nan
    rate = (examples.y[use].sum() * evidence + 0.5) / (use.sum() * evidence + 1)
    same = use & (examples.x[:, LEVEL] == level)
    shrunk = (examples.y[same].sum() * evidence + strength * rate) / (same.sum() * evidence + strength)
    return float(np.log(shrunk / (1 - shrunk)) - np.log(rate / (1 - rate)))


def test_no_outcome_of_an_account_moves_its_own_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.fit.level_statistics.prior_strength", lambda *_: 8.0)
    examples = small()
    own = examples.account == 3
    turned = replace(examples, y=examples.y ^ own)
    before, after = (with_level_statistics(e)[0].x for e in (examples, turned))
    np.testing.assert_array_equal(before[own], after[own])
    assert (before[~own] != after[~own]).any()


def test_outcomes_that_are_not_known_teach_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.fit.level_statistics.prior_strength", lambda *_: 8.0)
    examples = small()
    open_rows = np.arange(len(examples)) >= 60
    never = replace(examples, known_at=np.where(open_rows, NO_MOMENT, examples.known_at))
    turned = replace(never, y=never.y ^ open_rows)
    (x, effects), (other_x, other_effects) = (with_level_statistics(e) for e in (never, turned))
    np.testing.assert_array_equal(x.x, other_x.x)
    np.testing.assert_array_equal(effects.tables[LEVEL], other_effects.tables[LEVEL])


def test_columns_for_other_targets_are_hidden_and_no_level_is_left_as_it_is() -> None:
    found, effects = with_level_statistics(small())
    assert not found.x[:, 1].any()
    assert found.levels is None
    assert effects.hidden == (1,)
    bare, hidden = without_levels(small())
    assert not bare.x[:, 1:3].any()
    assert hidden.hidden == (1, 2)


def test_a_number_is_pulled_to_that_of_all_the_more_the_fewer_outcomes_there_are() -> None:
    one, many = (Counts(*np.array([[n], [n], [1_000], [100]])).log_odds(20.0, 1.0)[0] for n in (1, 50))
    assert 0 < one < many
    assert Counts(*np.array([[0], [0], [1_000], [100]])).log_odds(20.0, 1.0)[0] == pytest.approx(0)
    assert (Counts(*np.array([[9], [9], [9], [9]])).log_odds(np.inf, 1.0) == 0).all()


def test_sums_are_those_of_the_group_up_to_the_moment_that_moment_too() -> None:
    group, time, values = np.array([1, 0, 1, 1]), np.array([5, 1, 2, 9]), np.array([[1], [10], [100], [1000]])
    asked = sums_until(group, time, values, np.array([1, 1, 1, 0, 7]), np.array([1, 2, 5, 8, 8]))
    assert asked[:, 0].tolist() == [0, 100, 101, 10, 0]


@pytest.mark.parametrize("empty", [small(rows=3), replace(small(), x=np.full((80, 4), np.nan, np.float32))])
def test_with_hardly_any_lead_or_no_level_at_all_numbers_are_those_of_all(empty: Examples) -> None:
    found, effects = with_level_statistics(empty)
    assert not np.nan_to_num(found.x[:, LEVEL]).any()
    assert not effects.tables[LEVEL].any()


@pytest.mark.parametrize(("spread", "least", "seed"), [(0.7, 0.25, 0), (1.0, 0.4, 0)])
def test_levels_that_tell_are_learned(spread: float, least: float, seed: int) -> None:
    """Of what levels could add if the effect of each were known, ten leads a level leave a part."""
    train, later, chance = of_levels(spread, seed=seed)
    loss = losses(train, later)
    assert (loss["without"] - loss["with"]) / (loss["without"] - log_loss(later.y, chance)) > least


@pytest.mark.parametrize("seed", [0, 2])
def test_levels_that_tell_nothing_cost_nothing_and_give_no_reasons(seed: int) -> None:
    train, later, _ = of_levels(0.0, levels=300, seed=seed)
    loss = losses(train, later)
    assert loss["with"] - loss["without"] < 0.001
    effects = np.abs(fit_transition("a", train, Search(), 7, params=QUICK).transition.contributions(later.x)).mean(axis=0)
    assert effects[LEVEL] < 0.1 * effects[0]


def losses(train: Examples, later: Examples) -> dict[str, float]:
    """Log loss on later leads with the column of levels and without."""
    bare = without_levels(train)[0]
    fits = {name: fit_transition("a", e, Search(), 7, params=QUICK) for name, e in (("with", train), ("without", bare))}
    hidden = without_levels(later)[0].x
    return {
        "with": log_loss(later.y, fits["with"].transition.probability(later.x)),
        "without": log_loss(later.y, fits["without"].transition.probability(hidden)),
    }


def test_the_rules_alone_know_no_levels_and_learning_anew_changes_nothing() -> None:
    train, later, _ = of_levels(1.5, levels=40, rows=1_500, later=10)
    alone = fit_transition("a", train, Search(), 7, points_only=True)
    assert not alone.transition.levels.tables
    fitted = fit_transition("a", train, Search(), 7, params=QUICK)
    assert fitted.transition.levels.tables[LEVEL].any()
    for each in (alone, fitted):
        again = relearn(each, train)
        np.testing.assert_allclose(again.margin(later.x), each.transition.margin(later.x), rtol=1e-6)


def test_a_strength_is_chosen_by_what_would_have_been_foretold() -> None:
    """The more levels differ, the less they are pulled to all others."""
    found = {spread: strength(of_levels(spread, levels=60)[0]) for spread in (0.0, 0.5, 1.5)}
    assert STRENGTHS[0] <= found[1.5] < found[0.5] < found[0.0] == np.inf


def strength(train: Examples) -> float:
    """Which strength is chosen."""
    chosen = []
    with pytest.MonkeyPatch.context() as patch:
        from training.fit import level_statistics

        original = level_statistics.prior_strength
        patch.setattr(level_statistics, "prior_strength", lambda *given: chosen.append(original(*given)) or chosen[-1])
        with_level_statistics(train)
    return float(chosen[0])
