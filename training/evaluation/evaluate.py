"""Evaluators: labels and probabilities of held-out landmarks → a dict of numbers. To add a metric, add one to `EVALUATORS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from sklearn.metrics import average_precision_score, roc_auc_score

from features.dataset.funnel import Funnel
from models.common.types import Flags, Floats, log_loss, logit, sigmoid

BINS = 10
MIN_ROWS = 30
CAPACITIES = (1, 2, 5, 10, 20, 30, 40, 50)  # % of leads that sales takes


@dataclass(frozen=True)
class Curve:
    """Reliability: per equal-sized bin the mean probability, the share that came true, and the rows (bins,)."""

    mean_probability: Floats
    observed_rate: Floats
    rows: npt.NDArray[np.int64]


def equal_bins(p: Floats, bins: int = BINS) -> list[npt.NDArray[np.intp]]:
    """Rows sorted by probability and cut into bins of equal size."""
    return [rows for rows in np.array_split(np.argsort(p, kind="stable"), bins) if len(rows)]


def reliability(y: Flags, p: Floats, bins: int = BINS) -> Curve:
    """The reliability of probabilities `p` (n,) in equal bins."""
    parts = equal_bins(p, bins)
    mean_probability = np.array([p[rows].mean() for rows in parts])
    observed_rate = np.array([y[rows].mean() for rows in parts])
    return Curve(mean_probability, observed_rate, np.array([len(rows) for rows in parts]))


def brier_evaluator(y: Flags, p: Floats) -> float:
    """Mean squared difference of probability and outcome (Brier 1950)."""
    return float(np.mean((p - y) ** 2))


def calibration_error_evaluator(y: Flags, p: Floats) -> float:
    """Expected calibration error: mean |said - came| over `BINS` bins of equal size."""
    curve = reliability(y, p)
    return float(np.average(np.abs(curve.mean_probability - curve.observed_rate), weights=curve.rows))


def calibration_chance_evaluator(y: Flags, p: Floats) -> float:
    """The calibration error that chance alone would give if every probability were right and rows were independent.

    The mean absolute deviation of a normal distribution, bin by bin.
    """
    parts = equal_bins(p)
    chance = [np.sqrt(2 / np.pi * (p[rows] * (1 - p[rows])).sum()) / len(rows) for rows in parts]
    return float(np.average(chance, weights=[len(rows) for rows in parts]))


def calibration_slope_evaluator(y: Flags, p: Floats) -> float:
    """Slope of a logistic regression of the outcome on the log-odds: 1 is right, below 1 overconfident (Cox 1958)."""
    m, sign = logit(p), np.where(y, -1.0, 1.0)

    def loss(v: Floats) -> tuple[float, Floats]:
        margin = v[0] * m + v[1]
        wrong = sigmoid(margin) - y
        return float(np.logaddexp(0.0, sign * margin).mean()), np.array([(wrong * m).mean(), wrong.mean()])

    solution = minimize(loss, np.array([1.0, 0.0]), jac=True, method="BFGS")
    return float(solution.x[0])


def lift_evaluator(y: Flags, p: Floats, percent: float) -> float:
    """How many times more often the `percent` % ranked highest convert than average. Ties count in proportion."""
    return capture_rate(y, p, percent) / percent * 100.0


def capture_rate(y: Flags, p: Floats, percent: float) -> float:
    """Share of all conversions (0 … 1) among the `percent` % ranked highest; ties at the edge count in proportion."""
    return float((taken_share(p, percent) * y).sum() / max(y.sum(), 1))


def taken_share(p: Floats, percent: float) -> Floats:
    """The share (n,) of each row that is taken with the `percent` % ranked highest: 1 or 0, between for ties at the edge."""
    capacity = len(p) * percent / 100
    _, value_index, count = np.unique(-p, return_inverse=True, return_counts=True)
    higher_count = np.cumsum(count) - count
    return np.asarray(np.clip((capacity - higher_count) / count, 0, 1)[value_index], np.float64)


@dataclass(frozen=True)
class Evaluator:
    """A metric of outcomes (n,) and probabilities (n,); a parameter is given by `partial`. `contrast`: it says nothing where
    all outcomes are the same."""

    metric: Callable[[Flags, Floats], float]
    contrast: bool = False


EVALUATORS: dict[str, Evaluator] = {
    "log_loss": Evaluator(log_loss),
    "brier": Evaluator(brier_evaluator),
    "roc_auc": Evaluator(lambda y, p: float(roc_auc_score(y, p)), contrast=True),
    "average_precision": Evaluator(lambda y, p: float(average_precision_score(y, p)), contrast=True),
    "lift_at_10": Evaluator(partial(lift_evaluator, percent=10), contrast=True),
    "calibration_error": Evaluator(calibration_error_evaluator),
    "calibration_chance": Evaluator(calibration_chance_evaluator),
    "calibration_slope": Evaluator(calibration_slope_evaluator, contrast=True),
}


def evaluate(y: Flags, p: Floats) -> dict[str, float]:
    """All metrics of held-out rows; only those that need no contrast where all outcomes are the same."""
    contrast = bool(y.any()) and not bool(y.all())
    metrics = {name: e.metric(y, p) for name, e in EVALUATORS.items() if contrast or not e.contrast}
    return {"rows": float(len(y)), "base_rate": float(y.mean()), **metrics}


@dataclass(frozen=True)
class Slice:
    """Held-out rows for one question: this target, asked in this lead stage (None: in any)."""

    target: str
    lead_stage: str | None
    rows: npt.NDArray[np.intp]

    @property
    def name(self) -> str:
        return self.target if self.lead_stage is None else f"{self.target}.from_{self.lead_stage}"


def slices(funnel: Funnel, stage: npt.NDArray[np.integer], usable: Flags) -> list[Slice]:
    """Every target over all lead stages, and per lead stage where more than one is ahead of it.

    `usable` (n, targets): the row may be used for the target (it matured and is held out). Slices under 30 rows are left out.
    """
    questions = []
    for target, name in enumerate(funnel.targets):
        per_stage = [np.flatnonzero(usable[:, target] & (stage == s)) for s in range(target + 1)]
        filled = [(s, rows) for s, rows in enumerate(per_stage) if len(rows) >= MIN_ROWS]
        if not filled:
            continue
        questions.append(Slice(name, None, np.sort(np.concatenate([rows for _, rows in filled]))))
        if target > 0:
            questions += [Slice(name, funnel.stages[s], rows) for s, rows in filled]
    return questions


def evaluate_slices(questions: list[Slice], reached: Flags, probability: Floats, funnel: Funnel) -> dict[str, dict[str, float]]:
    """Slice name → metrics, for probabilities (n, targets)."""
    return {
        q.name: evaluate(reached[q.rows, funnel.targets.index(q.target)], probability[q.rows, funnel.targets.index(q.target)])
        for q in questions
    }


def capacity_curve(y: Flags, p: Floats) -> dict[int, float]:
    """The cumulative gains curve: % of leads that sales takes → share of all later conversions caught."""
    return {percent: capture_rate(y, p, percent) for percent in CAPACITIES}


def flat(results: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """{"customer": {"brier": 0.1}} → {"customer.brier": 0.1}, as MLflow takes it."""
    return {f"{name}.{metric}": value for name, metrics in results.items() for metric, value in metrics.items()}
