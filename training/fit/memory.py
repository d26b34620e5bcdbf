"""Memory: how fast examples fade. Several memories stand side by side, and later rows say how much each of them counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.common.types import Examples, Floats
from models.rules.odds import points_calibrator

SHARES = (None, 0.25, 0.06)  # half-lives as shares of the time that rows span; None: all rows count alike
RECENT = 0.25  # that of the booster with more weight on the newest rows
WEIGHT_SUM = 1 / np.log(2)  # what the weights of one row a half-life add up to, in half-lives


def half_life(examples: Examples, share: float | None) -> float | None:
    """Microseconds: a share of the time that the rows span; None where all count alike or no time passes."""
    span = int(np.ptp(examples.as_of)) if len(examples) else 0
    return share * span if share and span else None


def remembered(outcomes: int, share: float | None) -> float:
    """How many of so many outcomes a memory keeps, were they spread evenly over time."""
    return outcomes * (1.0 if share is None else min(1.0, WEIGHT_SUM * share))


def decay(examples: Examples, half_life: float | None) -> Floats:
    """The weights (n,), halved with every `half_life` (microseconds) before the newest row (exponential decay); their mean
    stays."""
    if half_life is None or not len(examples):
        return examples.weight
    weight = examples.weight * np.exp2((examples.as_of - examples.as_of.max()) / half_life)
    return np.asarray(weight * (examples.weight.sum() / weight.sum()), np.float64)


def with_decay(examples: Examples, half_life: float | None) -> Examples:
    """The examples with the weights of `decay`."""
    return replace(examples, weight=decay(examples, half_life))


def half_life_of_points(examples: Examples) -> float | None:
    """The half-life (microseconds) with which the rules' points alone do best on later rows: few outcomes carry no more."""
    if examples.points is None:
        return None
    points = np.asarray(examples.x[:, examples.points], np.float64)
    share = points_calibrator(points, examples.y, examples.as_of, examples.known_at, examples.account)[1]
    return half_life(examples, share)
