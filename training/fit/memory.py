"""Memory: how fast examples fade. Several memories stand side by side, and later rows say how much each of them counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.calibration.calibrator import RECENCY, faded
from models.common.types import Examples
from models.rules.odds import points_calibrator

SHARES = tuple(RECENCY.values())  # half-lives as shares of the time that rows span; None: all rows count alike
WEIGHT_SUM = 1 / np.log(2)  # what the weights of one row a half-life add up to, in half-lives


def half_life(examples: Examples, share: float | None) -> float | None:
    """Microseconds: a share of the time that the rows span; None where all count alike or no time passes."""
    span = int(np.ptp(examples.as_of)) if len(examples) else 0
    return share * span if share and span else None


def remembered(outcomes: int, share: float | None) -> float:
    """How many of so many outcomes a memory keeps, were they spread evenly over time."""
    return outcomes * (1.0 if share is None else min(1.0, WEIGHT_SUM * share))


def with_decay(examples: Examples, half_life: float | None) -> Examples:
    """The examples with weights that halve with every `half_life` (microseconds) before the newest, and keep their mean."""
    return replace(examples, weight=faded(examples.weight, examples.as_of, half_life))


def half_life_of_points(examples: Examples) -> float | None:
    """The half-life (microseconds) with which the rules' points alone do best on later rows: few outcomes carry no more."""
    if examples.points is None:
        return None
    points = np.asarray(examples.x[:, examples.points], np.float64)
    share = points_calibrator(points, examples.y, examples.as_of, examples.known_at, examples.account)[1]
    return half_life(examples, share)
