"""The linear learner with a pooled prior: against closed forms, against pseudo-data, and in its limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

from models.common.types import sigmoid
from models.learners.linear import rules_prior
from models.learners.penalised import Penalised
from tests.models.learners.pools import TRUTH, examples, pooled
from tests.models.learners.worlds import linear_learner, linear_path
from training.data.pooled_prior import Prior


def test_the_start_is_the_minimum_of_its_loss() -> None:
    """Against a direct minimisation of likelihood, belief in the base rate and belief in the slope."""
    some, prior = examples(80), pooled(TRUTH)
    said, points = some.x[:, :4] @ TRUTH, some.x[:, 4]

    def loss(v: np.ndarray) -> float:
        margin = v[0] + v[1] * points + said
        losses = np.logaddexp(0, np.where(some.y, -margin, margin)).sum()
        return float(losses + 0.5 * ((v[0] + 1.0) / 0.3) ** 2 + 0.5 * (v[1] / 0.5) ** 2)

    wanted = minimize(loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10}).x
    np.testing.assert_allclose(rules_prior(points, some.y, np.ones(80), prior, said), wanted, atol=1e-4)


def test_a_gaussian_prior_is_as_good_as_rows_that_say_it() -> None:
    """Ridge around a mean: half a million rows of one column, whose curvature is the precision of the prior, do the same."""
    some = examples(300, truth=np.array([1.0, 0, 0, 0]))
    z, ones = some.x[:, :1], np.ones(300)
    strength, toward = 0.05, 0.7
    mine = toward + Penalised(z, some.y, ones, toward * z[:, 0]).solve(strength, np.zeros(2))[0]
    # two pseudo-rows at ±h with weights that put their optimum at `toward` and their curvature at 1 / strength
    h = 0.01
    p = sigmoid(np.array([toward * h]))[0]
    weight = 1 / (strength * 2 * h * h * p * (1 - p))

    def loss(v: np.ndarray) -> float:
        margin = v[1] + v[0] * z[:, 0]
        rows = np.logaddexp(0, np.where(some.y, -margin, margin)).sum() + 0.5 * v[1] ** 2 / strength
        pseudo = sum(
            weight * (p * np.logaddexp(0, -s * v[0] * h * s) + (1 - p) * np.logaddexp(0, s * v[0] * h * s)) for s in (1, -1)
        )
        return float(rows + pseudo)

    assert mine == pytest.approx(minimize(loss, np.zeros(2), method="BFGS").x[0], abs=1e-3)


def test_a_strong_regularisation_is_the_pool_and_much_data_forget_it() -> None:
    wrong = np.array([-2.0, 2.0, 0.0, 1.0])
    few = replace(examples(40), pooled=pooled(wrong))
    np.testing.assert_allclose(linear_learner(few, 1e-6).coefficient[:4], wrong, atol=1e-3)
    many = examples(200_000)
    with_, without = (linear_learner(e, 0.2) for e in (replace(many, pooled=pooled(wrong)), many))
    own = without.coefficient[:4] / without.scaler.deviation[:4]
    np.testing.assert_allclose(with_.coefficient[:4], own, atol=0.01)


def test_a_narrow_spread_holds_closer_to_the_pool() -> None:
    some, wrong = examples(400), np.array([0.0, 0.0, 0.0, 1.0])
    wide, narrow = (
        linear_learner(replace(some, pooled=pooled(wrong, spread)), 0.03).coefficient[:4] - wrong for spread in (2.0, 0.5)
    )
    assert np.abs(narrow).sum() < np.abs(wide).sum()


def test_what_is_shared_is_scaled_as_elsewhere_and_the_rest_as_here() -> None:
    some = replace(examples(50), pooled=pooled(TRUTH))
    scaler = linear_learner(some, 0.01).scaler
    assert scaler.deviation[:4].tolist() == [1.0] * 4
    assert scaler.deviation[4] != 1.0


def test_a_column_that_is_constant_here_still_tells_what_it_tells_elsewhere() -> None:
    """With few leads nobody has asked for a demo yet; the next one who does is a good lead all the same."""
    some = examples(50)
    x = some.x.copy()
    x[:, 0] = 0.0
    fitted = linear_learner(replace(some, x=x, pooled=pooled(TRUTH)), 0.001)
    hot, cold = np.zeros((1, 5)), np.zeros((1, 5))
    hot[0, 0] = 2.0
    assert fitted.margin(hot)[0] - fitted.margin(cold)[0] == pytest.approx(1.8, abs=0.05)


def test_margin_and_contributions_agree_with_what_was_fitted() -> None:
    some = replace(examples(200), pooled=pooled(TRUTH))
    fitted = linear_learner(some, 0.03)
    np.testing.assert_allclose(fitted.contributions(some.x).sum(axis=1), fitted.margin(some.x), atol=1e-6)
    assert sigmoid(fitted.margin(some.x)).mean() == pytest.approx(some.y.mean(), abs=0.05)


def test_without_a_pool_nothing_changes() -> None:
    """The same bits, whether nobody spoke of a pool or it says nothing of these columns."""
    some = examples(400)
    silent = Prior("agency").for_columns("mql", [f"c{i}" for i in range(5)])
    assert silent is None
    for a, b in zip(linear_path(some), linear_path(replace(some, pooled=silent)), strict=True):
        assert a.coefficient.tobytes() == b.coefficient.tobytes()
        assert a.intercept == b.intercept
