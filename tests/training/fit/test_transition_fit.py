"""Fitting a transition: old rows fade where the world drifts, few outcomes stay with the rules, and what was found is kept."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pytest

from features.common.clock import DAY
from models.common.types import Examples, logit
from models.rules.odds import SCALE, points_calibrator
from tests.models.learners.pools import TRUTH, examples, pooled
from tests.models.learners.worlds import examples_with_points
from training.common.config import Search
from training.fit.linear_candidates import candidates
from training.fit.transition_fit import (
    NEWER,
    PoolTried,
    Settings,
    counted_later_rows,
    fit_transition,
    rarer_of,
    regime,
    relearn,
    rescaled_weights,
    search_notes,
)

SEARCH = Search(trials=1)


def share_of_memories(settings: Settings) -> float:
    """How much of the linear learner comes of rows that fade."""
    return sum(c.share for c in settings.linear if c.half_life is not None)


def test_old_rows_fade_only_where_the_base_rate_drifts() -> None:
    steady = fit_transition("a", examples_with_points(3_000), SEARCH, 7)
    drifting = fit_transition("a", examples_with_points(3_000, drift=True), SEARCH, 7)
    assert share_of_memories(drifting.settings) > share_of_memories(steady.settings)
    newest = examples_with_points(3_000, drift=True).select(np.arange(2_500, 3_000))
    assert drifting.transition.probability(newest.x).mean() == pytest.approx(newest.y.mean(), abs=0.06)


@pytest.mark.parametrize("days", [1, 20])
def test_fading_does_not_eat_leads_that_all_come_within_weeks(days: int) -> None:
    """The newest days happen to have hardly any outcome, as in an export of leads that had no time to convert; what was known
    of those before is not forgotten for it."""
    train = examples_with_points(3_000, rate=0.06)
    newest = train.as_of > train.as_of.max() - days * DAY
    quiet = replace(train, y=train.y & ~newest)
    fitted = fit_transition("a", quiet, SEARCH, 7)
    assert fitted.transition.probability(train.x).mean() > 0.5 * quiet.y.mean()


def test_a_block_of_many_outcomes_is_believed_and_one_of_few_is_not() -> None:
    older, newest = counted_later_rows([np.array([True, False, False])] * 2)
    assert older == pytest.approx([NEWER / (NEWER + 1)] * 3)
    assert newest == pytest.approx([1] * 3)
    assert counted_later_rows([np.tile([True, False], 400)] * 2)[0] == pytest.approx([0.2] * 800), "400 outcomes are newer"


def test_the_same_data_and_seed_give_the_same_model_whatever_the_clock_says() -> None:
    train = examples_with_points(1_500, rate=0.1)
    once, again = (fit_transition("a", train, Search(trials=3), 7).transition for _ in range(2))
    np.testing.assert_array_equal(once.margin(train.x), again.margin(train.x))
    assert once.log == again.log
    assert "search" not in once.log


def test_a_limit_in_minutes_that_was_hit_is_told() -> None:
    hurried = fit_transition("a", examples_with_points(1_500, rate=0.1), Search(trials=500, minutes=1e-4), 7).transition
    whole = fit_transition("b", examples_with_points(600, rate=0.1), SEARCH, 7).transition
    (note,) = search_notes([hurried, whole])
    assert note.startswith(
        "a: The search for the trees' settings stopped at its limit of 0.0001 minutes, after 1 of 500 trials"
    )


def test_it_ticks_as_often_as_is_said_with_trees_and_without() -> None:
    for rate, params in ((0.1, None), (0.1, {"num_leaves": 4}), (0.004, None)):
        tick = Mock()
        fit_transition("a", examples_with_points(1_500, rate=rate), Search(trials=2), 7, params=params, tick=tick)
        assert tick.call_count == (2 if params else 4), (rate, params)


def test_trees_that_weigh_nothing_are_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A booster is left out of the blend, the log and what is learned again on other rows alike."""
    monkeypatch.setattr("training.fit.transition_fit.MIN_WEIGHT", 9.0)
    fitted = fit_transition("a", examples_with_points(1_500, rate=0.1), SEARCH, 7)
    assert fitted.transition.boosters == ()
    assert (fitted.transition.log["trees"], fitted.transition.log["params"]) == (0, {})
    assert fitted.settings.trees is None


def test_leads_of_one_moment_have_one_memory() -> None:
    at_once = replace(examples_with_points(400), as_of=np.zeros(400, np.int64))
    assert len(candidates(at_once, 80)) == 4
    assert {c.half_life for c in candidates(at_once, 80)} == {None}


def test_known_hyperparameters_of_trees_are_taken_over() -> None:
    params = {"num_leaves": 5, "min_data_in_leaf": 33, "lambda_l2": 3.0, "feature_fraction": 0.4}
    fitted = fit_transition("a", examples_with_points(1_500, rate=0.1), SEARCH, 7, params=params)
    assert fitted.transition.log["params"] == params


