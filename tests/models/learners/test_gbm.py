"""Boosted trees: contributions sum to the log-odds, they stop early and repeat themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.common.types import Examples
from models.learners.gbm import BinnedExamples, gbm_learner
from tests.models.learners.worlds import examples, turned_away_once_more, turning_away_examples


@pytest.fixture(scope="module")
def train() -> Examples:
    return examples()


def test_gbm_contributions_sum_to_the_margin(train: Examples) -> None:
    fitted = gbm_learner(BinnedExamples(train), {}, trees=30)
    assert fitted.contributions(train.x).sum(axis=1) == pytest.approx(fitted.margin(train.x), abs=1e-9)


def test_gbm_stops_early_and_repeats_itself(train: Examples) -> None:
    later = examples(seed=5)
    first, second = (gbm_learner(BinnedExamples(train, later), {"learning_rate": 0.3}) for _ in range(2))
    assert first.trees < 100
    assert np.array_equal(first.margin(later.x), second.margin(later.x))
    assert first.log["losses"][first.trees - 1] == min(first.log["losses"])


def test_boosters_of_the_same_rows_are_what_they_are_alone(train: Examples) -> None:
    """Bins are shared, and nothing of one stays for the next."""
    later = examples(seed=5)
    shared = BinnedExamples(train, later)
    for params in ({"num_leaves": 4, "min_data_in_leaf": 10}, {"num_leaves": 15, "min_data_in_leaf": 60}):
        together, alone = (gbm_learner(rows, params) for rows in (shared, BinnedExamples(train, later)))
        assert together.log == alone.log
        assert np.array_equal(together.margin(later.x), alone.margin(later.x))


SETTINGS = ({}, {"num_leaves": 40, "min_data_in_leaf": 10, "feature_fraction": 0.9, "learning_rate": 0.3})


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
@pytest.mark.parametrize("params", SETTINGS)
def test_trees_are_only_lowered_by_turning_away_whatever_the_data_say(params: dict[str, float], seed: int) -> None:
    train = turning_away_examples(seed=seed)
    more = turned_away_once_more(train.x, seed)
    free = gbm_learner(BinnedExamples(replace(train, signs=None)), params, trees=120)
    assert (free.margin(more) > free.margin(train.x)).any(), "the data speak for it"
    newer = replace(train, weight=np.linspace(0.1, 2, len(train)))
    for rows in (train, newer):
        bound = gbm_learner(BinnedExamples(rows), params, trees=120)
        assert (bound.margin(more) <= bound.margin(train.x) + 1e-12).all()
        assert bound.shapley is not None, "our own kernel explains them"
        exact = bound.booster.predict(more, pred_contrib=True)
        assert bound.contributions(more) == pytest.approx(exact, abs=1e-9)


def test_trees_that_keep_to_signs_repeat_themselves_on_any_number_of_threads() -> None:
    train = turning_away_examples()
    trees = [
        gbm_learner(BinnedExamples(train), {"num_threads": threads}, trees=40)
        .booster.model_to_string()
        .partition("parameters:")[0]
        for threads in (1, 2, 1)
    ]
    assert trees[0] == trees[1] == trees[2]
