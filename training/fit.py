"""Fit one transition: settings and weights from what learners say of later rows, then the learners on all rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.blend import blend_weights
from models.calibration import choose_calibrator
from models.gbm import Gbm, gbm_learner
from models.intervals import Interval
from models.linear import STRENGTHS, Linear, linear_learner, linear_path
from models.transition import LEARNERS, Transition
from models.types import Examples, Floats, margin_loss
from training.config import Search
from training.search import search
from training.splits import Fold, forward_folds
from training.steadiness import misleading_columns, set_aside

LINEAR_ONLY = 30  # fewer of the rarer outcome than this are left to the linear learner
TRUSTED = 0.5  # total weight from which shrinkage is taken as a matter of rows
DROPPED = 0.02  # a learner whose weight is below this is left out

Tick = Callable[[], None]


@dataclass(frozen=True)
class Settings:
    """What was found on later rows; a fit on more rows takes it over. Without trees there is only the linear learner."""

    strength: float
    params: dict[str, Any]
    trees: int = 0
    stacked_trees: int = 0
    aside: tuple[int, ...] = ()  # columns that mislead on later rows


def fit_transition(
    target: str, examples: Examples, bounds: Search, seed: int, *, known: Settings | None = None, tick: Tick | None = None
) -> tuple[Transition, Settings]:
    """A calibrated transition from `examples`, and the settings it used; `known` settings are taken as they are.

    Every prediction that the blend, the calibration and the interval learn from was made for later rows of other accounts
    (`training.splits.forward_folds` says when that is not possible).
    """
    folds = forward_folds(examples)
    aside = misleading_columns(examples, folds) if known is None else np.array(known.aside, np.intp)
    examples = set_aside(examples, aside)
    settings = known or choose_settings(examples, folds, bounds, seed, aside, tick)
    margins, priors = [], []
    for fold in folds:
        train, later = examples.take(fold.train), examples.take(fold.later)
        margins.append(_margins(_learners(train, settings), later))
        priors.append(np.full(len(later), _prior(train)))
        if tick:
            tick()
    seen = np.concatenate([fold.later for fold in folds])
    y, weight = examples.y[seen], examples.weight[seen]
    weights = _weights(np.concatenate(margins), y, weight, settings)
    blended = np.concatenate(margins) @ weights + (1 - weights.sum()) * np.concatenate(priors)
    calibrator, losses = choose_calibrator(blended, y, weight, examples.as_of[seen], examples.known_at[seen])
    interval = Interval.fit(calibrator.probability(blended), y)
    weights = grown(weights, float(np.mean([len(f.train) for f in folds])) / len(examples))
    linear, gbm, stacked = _learners(examples, settings)
    log = {
        "rows": len(examples),
        "positives": int(examples.y.sum()),
        "folds_with_gap": sum(f.gap for f in folds),
        "learners": "all" if settings.trees else "linear only: too few outcomes for trees",
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


def choose_settings(
    examples: Examples, folds: Sequence[Fold], bounds: Search, seed: int, aside: npt.NDArray[np.intp], tick: Tick | None
) -> Settings:
    """Regularisation and number of trees by log loss over all folds; LightGBM's other settings by a search on the newest."""
    columns = tuple(aside.tolist())
    sides = [(examples.take(fold.train), examples.take(fold.later)) for fold in folds]
    paths = [linear_path(train) for train, _ in sides]
    losses = np.sum([_losses(path, later) for path, (_, later) in zip(paths, sides, strict=True)], axis=0)
    best = int(np.argmin(losses))
    newest, its_later = sides[-1]
    rarer = int(min(examples.y.sum(), (~examples.y).sum()))
    if rarer < LINEAR_ONLY or not its_later.y.any() or its_later.y.all():
        return Settings(STRENGTHS[best], {}, aside=columns)
    params, _, _ = search(newest, its_later, trials=bounds.trials, minutes=bounds.minutes, seed=seed, tick=tick)
    alone = [gbm_learner(train, params, later=later) for train, later in sides]
    on_top = [
        gbm_learner(train, params, later=later, start=path[best].margin(train.x), later_start=path[best].margin(later.x))
        for path, (train, later) in zip(paths, sides, strict=True)
    ]
    sizes = [len(later) for _, later in sides]
    return Settings(STRENGTHS[best], params, best_trees(alone, sizes), best_trees(on_top, sizes), columns)


def _losses(path: Sequence[Linear], later: Examples) -> Floats:
    return np.array([margin_loss(later.y, fitted.margin(later.x), later.weight) for fitted in path]) * len(later)


def best_trees(fitted: Sequence[Gbm], sizes: Sequence[int]) -> int:
    """The number of trees with the lowest mean loss over all folds; a fold that stopped early keeps its last loss."""
    longest = max(len(f.log["losses"]) for f in fitted)
    curves = np.array([f.log["losses"] + f.log["losses"][-1:] * (longest - len(f.log["losses"])) for f in fitted])
    return int(np.argmin(np.average(curves, axis=0, weights=sizes))) + 1


def _weights(margins: Floats, y: npt.NDArray[np.bool_], weight: Floats, settings: Settings) -> Floats:
    if not settings.trees:
        return np.array([float(blend_weights(margins[:, :1], y, weight)[0]), 0.0, 0.0])
    weights = blend_weights(margins, y, weight)
    weights[weights < DROPPED] = 0.0
    return weights


def grown(weights: Floats, share: float) -> Floats:
    """Weights found with `share` of the rows → weights for all of them.

    What a learner must be shrunk by for overfitting falls as one over its rows (van Houwelingen and le Cessie 1990,
    doi:10.1002/sim.4780091109): a total of 0.8 found on half the rows is 0.9 on all. Totals under `TRUSTED` have another
    cause, a world that moved, which more rows do not mend; they stay.
    """
    total = float(weights.sum())
    if not TRUSTED <= total < 1:
        return weights
    return weights * (1 - (1 - total) * share) / total


def _prior(train: Examples) -> float:
    """Log-odds of the base rate, a half outcome of each kind added."""
    yes = float(train.weight[train.y].sum())
    return float(np.log(yes + 0.5) - np.log(train.weight.sum() - yes + 0.5))


def _learners(train: Examples, settings: Settings) -> tuple[Linear, Gbm | None, Gbm | None]:
    linear = linear_learner(train, settings.strength)
    if not settings.trees:
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