def test_without_outcomes_it_is_the_points() -> None:
    few = examples_with_points(60)
    nobody = Examples(few.x, np.zeros(60, bool), few.weight, few.as_of, few.account, few.known_at, points=10)
    fitted = fit_transition("a", nobody, SEARCH, 7)
    at = np.zeros((2, 11))
    at[1, 10] = 2
    low, high = fitted.transition.probability(at)
    assert 0 < low < high < 0.1
    assert fitted.transition.log["regime"].startswith("points: 0 accounts")


def test_regimes_say_what_the_next_step_needs() -> None:
    some = examples_with_points(4_000, rate=0.05)
    for yes, word in ((3, "points"), (12, "linear"), (60, "blend")):
        rows = np.sort(np.append(np.flatnonzero(some.y)[:yes], np.flatnonzero(~some.y)[:200]))
        assert regime(some.select(rows)).startswith(word)


def test_leads_looked_at_ten_times_are_one_piece_of_evidence() -> None:
    once = examples_with_points(60)
    often = once.select(np.repeat(np.arange(60), 10))
    often = replace(often, account=np.repeat(np.arange(60), 10))
    once = replace(once, account=np.arange(60))
    assert rarer_of(often) == rarer_of(once) == min(once.y.sum(), (~once.y).sum())
    few = (once.select(np.arange(9)), often.select(np.arange(90)))
    one, ten = (points_calibrator(e.x[:, 10] * 20, e.y, e.as_of, e.known_at, e.account)[0] for e in few)
    assert (one.slope, one.shift) == pytest.approx((ten.slope, ten.shift), rel=0.02)


def test_with_hardly_any_outcome_the_model_is_the_calibrated_rules() -> None:
    """Few converts among leads of whom the points say much: what the transition says is what the points say."""
    some = examples_with_points(300)
    rows = np.sort(np.append(np.flatnonzero(some.y)[:4], np.flatnonzero(~some.y)[:60]))
    train = some.select(rows)
    train.x[:, 10] *= 20
    found = fit_transition("a", train, SEARCH, 7).transition.probability(train.x)
    rules = points_calibrator(train.x[:, 10], train.y, train.as_of, train.known_at, train.account)[0]
    said = rules.probability(train.x[:, 10] / SCALE)
    assert found.mean() == pytest.approx(said.mean(), abs=0.02)
    assert np.abs(logit(found) - logit(said)).max() < 0.5


def test_few_outcomes_are_believed_in_near_the_rules_and_many_anywhere() -> None:
    some = examples_with_points(300)
    few, many = ({(c.strength, c.half_life): c.share for c in candidates(some, count)} for count in (10, 10_000))
    assert few[0.001, None] > 5 * few[0.2, None]
    assert len(few) < len(many) == 12
    assert sum(few.values()) == pytest.approx(1)
    assert min(many.values()) > 0.06


def test_weights_found_on_fewer_rows_come_closer_to_one() -> None:
    assert rescaled_weights(np.array([0.8, 0.0, 0.0]), 0.5).sum() == pytest.approx(0.9)
    assert rescaled_weights(np.array([0.8, 0.6, 0.0]), 0.5).sum() == pytest.approx(1.2)
    assert rescaled_weights(np.array([0.3, 0.0, 0.0]), 0.5).sum() == pytest.approx(0.3), "a world that moved"


def test_weights_that_lack_to_one_go_to_the_base_rate() -> None:
    fitted = fit_transition("a", examples_with_points(1_500, rate=0.1), SEARCH, 7).transition
    few = examples_with_points(1_500, rate=0.1)
    assert fitted.constant == pytest.approx((1 - sum(fitted.weights)) * float(logit(few.y.mean())), abs=0.01)


def test_relearning_on_the_same_rows_changes_nothing() -> None:
    train = examples_with_points(1_500)
    fitted = fit_transition("a", train, SEARCH, 7)
    again = relearn(fitted, train)
    assert again.probability(train.x) == pytest.approx(fitted.transition.probability(train.x))


def test_a_prior_that_does_not_help_is_not_used() -> None:
    """A pool of the opposite tastes, and one of the same."""
    some = examples(500)
    against = fit_transition("mql", replace(some, pooled=pooled(-2 * TRUTH)), Search(trials=1), 7)
    plain = fit_transition("mql", some, Search(trials=1), 7)
    assert against.transition.log["pool"]["used"] is False
    np.testing.assert_array_equal(against.transition.margin(some.x), plain.transition.margin(some.x))
    alike = fit_transition("mql", replace(some, pooled=pooled(TRUTH)), Search(trials=1), 7)
    assert alike.transition.log["pool"]["used"] is True
    assert alike.settings.pool is not None
    assert alike.settings.pool.with_ < alike.settings.pool.without


def _with(some: Examples) -> Examples:
    return replace(some, pooled=pooled(TRUTH))


def test_settings_say_whether_the_prior_is_learned_from() -> None:
    some = _with(examples(20))
    assert Settings((), pool=PoolTried(0.5, 0.4)).training_examples(some).pooled is some.pooled
    assert Settings((), pool=PoolTried(0.5, 0.5)).training_examples(some).pooled is None
    assert Settings(()).training_examples(some).pooled is None
