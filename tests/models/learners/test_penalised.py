"""The lowest point of the penalised loss: what a general optimiser finds, whatever the columns, bounds and the beginning."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from models.common.types import Floats, sigmoid
from models.learners import penalised
from models.learners.penalised import Penalised


def rows(count: int, columns: int, seed: int, *, alike: float = 0.0) -> tuple[np.ndarray, np.ndarray, Floats, Floats]:
    """Columns of which each is partly the one before, outcomes, weights and log-odds to start from."""
    random = np.random.default_rng(seed)
    z = random.normal(size=(count, columns))
    for i in range(1, columns):
        z[:, i] = alike * z[:, i - 1] + np.sqrt(1 - alike**2) * z[:, i]
    start = random.normal(-1, 0.5, count)
    y = random.random(count) < sigmoid(start + z @ random.normal(0, 0.5, columns))
    return np.asfortranarray(z, np.float32), y, random.uniform(0.1, 3, count), start


def oracle(
    z: np.ndarray, y: np.ndarray, weight: Floats, start: Floats, strength: float, bounds: tuple[Floats, Floats] | None = None
) -> Floats:
    x = np.column_stack((z.astype(np.float64), np.ones(len(z))))

    def loss(v: Floats) -> tuple[float, Floats]:
        margin = start + x @ v
        value = strength * weight @ np.logaddexp(0, np.where(y, -margin, margin)) + 0.5 * v @ v
        return float(value), strength * (weight * (sigmoid(margin) - y)) @ x + v

    limits = None if bounds is None else [*zip(*bounds, strict=True), (None, None)]
    options = {"maxiter": 20_000, "maxfun": 50_000, "ftol": 1e-15, "gtol": 1e-8}
    return np.asarray(minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B", bounds=limits, options=options).x)


@pytest.mark.parametrize("strength", [0.001, 0.03, 1.0])
@pytest.mark.parametrize("alike", [0.0, 0.99])
def test_it_is_the_lowest_point(strength: float, alike: float) -> None:
    data = rows(800, 12, 0, alike=alike)
    np.testing.assert_allclose(Penalised(*data).solve(strength, np.zeros(13)), oracle(*data, strength), atol=2e-3)


@pytest.mark.parametrize("seed", range(4))
def test_bounds_are_kept_and_what_is_free_is_the_lowest_point_within(seed: int) -> None:
    """Some columns may only lower, some only raise, whatever the data say of them."""
    data = rows(600, 10, seed, alike=0.6)
    low, high = np.full(10, -np.inf), np.full(10, np.inf)
    low[[1, 4]], high[[2, 4, 7]] = 0.0, 0.0
    v = Penalised(*data, (low, high)).solve(0.2, np.ones(11))
    assert (v[:-1] >= low).all()
    assert (v[:-1] <= high).all()
    np.testing.assert_allclose(v, oracle(*data, 0.2, (low, high)), atol=2e-3)


def test_where_it_begins_makes_no_difference() -> None:
    data = rows(1_000, 8, 3, alike=0.9)
    begun = [Penalised(*data).solve(0.1, at) for at in (np.zeros(9), np.full(9, 4.0), np.full(9, -4.0))]
    np.testing.assert_allclose(begun[1], begun[0], atol=2e-3)
    np.testing.assert_allclose(begun[2], begun[0], atol=2e-3)


def test_one_strength_after_another_is_each_alone() -> None:
    """Second derivatives that are taken over from the strength before only shorten the way."""
    data = rows(700, 9, 5, alike=0.8)
    path, v = Penalised(*data), np.zeros(10)
    for strength in (0.001, 0.02, 0.5):
        v = path.solve(strength, v)
        np.testing.assert_allclose(v, oracle(*data, strength), atol=2e-3)


def test_second_derivatives_of_a_sample_lead_to_the_same_point(monkeypatch: pytest.MonkeyPatch) -> None:
    data = rows(3_000, 8, 7, alike=0.7)
    every = Penalised(*data).solve(0.1, np.zeros(9))
    monkeypatch.setattr(penalised, "SAMPLE", 150)
    np.testing.assert_allclose(Penalised(*data).solve(0.1, np.zeros(9)), every, atol=2e-3)


@pytest.mark.parametrize("outcome", [True, False])
def test_outcomes_of_one_kind_move_nothing(outcome: bool) -> None:
    z, _, weight, start = rows(50, 3, 0)
    assert (Penalised(z, np.full(50, outcome), weight, start).solve(1.0, np.full(4, 0.3)) == 0.3).all()


def test_columns_that_are_all_the_same_and_outcomes_that_are_parted_do_no_harm() -> None:
    """Two equal columns, one of zeros, and outcomes that a column tells without fail: the penalty keeps all finite."""
    z, _, weight, start = rows(400, 4, 1)
    z[:, 1], z[:, 2] = z[:, 0], 0.0
    y = z[:, 0] > 0
    v = Penalised(z, y, weight, start).solve(5.0, np.zeros(5))
    np.testing.assert_allclose(v, oracle(z, y, weight, start, 5.0), rtol=0.02, atol=0.02)
    assert v[0] == pytest.approx(v[1], abs=1e-3)
    assert v[2] == pytest.approx(0, abs=1e-6)
