"""Boosted trees: contributions sum to the log-odds, they stop early, repeat themselves and add to a start."""

from __future__ import annotations

import numpy as np
import pytest

from models.common.types import Examples, margin_loss
from models.learners.gbm import BinnedExamples, gbm_learner
from models.learners.linear import linear_learner
from tests.models.learners.worlds import examples


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


def test_boosting_on_top_adds_to_the_start(train: Examples) -> None:
    linear = linear_learner(train, 0.1)
    start = linear.margin(train.x)
    on_top = gbm_learner(BinnedExamples(train), {}, trees=30, start=start)
    total = start + on_top.margin(train.x)
    assert margin_loss(train.y, total, train.weight) < margin_loss(train.y, start, train.weight)


def test_boosters_of_the_same_rows_are_what_they_are_alone(train: Examples) -> None:
    """What one was boosted on top of does not stay for the next."""
    later = examples(seed=5)
    shared = BinnedExamples(train, later)
    start, later_start = np.linspace(-2, 2, len(train)), np.linspace(-2, 2, len(later))
    for params in ({"num_leaves": 4, "min_data_in_leaf": 10}, {"num_leaves": 15, "min_data_in_leaf": 60}):
        for starts in ((start, later_start), (None, None)):
            together, alone = (
                gbm_learner(rows, params, start=starts[0], validation_start=starts[1])
                for rows in (shared, BinnedExamples(train, later))
            )
            assert together.log == alone.log
            assert np.array_equal(together.margin(later.x), alone.margin(later.x))
