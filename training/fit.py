"""Fit one transition: search, learners on the past, blend and calibration on what came after, then all rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.blend import blend_weights
from models.calibration import choose_calibrator
from models.gbm import Gbm, gbm_learner
from models.intervals import Interval
from models.linear import STRENGTHS, Linear, choose_strength, linear_learner
from models.transition import LEARNERS, Transition
from models.types import Examples, Floats
from training.config import Search
from training.search import search
from training.splits import Fold, forward_folds
from training.steadiness import misleading_columns, set_aside

LINEAR_ONLY = 30  # fewer of the rarer outcome than this are left to the linear learner
DROPPED = 0.02  # a learner whose weight is below this is left out


@dataclass(frozen=True)
class Settings:
    """What the search found; a later fit on more rows takes it over."""

    strength: float
    params: dict[str, Any]
    trees: int
    stacked_trees: int
    aside: tuple[int, ...] = ()  # columns that mislead on later rows


def fit_transition(
    target: str,
    examples: Examples,
    bounds: Search,
    seed: int,
    *,
    known: Settings | None = None,
    tick: Callable[[], None] | None = None,
) -> tuple[Transition, Settings]:
    """A calibrated transition from `examples`, and the settings it used.

    Every prediction that the blend, the calibration and the interval learn from was made for later rows of other accounts.
    """
    folds = forward_folds(examples)
    aside = misleading_columns(examples, folds) if known is None else np.array(known.aside, np.intp)
    examples = set_aside(examples, aside)
    rarer = int(min(examples.y.sum(), (~examples.y).sum()))
    settings = known or _settings(examples, folds[-1], bounds, seed, rarer, aside, tick)
    boosted = rarer >= LINEAR_ONLY and settings.trees > 0
    parts, rows, priors = [], [], []
    for fold in folds:
        train, later = examples.take(fold.train), examples.take(fold.later)
        parts.append(_margins(_learners(train, settings, boosted), later))
        rows.append(fold.later)
        priors.append(np.full(len(fold.later), _prior(train)))
        if tick:
            tick()
    seen, margins = np.concatenate(rows), np.concatenate(parts)
    y, weight = examples.y[seen], examples.weight[seen]
    weights = np.array([1.0, 0.0, 0.0])
    if boosted:
        weights = blend_weights(margins, y, weight)
        weights[weights < DROPPED] = 0.0
    blended = margins @ weights + (1 - weights.sum()) * np.concatenate(priors)
    calibrator, losses = choose_calibrator(blended, y, weight, examples.as_of[seen], examples.known_at[seen])
    interval = Interval.fit(calibrator.probability(blended), y)
    linear, gbm, stacked = _learners(examples, settings, boosted)
    log = {
        "rows": len(examples),
        "positives": int(examples.y.sum()),
        "folds_with_gap": sum(f.gap for f in folds),
        "learners": "all" if boosted else "linear only: too few outcomes for trees",
        "weights": dict(zip(LEARNERS, weights.round(4).tolist(), strict=True)),
        "strength": settings.strength,
        "trees": settings.trees,
        "stacked_trees": settings.stacked_trees,
        "params": settings.params,
        "set_aside": list(settings.aside),
        "calibration": calibrator.method,
        "calibration_losses": losses,
    }
    transition = Transition(
        target,
        linear,
        gbm if weights[1] else None,
        stacked if weights[2] else None,
        (float(weights[0]), float(weights[1]), float(weights[2])),
        _prior(examples),
        calibrator,
        interval,
        log,
    )
    if tick:
        tick()
    return transition, settings


def _prior(train: Examples) -> float:
    """Log-odds of the base rate, a half outcome of each kind added."""
    yes = float(train.weight[train.y].sum())
    return float(np.log(yes + 0.5) - np.log(train.weight.sum() - yes + 0.5))


def _settings(
    examples: Examples,
    fold: Fold,
    bounds: Search,
    seed: int,
    rarer: int,
    aside: npt.NDArray[np.intp],
    tick: Callable[[], None] | None,
) -> Settings:
    """Search on the newest fold: the longest past, the most recent future."""
    train, later = examples.take(fold.train), examples.take(fold.later)
    if rarer < LINEAR_ONLY or not later.y.any() or later.y.all():
        return Settings(STRENGTHS[0], {}, 0, 0, tuple(aside.tolist()))
    strength = choose_strength(train, later)
    params, trees, _ = search(train, later, trials=bounds.trials, minutes=bounds.minutes, seed=seed, tick=tick)
    linear = linear_learner(train, strength)
    stacked = gbm_learner(train, params, later=later, start=linear.margin(train.x), later_start=linear.margin(later.x))
    return Settings(strength, params, trees, stacked.trees, tuple(aside.tolist()))


def _learners(train: Examples, settings: Settings, boosted: bool) -> tuple[Linear, Gbm | None, Gbm | None]:
    linear = linear_learner(train, settings.strength)
    if not boosted:
        return linear, None, None
    gbm = gbm_learner(train, settings.params, trees=settings.trees)
    stacked = gbm_learner(train, settings.params, trees=settings.stacked_trees, start=linear.margin(train.x))
    return linear, gbm, stacked


def _margins(learners: tuple[Linear, Gbm | None, Gbm | None], later: Examples) -> Floats:
    linear, gbm, stacked = learners
    first = linear.margin(later.x)
    second = gbm.margin(later.x) if gbm else np.zeros(len(later))
    third = first + stacked.margin(later.x) if stacked else np.zeros(len(later))
    return np.column_stack((first, second, third))
