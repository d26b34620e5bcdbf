"""The linear learner: its contributions sum to the log-odds, odd columns do no harm, and few outcomes leave the points."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.common.pooled_prior import Pooled
from models.common.types import Examples, sigmoid
from models.learners.gbm import BinnedExamples, Gbm, gbm_learner
from models.learners.linear import PRIOR_SLOPE, Linear, rules_prior
from tests.models import oracles
from tests.models.learners.worlds import (
    examples,
    examples_with_points,
    linear_learner,
    linear_path,
    turned_away_once_more,
    turning_away_examples,
)


@pytest.fixture(scope="module")
def train() -> Examples:
    return examples()


def test_linear_contributions_sum_to_the_margin(train: Examples) -> None:
    fitted = linear_learner(train, 0.1)
    assert fitted.contributions(train.x).sum(axis=1) == pytest.approx(fitted.margin(train.x), abs=1e-9)


def test_what_a_column_adds_is_the_naive_product(train: Examples) -> None:
    """Of columns as they are, of logarithms, and of gaps."""
    fitted = linear_learner(train, 0.1)
    fitted = replace(fitted, scaler=replace(fitted.scaler, log_scale=np.arange(train.x.shape[1]) % 2 == 0))
    assert len(fitted.scaler.indicated)
    for row, added in zip(train.x[:50], fitted.contributions(train.x[:50]), strict=True):
        assert added == pytest.approx(oracles.linear(fitted, row), rel=1e-5, abs=1e-6)


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
    linear, gbm = linear_learner(train, 0.1), gbm_learner(BinnedExamples(train), {}, trees=20)
    linear.save(tmp_path)
    gbm.save(tmp_path)
    assert np.array_equal(Linear.load(tmp_path).margin(train.x), linear.margin(train.x))
    assert np.array_equal(Gbm.load(tmp_path).margin(train.x), gbm.margin(train.x))


def test_the_belief_in_points_fades_with_outcomes() -> None:
    """No outcome: the slope that is believed. Many: the slope that is true."""
    points = np.random.default_rng(1).normal(size=5_000)
    none = rules_prior(points, np.zeros(5_000, bool), np.ones(5_000))
    assert none[1] == pytest.approx(PRIOR_SLOPE, abs=0.1)
    y = np.random.default_rng(2).random(5_000) < sigmoid(-1 + 1.3 * points)
    base, slope = rules_prior(points, y, np.ones(5_000))
    assert (base, slope) == (pytest.approx(-1, abs=0.15), pytest.approx(1.3, abs=0.15))


def test_a_strong_regularisation_leaves_the_calibrated_rules() -> None:
    train = examples_with_points(400)
    train.x[:, 10] *= 20  # points as they are given, so that their own deviation is the scale
    strict = linear_learner(train, 1e-9)
    assert np.abs(strict.coefficient[:10]).max() < 1e-3
    assert strict.coefficient[10] == pytest.approx(0.8, abs=0.25)


def test_points_that_hardly_differ_are_not_blown_up() -> None:
    """A few leads with about the same points: what is believed of ten points is not believed of a tenth of one."""
    train = examples_with_points(20)
    train.x[:, 10] = 30 + 0.1 * train.x[:, 10]
    far = train.x[:1].copy()
    far[0, 10] = 40
    strict = linear_learner(replace(train, y=np.zeros(20, bool)), 1e-9)
    assert strict.margin(far)[0] - strict.intercept == pytest.approx(PRIOR_SLOPE, abs=0.1)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rows", [40, 3_000])
def test_turning_away_only_lowers_whatever_the_data_say(rows: int, seed: int) -> None:
    train = turning_away_examples(rows, seed)
    more = turned_away_once_more(train.x, seed)
    free = linear_learner(replace(train, signs=None), 0.2)
    assert (free.margin(more) > free.margin(train.x)).any(), "the data speak for it"
    for bound in linear_path(train):
        assert bound.coefficient[:2].max() <= 0 <= bound.coefficient[5]
        assert (bound.margin(more) <= bound.margin(train.x)).all()
        assert bound.contributions(more).sum(axis=1) == pytest.approx(bound.margin(more), abs=1e-9)


def test_what_other_businesses_say_of_turning_away_raises_nothing() -> None:
    train = turning_away_examples(60)
    zero, one, known = np.zeros(6), np.ones(6), np.arange(6) < 5
    toward = np.array([2.0, 1.0, 0.3, 0.0, 0.0, 0.0])
    others = Pooled(known, np.zeros(6, bool), zero, one, zero, toward, 1.3 * one, zero, one, -1.0, 0.3)
    for bound in linear_path(replace(train, pooled=others)):
        assert bound.coefficient[:2].max() <= 0
        assert (bound.margin(turned_away_once_more(train.x)) <= bound.margin(train.x)).all()


def test_bounds_that_do_not_bind_change_nothing_to_speak_of() -> None:
    train = examples_with_points(2_000)
    signs = np.append(np.zeros(10, np.int8), np.int8(1))
    free, bound = linear_learner(train, 0.03), linear_learner(replace(train, signs=signs), 0.03)
    assert bound.margin(train.x) == pytest.approx(free.margin(train.x), abs=1e-3)
