"""Steadiness: columns that move with the calendar rather than with the lead are set aside where they mislead on later rows.

An interest rate or "month = July" tells old leads from new ones so well that a learner takes the difference of the times for
a difference of the leads. Such columns are found by how far their distribution has moved, and judged by later rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import ks_2samp

from models.calibration import METHODS
from models.linear import STRENGTHS, linear_learner
from models.types import Examples, margin_loss
from training.splits import Fold

MOVED = 0.3  # Kolmogorov-Smirnov distance between earlier and later rows
SAMPLE = 3_000  # rows of each side

Columns = npt.NDArray[np.intp]


def moving_columns(examples: Examples, folds: Sequence[Fold]) -> Columns:
    """Columns whose distribution in any fold's later rows is far from that in its training rows."""
    found = np.zeros(examples.x.shape[1], bool)
    for fold in folds:
        early, late = _some(examples, fold.train), _some(examples, fold.later)
        found |= np.array([_distance(early[:, i], late[:, i]) > MOVED for i in range(examples.x.shape[1])])
    return np.flatnonzero(found)


def _some(examples: Examples, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.floating]:
    return examples.x[rows[:: max(1, len(rows) // SAMPLE)]]


def _distance(early: npt.NDArray[np.floating], late: npt.NDArray[np.floating]) -> float:
    early, late = np.nan_to_num(early, nan=-1.0), np.nan_to_num(late, nan=-1.0)
    if early.min() == early.max() == late.min() == late.max():
        return 0.0
    return float(ks_2samp(early, late, method="asymp").statistic)


def set_aside(examples: Examples, columns: Columns) -> Examples:
    """The examples with these columns constant, so that no learner can use them."""
    if not len(columns):
        return examples
    x = examples.x.copy()
    x[:, columns] = 0
    return Examples(x, examples.y, examples.weight, examples.as_of, examples.account, examples.known_at)


def misleading_columns(examples: Examples, folds: Sequence[Fold]) -> Columns:
    """The moving columns, if the linear learner does better on later rows without them in every fold."""
    moving = moving_columns(examples, folds)
    if not len(moving):
        return moving
    without = set_aside(examples, moving)
    gains = []
    for fold in folds:
        later = examples.take(fold.later)
        if later.y.all() or not later.y.any():
            continue
        gains.append(_loss(examples, fold) - _loss(without, fold))
    better = len(gains) > 1 and min(gains) > 0
    return moving if better else moving[:0]


def _loss(examples: Examples, fold: Fold) -> float:
    """Log loss on later rows with slope as fitted and the best constant, so that only the order and spread are judged."""
    later = examples.take(fold.later)
    margin = linear_learner(examples.take(fold.train), STRENGTHS[0]).margin(later.x)
    shifted = METHODS["shift"](margin, later.y, later.weight).margin(margin)
    return margin_loss(later.y, shifted, later.weight)
