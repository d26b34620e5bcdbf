"""Calibration: each method mends the distortion it is for, stays monotone, and does nothing where nothing is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration.calibrator import METHODS, MIN_OUTCOMES, Calibrator, allowed_methods, choose_calibrator, recent, trials
from models.common.types import sigmoid
from tests.models import oracles

N = 20_000


def drawn(truth: np.ndarray, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random(len(truth)) < sigmoid(truth)


def spread(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(-1, 1.5, N)


ONES = np.ones(N)


@pytest.mark.parametrize(
    ("method", "slope", "shift"),
    [("shift", 1.0, 0.8), ("temperature", 0.6, 0.0), ("platt", 0.6, 0.8), ("beta", 0.6, 0.8)],
)
def test_a_parametric_method_finds_the_distortion(method: str, slope: float, shift: float) -> None:
    margin = spread()
    truth = slope * margin + shift
    fitted = METHODS[method](margin, drawn(truth), ONES)
    assert np.abs(fitted.probability(margin) - sigmoid(truth)).mean() < 0.01


def test_isotonic_mends_what_no_line_can() -> None:
    margin = spread()
    truth = np.where(margin > 0, 3.0, -1.0)
    fitted = METHODS["isotonic"](margin, drawn(truth), ONES)
    assert np.abs(fitted.probability(margin) - sigmoid(truth)).mean() < 0.03


def test_isotonic_keeps_the_order_inside_a_step() -> None:
    """Ties would throw away the learner's ranking among the best leads."""
    fitted = METHODS["isotonic"](spread(), drawn(np.zeros(N)), ONES)
    assert np.all(np.diff(fitted.probability(np.linspace(-3, 3, 50))) > 0)


@given(st.lists(st.floats(-30, 30), min_size=2, max_size=20), st.sampled_from(sorted(METHODS)), st.integers(0, 5))
def test_every_method_is_monotone_and_inside_zero_and_one(points: list[float], method: str, seed: int) -> None:
    margin = np.random.default_rng(seed).normal(0, 2, 400)
    fitted = METHODS[method](margin, drawn(margin, seed), np.ones(400))
    p = fitted.probability(np.sort(np.array(points)))
    assert np.all(np.diff(p) >= -1e-12)
    assert np.all((p > 0) & (p < 1))


@given(
    st.lists(st.floats(-30, 30), min_size=1, max_size=20),
    st.sampled_from(["none", "platt", "beta", "isotonic"]),
    st.tuples(st.floats(0.05, 3), st.floats(0.05, 3), st.floats(-3, 3)),
    st.integers(1, 6),
)
def test_every_form_is_the_naive_one(points: list[float], method: str, line: tuple[float, float, float], knots: int) -> None:
    """Also of one knot, and of what lies on a knot or beyond all."""
    at = np.linspace(-4, 3, knots)
    fitted = Calibrator(method, *line, knots=tuple(at.tolist()), values=tuple(np.linspace(0.001, 0.9, knots).tolist()))
    margins = np.array([*points, *at])
    wanted = [oracles.calibrated(fitted, margin) for margin in margins.tolist()]
    assert fitted.margin(margins) == pytest.approx(wanted, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize(
    ("positives", "allowed"),
    [
        (0, ["none", "shift"]),
        (MIN_OUTCOMES - 1, ["none", "shift"]),
        (MIN_OUTCOMES, ["none", "shift", "temperature", "platt", "beta"]),
        (500, list(METHODS)),
    ],
)
def test_few_outcomes_carry_little(positives: int, allowed: list[str]) -> None:
    y = np.zeros(5_000, bool)
    y[:positives] = True
    assert allowed_methods(y) == allowed


def test_nothing_is_done_where_nothing_is_wrong() -> None:
    margin = spread()
    time = np.arange(N)
    chosen, losses = choose_calibrator(margin, drawn(margin), ONES, time, time)
    assert chosen.method == "none"
    assert losses["platt"] >= losses["none"]


def test_points_are_never_taken_for_log_odds() -> None:
    """Constant points say nothing: left as they are they would mean 50 %, though a tenth converts."""
    time = np.arange(N)
    y = np.random.default_rng(3).random(N) < 0.1
    chosen, _ = choose_calibrator(np.zeros(N), y, ONES, time, time, default=None)
    assert chosen.probability(np.zeros(1))[0] == pytest.approx(0.1, abs=0.03)


def test_a_lasting_drift_is_followed() -> None:
    """The base rate rises for good early on: what was learned before is too low by 1.2 in log-odds."""
    margin, time = spread(), np.arange(N)
    truth = margin + np.where(time > N // 8, 1.2, 0.0)
    chosen, _ = choose_calibrator(margin, drawn(truth), ONES, time, time)
    assert np.abs(chosen.probability(margin) - sigmoid(margin + 1.2)).mean() < 0.03


def test_trials_use_only_what_was_known() -> None:
    """A label is known 100 after its landmark: nothing judged may lie before what was seen had become known."""
    as_of = np.arange(1_000)
    for trial in trials(as_of, as_of + 100):
        known = as_of[trial.train] + 100
        assert known.max() <= as_of[trial.test].min() or len(trial.train) <= 200


def test_recent_rows_weigh_more() -> None:
    """Half the span before the newest row counts half of it; the mean stays 1."""
    weight = recent(np.ones(3), np.array([0, 5, 10]), 0.5)
    assert weight / weight[2] == pytest.approx([0.25, 0.5, 1.0])
    assert weight.mean() == pytest.approx(1)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_round_trip(method: str) -> None:
    margin = spread()[:2_000]
    fitted = METHODS[method](margin, drawn(margin), np.ones(2_000))
    again = Calibrator.from_dict(fitted.to_dict())
    assert np.array_equal(again.probability(margin), fitted.probability(margin))
