"""Boosted trees: contributions sum to the log-odds, they stop early, repeat themselves and add to a start."""

from __future__ import annotations

import numpy as np
import pytest

from models.common.types import Examples, margin_loss
from models.learners.gbm import gbm_learner
from models.learners.linear import linear_learner
from tests.models.learners.worlds import examples


@pytest.fixture(scope="module")
def train() -> Examples:
    return examples()


def test_gbm_contributions_sum_to_the_margin(train: Examples) -> None:
    fitted = gbm_learner(train, {}, trees=30)
    assert fitted.contributions(train.x).sum(axis=1) == pytest.approx(fitted.margin(train.x), abs=1e-9)


def test_gbm_stops_early_and_repeats_itself(train: Examples) -> None:
    later = examples(seed=5)
    first, second = (gbm_learner(train, {"learning_rate": 0.3}, validation=later) for _ in range(2))
    assert first.trees < 100
    assert np.array_equal(first.margin(later.x), second.margin(later.x))
    assert first.log["losses"][first.trees - 1] == min(first.log["losses"])


def test_boosting_on_top_adds_to_the_start(train: Examples) -> None:
    linear = linear_learner(train, 0.1)
    start = linear.margin(train.x)
    on_top = gbm_learner(train, {}, trees=30, start=start)
    total = start + on_top.margin(train.x)
    assert margin_loss(train.y, total, train.weight) < margin_loss(train.y, start, train.weight)
