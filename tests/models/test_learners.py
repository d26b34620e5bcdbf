"""Learners: contributions sum to the log-odds, what is saved is what is loaded, and odd columns do no harm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.calibration.blend import MIN_WEIGHT_SUM, blend_weights
from models.common.types import Examples, log_loss, logit, margin_loss, sigmoid
from models.learners.gbm import Gbm, gbm_learner
from models.learners.linear import Linear, linear_learner, linear_path


def examples(rows: int = 3_000, seed: int = 0) -> Examples:
    """Signal in columns 0 (linear) and 1 (missing tells), a skewed count, a constant and an all-missing column."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, 6)).astype(np.float32)
    x[random.random(rows) < 0.3, 1] = np.nan
    x[:, 2] = random.poisson(3, rows) ** 3
    x[:, 3] = 7.0
    x[:, 4] = np.nan
    truth = 1.5 * x[:, 0] + np.where(np.isnan(x[:, 1]), 1.0, 0.0) - 1
    y = random.random(rows) < sigmoid(truth)
    order = np.arange(rows)
    return Examples(x, y, np.ones(rows), order, order, order)


@pytest.fixture(scope="module")
def train() -> Examples:
    return examples()


def test_linear_contributions_sum_to_the_margin(train: Examples) -> None:
    fitted = linear_learner(train, 0.1)
    assert fitted.contributions(train.x).sum(axis=1) == pytest.approx(fitted.margin(train.x), abs=1e-9)


def test_gbm_contributions_sum_to_the_margin(train: Examples) -> None:
    fitted = gbm_learner(train, {}, trees=30)
    assert fitted.contributions(train.x).sum(axis=1) == pytest.approx(fitted.margin(train.x), abs=1e-9)


def test_linear_uses_that_a_value_is_missing(train: Examples) -> None:
    fitted = linear_learner(train, 1.0)
    row = np.array([[0, 0, 1, 7, np.nan, 0], [0, np.nan, 1, 7, np.nan, 0]], np.float32)
    present, absent = fitted.margin(row)
    assert absent - present == pytest.approx(1.0, abs=0.25)


def test_a_constant_or_empty_column_never_counts(train: Examples) -> None:
    fitted = linear_learner(train, 0.1)
    parts = fitted.contributions(train.x)
    assert np.all(parts[:, 3] == 0)
    assert np.all(parts[:, 4] == 0)


def test_an_endless_value_is_clipped(train: Examples) -> None:
    fitted = linear_learner(train, 0.1)
    row = np.array([[1e30, 0, 1, 7, np.nan, 0]], np.float32)
    assert abs(fitted.margin(row)[0]) < 50


@pytest.mark.parametrize("outcome", [True, False])
def test_one_outcome_only_gives_the_rate(outcome: bool) -> None:
    some = examples(200)
    only = Examples(some.x, np.full(200, outcome), some.weight, some.as_of, some.account, some.known_at)
    (fitted,) = linear_path(only, [0.1])
    assert sigmoid(fitted.margin(some.x)) == pytest.approx(np.full(200, 200.5 / 201 if outcome else 0.5 / 201), rel=1e-4)


def test_saved_learners_are_loaded_as_they_were(train: Examples, tmp_path: Path) -> None:
    linear, gbm = linear_learner(train, 0.1), gbm_learner(train, {}, trees=20)
    linear.save(tmp_path)
    gbm.save(tmp_path)
    assert np.array_equal(Linear.load(tmp_path).margin(train.x), linear.margin(train.x))
    assert np.array_equal(Gbm.load(tmp_path).margin(train.x), gbm.margin(train.x))


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


def test_blend_prefers_the_better_learner_and_is_never_negative() -> None:
    random = np.random.default_rng(0)
    good = random.normal(0, 1.5, 5_000)
    y = random.random(5_000) < sigmoid(good)
    weights = blend_weights(np.column_stack((good, random.normal(size=5_000), -good)), y, np.ones(5_000))
    assert weights[0] == pytest.approx(1.0, abs=0.1)
    assert np.all(weights >= 0)
    assert weights[1:] == pytest.approx([0, 0], abs=0.1)


def test_blend_of_noise_keeps_some_order() -> None:
    """A tie between all leads would help nobody."""
    random = np.random.default_rng(0)
    weights = blend_weights(-random.normal(0, 1, (2_000, 3)), random.random(2_000) < 0.1, np.ones(2_000))
    assert MIN_WEIGHT_SUM - 0.01 <= weights.sum() <= 0.6


def test_sigmoid_and_logit_at_their_ends() -> None:
    assert sigmoid(np.array([-1e9, 0, 1e9])).tolist() == [0.0, 0.5, 1.0]
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()
    assert log_loss(np.array([True, False]), np.array([1.0, 0.0])) == pytest.approx(1e-6, rel=0.01)
    assert margin_loss(np.array([True]), np.array([-800.0]), np.ones(1)) == pytest.approx(800.0)
