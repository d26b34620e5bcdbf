"""Evaluators against hand-made numbers and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as sklearn_log_loss

from features.dataset.funnel import Funnel
from models.common.types import sigmoid
from training.evaluation.evaluate import capacity_curve, capture_rate, evaluate, flat, lift_evaluator, reliability, slices

Y = np.array([True, False, True, False])


def test_ties_count_in_proportion() -> None:
    """Four leads with the same score: taking a quarter of them meets a quarter of the conversions."""
    assert capture_rate(Y, np.full(4, 0.5), 25) == pytest.approx(0.25)


def test_the_best_half() -> None:
    assert capture_rate(Y, np.array([0.9, 0.1, 0.8, 0.2]), 50) == 1.0
    assert capture_rate(Y, np.array([0.1, 0.9, 0.2, 0.8]), 50) == 0.0


def test_metrics_agree_with_scikit_learn() -> None:
    random = np.random.default_rng(0)
    p = random.random(500)
    y = random.random(500) < p
    found = evaluate(y, p)
    assert found["log_loss"] == pytest.approx(sklearn_log_loss(y, p))
    assert found["brier"] == pytest.approx(brier_score_loss(y, p))


def test_true_probabilities_are_calibrated_and_flattened_ones_have_a_steep_slope() -> None:
    random = np.random.default_rng(0)
    margin = random.normal(-1, 1.5, 50_000)
    y = random.random(50_000) < sigmoid(margin)
    right, timid = evaluate(y, sigmoid(margin)), evaluate(y, sigmoid(margin / 2 - 0.5))
    assert right["calibration_error"] < 0.01
    assert right["calibration_error"] < 2 * right["calibration_chance"], "what is right is off by chance alone"
    assert right["calibration_slope"] == pytest.approx(1.0, abs=0.05)
    assert timid["calibration_slope"] == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("outcome", [False, True])
def test_one_outcome_only_has_no_metrics_that_need_both(outcome: bool) -> None:
    """An evaluator that forgets to say `contrast` warns here, or gives no number."""
    found = evaluate(np.full(50, outcome), np.full(50, 0.1))
    assert not {"roc_auc", "lift_at_10"} & found.keys()
    assert found["brier"] == pytest.approx(0.81 if outcome else 0.01)
    assert np.isfinite(list(found.values())).all()


@pytest.mark.parametrize("percent", [10, 25])
def test_lift_of_the_best_is_as_many_times_the_base_rate(percent: int) -> None:
    y = np.arange(200) < 10
    assert lift_evaluator(y, y.astype(float), percent) == pytest.approx(100 / percent)


def test_reliability_bins_hold_all_rows() -> None:
    curve = reliability(np.tile(Y, 25), np.linspace(0, 1, 100))
    assert curve.rows.tolist() == [10] * 10
    assert curve.observed_rate == pytest.approx(np.full(10, 0.5), abs=0.11)


def test_the_capacity_curve_rises() -> None:
    random = np.random.default_rng(0)
    p = random.random(1_000)
    values = list(capacity_curve(random.random(1_000) < p, p).values())
    assert values == sorted(values)


def test_slices_per_target_and_lead_stage() -> None:
    funnel = Funnel(("lead", "mql", "customer"), (), {"mql": 1, "customer": 1})
    stage = np.repeat([0, 1], 40)
    usable = np.column_stack((stage == 0, np.ones(80, bool)))
    assert [s.name for s in slices(funnel, stage, usable)] == ["mql", "customer", "customer.from_lead", "customer.from_mql"]
    assert flat({"mql": {"brier": 0.1}}) == {"mql.brier": 0.1}
