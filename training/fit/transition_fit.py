"""Fit one transition: settings and weights from what learners say of later rows, then the learners on all rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from features.common.clock import DAY
from models.calibration.blend import blend_weights
from models.calibration.calibrator import Calibrator, choose_calibrator
from models.calibration.intervals import Interval
from models.calibration.transition import LEARNERS, Transition
from models.common.types import Examples, Floats
from models.learners.gbm import BinnedExamples, Gbm, gbm_learner
from models.learners.linear import STRENGTHS, Linear, linear_learner, linear_path
from models.rules.odds import points_calibrator
from training.common.config import Search
from training.fit.search import search
from training.fit.splits import Fold, forward_folds

MIN_ACCOUNTS = 8  # accounts with the rarer outcome; fewer choose nothing, the strongest regularisation keeps close to the rules
CARRIES = (30, 100, 300)  # accounts with it, to try each weaker regularisation
LINEAR_ONLY = 30  # fewer accounts with it than this are left to the linear learner
HALF_LIVES = (0.5, 0.25, 0.12, 0.06)  # shares of the time that rows span
MIN_TOTAL_WEIGHT = 0.5  # total weight from which shrinkage is taken as a matter of rows
MIN_WEIGHT = 0.02  # a learner whose weight is below this is left out

Tick = Callable[[], None]


@dataclass(frozen=True)
class PoolTried:
    """Mean log loss on later rows of the linear learner `without` and `with_` what other businesses say."""

    without: float
    with_: float

    @property
    def helps(self) -> bool:
        return self.with_ < self.without


@dataclass(frozen=True)
class Settings:
    """What was found on later rows; a fit on more rows takes it over. Without trees there is only the linear learner.

    `pool` says what became of the pooled prior; None where there was none.
    """

    strength: float
    params: dict[str, Any]
    trees: int = 0
    stacked_trees: int = 0
    half_life: float | None = None  # microseconds after which a row counts half; None: all rows count alike
    pool: PoolTried | None = None

    def training_examples(self, examples: Examples) -> Examples:
        """The examples as they are learned from: with the pooled prior only where it helps."""
        return examples if self.pool and self.pool.helps else replace(examples, pooled=None)


@dataclass(frozen=True)
class Fitted:
    """A transition, the settings it used, and for the example rows `validation_rows` (m,) calibrated log-odds (m,) of learners
    that had not seen them (out of fold)."""

    transition: Transition
    settings: Settings
    validation_rows: npt.NDArray[np.intp]
    margin: Floats


def fit_transition(
    target: str,
    examples: Examples,
    bounds: Search,
    seed: int,
    *,
    known_settings: Settings | None = None,
    tick: Tick | None = None,
) -> Fitted:
    """A calibrated transition from `examples`; `known_settings` settings are taken as they are.

    Every prediction that the blend, the calibration and the interval learn from was made for later rows of other accounts
    (`training.fit.splits.forward_folds` says when that is not possible).
    """
    folds = forward_folds(examples)
    settings = known_settings or choose_settings(examples, folds, bounds, seed, tick)
    examples = settings.training_examples(examples)
    margins, priors = [], []
    for fold in folds:
        train, validation = examples.select(fold.train), examples.select(fold.validation)
        margins.append(_margins(_learners(train, settings), validation))
        priors.append(np.full(len(validation), _prior(train, settings)))
        if tick:
            tick()
    validation_rows = np.concatenate([fold.validation for fold in folds])
    y, weight = examples.y[validation_rows], examples.weight[validation_rows]
    weights = _weights(np.concatenate(margins), y, weight, settings, rarer_of(examples))
    blended = np.concatenate(margins) @ weights + (1 - weights.sum()) * np.concatenate(priors)
    calibrator, losses = _calibrator(blended, examples.select(validation_rows))
    interval = Interval.fit(calibrator.margin(blended), y, examples.as_of[validation_rows], examples.account[validation_rows])
    weights = rescaled_weights(weights, float(np.mean([len(f.train) for f in folds])) / len(examples))
    linear, gbm, stacked = _learners(examples, settings, (bool(weights[1]), bool(weights[2])))
    log = {
        "rows": len(examples),
        "positives": int(examples.y.sum()),
        "folds_with_gap": sum(f.gap for f in folds),
        "regime": regime(examples),
        "weights": dict(zip(LEARNERS, weights.round(4).tolist(), strict=True)),
        "strength": settings.strength,
        "half_life_days": None if settings.half_life is None else round(settings.half_life / DAY, 3),
        "trees": settings.trees,
        "stacked_trees": settings.stacked_trees,
        "params": settings.params,
        "calibration": calibrator.method,
        "calibration_losses": losses,
        **({"pool": {"used": settings.pool.helps, **asdict(settings.pool)}} if settings.pool else {}),
    }
    transition = Transition(
        target,
        linear,
        gbm,
        stacked,
        (float(weights[0]), float(weights[1]), float(weights[2])),
        _prior(examples, settings),
        calibrator,
        interval,
        log,
    )
    if tick:
        tick()
    return Fitted(transition, settings, validation_rows, calibrator.margin(blended))


def relearn(fitted: Fitted, examples: Examples) -> Transition:
    """The same transition with its learners fitted anew, on other examples."""
    transition = fitted.transition
    examples = fitted.settings.training_examples(examples)
    used = (transition.gbm is not None, transition.stacked is not None)
    linear, gbm, stacked = _learners(examples, fitted.settings, used)
    return replace(transition, linear=linear, gbm=gbm, stacked=stacked, prior=_prior(examples, fitted.settings))


def _calibrator(margin: Floats, validation: Examples) -> tuple[Calibrator, dict[str, float]]:
    """Chosen on rows not seen; with few outcomes among them the start, which is calibrated, is better left alone."""
    if rarer_of(validation) < LINEAR_ONLY:
        return Calibrator(), {}
    weight = validation.weight * (
        len(np.unique(validation.account)) / len(validation)
    )  # the half outcome it adds counts against accounts
    return choose_calibrator(margin, validation.y, weight, validation.as_of, validation.known_at)


def rarer_of(examples: Examples) -> int:
    """How many accounts have an outcome of the rarer kind; a lead looked at ten times is one piece of evidence."""
    positives, negatives = (len(np.unique(examples.account[side])) for side in (examples.y, ~examples.y))
    return min(positives, negatives)


def regime(examples: Examples) -> str:
    """In words: how far the data carry, and what the next step needs."""
    rarer = rarer_of(examples)
    if rarer < MIN_ACCOUNTS:
        return (
            f"points: {rarer} accounts with the rarer outcome move the points little; "
            f"from {MIN_ACCOUNTS} on, other columns join"
        )
    if rarer < LINEAR_ONLY:
        return f"linear: {rarer} accounts with the rarer outcome; trees join from {LINEAR_ONLY} on"
    return f"blend: {rarer} accounts with the rarer outcome"


def choose_settings(examples: Examples, folds: Sequence[Fold], bounds: Search, seed: int, tick: Tick | None) -> Settings:
    """Hyperparameters: regularisation and number of trees by log loss over all folds; LightGBM's others by a search.

    A pooled prior is taken where the linear learner does better with it than without on the same later rows.
    """
    chosen = choose_linear(replace(examples, pooled=None), folds)
    pool = None
    if examples.pooled is not None:
        with_pool = choose_linear(examples, folds)
        pool = PoolTried(chosen.loss, with_pool.loss)
        chosen = with_pool if pool.helps else chosen
    linear = Settings(STRENGTHS[chosen.best], {}, half_life=chosen.half_life, pool=pool)
    rarer, sides, newest = rarer_of(examples), chosen.sides, chosen.sides[-1][1]
    if rarer < LINEAR_ONLY or not newest.y.any() or newest.y.all():
        return linear
    params = search(sides, trials=bounds.trials, minutes=bounds.minutes, seed=seed, tick=tick)
    binned = [BinnedExamples(train, validation) for train, validation in sides]
    gbms = [gbm_learner(rows, params) for rows in binned]
    starts = [
        (path[chosen.best].margin(a.x), path[chosen.best].margin(b.x)) for path, (a, b) in zip(chosen.paths, sides, strict=True)
    ]
    on_top = [
        gbm_learner(rows, params, start=start, validation_start=validation_start)
        for rows, (start, validation_start) in zip(binned, starts, strict=True)
    ]
    sizes = [len(validation) for _, validation in sides]
    return replace(linear, params=params, trees=best_trees(gbms, sizes), stacked_trees=best_trees(on_top, sizes))


@dataclass(frozen=True)
class LinearChoice:
    """The strength number `best` and the half-life that did best on later rows; `loss` is the mean log loss there.

    `sides` are (train, validation) with the weights of that half-life, `paths` the learners fitted to each.
    """

    sides: list[tuple[Examples, Examples]]
    paths: list[list[Linear]]
    best: int
    half_life: float | None
    loss: float


def choose_linear(examples: Examples, folds: Sequence[Fold]) -> LinearChoice:
    """Regularisation of the linear learner and how fast rows fade."""
    sides = [(examples.select(fold.train), examples.select(fold.validation)) for fold in folds]
    paths, losses = _paths(sides)
    rarer = rarer_of(examples)
    if rarer < MIN_ACCOUNTS:
        return LinearChoice(sides, paths, 0, half_life_of_points(examples), float(losses[0].mean()))
    best = strongest_within_error(losses[: 1 + int(np.searchsorted(CARRIES, rarer, side="right"))])
    if rarer < CARRIES[1]:
        half_life = half_life_of_points(examples)
    else:
        half_life = choose_half_life(sides, STRENGTHS[best], float(losses[best].sum()))
    if half_life:
        sides = [(with_decay(train, half_life), validation) for train, validation in sides]
        paths, losses = _paths(sides)
    return LinearChoice(sides, paths, best, half_life, float(losses[best].mean()))


def _paths(sides: Sequence[tuple[Examples, Examples]]) -> tuple[list[list[Linear]], Floats]:
    """The learners of all strengths on each side, and their losses (strengths, later rows of all sides)."""
    paths = [linear_path(train) for train, _ in sides]
    return paths, np.concatenate(
        [_losses(path, validation) for path, (_, validation) in zip(paths, sides, strict=True)], axis=1
    )


def half_life_of_points(examples: Examples) -> float | None:
    """The half-life (microseconds) with which the rules' points alone do best on later rows: few outcomes carry no more."""
    if examples.points is None:
        return None
    points = np.asarray(examples.x[:, examples.points], np.float64)
    share = points_calibrator(points, examples.y, examples.as_of, examples.known_at, examples.account)[1]
    return None if share is None else share * int(np.ptp(examples.as_of))


def choose_half_life(sides: Sequence[tuple[Examples, Examples]], strength: float, best: float) -> float | None:
    """The half-life (microseconds) of the rows' weights with the lowest log loss on later rows; `best` is that without one.

    Shorter and shorter ones are tried, as shares of the time that the newest training rows span, as long as they help.
    """
    span = int(np.ptp(sides[-1][0].as_of))
    chosen = None
    for share in HALF_LIVES:
        fitted = [linear_learner(with_decay(train, share * span), strength) for train, _ in sides]
        loss = float(sum(_losses([f], validation).sum() for f, (_, validation) in zip(fitted, sides, strict=True)))
        if loss >= best:
            break
        chosen, best = share * span, loss
    return chosen


def with_decay(examples: Examples, half_life: float | None) -> Examples:
    """The examples with weights that halve with every `half_life` (microseconds) before the newest, and keep their mean."""
    if half_life is None or not len(examples):
        return examples
    weight = examples.weight * np.exp2((examples.as_of - examples.as_of.max()) / half_life)
    return replace(examples, weight=weight * (examples.weight.sum() / weight.sum()))


def _losses(path: Sequence[Linear], validation: Examples) -> Floats:
    """Log loss of each later row (learners, n)."""
    margins = np.array([fitted.margin(validation.x) for fitted in path])
    return np.asarray(validation.weight * np.logaddexp(0, np.where(validation.y, -margins, margins)), np.float64)


def strongest_within_error(losses: Floats) -> int:
    """The strongest regularisation, losses (strengths, n) in that order, that is no worse than the best beyond a standard error
    of their difference (Breiman et al. 1984); with few rows that is a strong one, close to the rules."""
    best = int(np.argmin(losses.sum(axis=1)))
    excess = losses - losses[best]
    doubt = excess.std(axis=1) * np.sqrt(losses.shape[1])
    return int(np.flatnonzero(excess.sum(axis=1) <= doubt)[0])


def best_trees(fitted: Sequence[Gbm], sizes: Sequence[int]) -> int:
    """The number of trees with the lowest mean loss over all folds; after its early stopping a fold keeps its last loss."""
    longest = max(len(f.log["losses"]) for f in fitted)
    curves = np.array([f.log["losses"] + f.log["losses"][-1:] * (longest - len(f.log["losses"])) for f in fitted])
    return int(np.argmin(np.average(curves, axis=0, weights=sizes))) + 1


def _weights(margins: Floats, y: npt.NDArray[np.bool_], weight: Floats, settings: Settings, rarer: int) -> Floats:
    if rarer < MIN_ACCOUNTS:
        return np.array([1.0, 0.0, 0.0])
    if not settings.trees:
        return np.array([float(blend_weights(margins[:, :1], y, weight)[0]), 0.0, 0.0])
    weights = blend_weights(margins, y, weight)
    weights[weights < MIN_WEIGHT] = 0.0
    return weights


def rescaled_weights(weights: Floats, share: float) -> Floats:
    """Weights found with `share` of the rows → weights for all of them.

    What a learner must be shrunk by for overfitting falls as one over its rows (van Houwelingen and le Cessie 1990,
    doi:10.1002/sim.4780091109): a total of 0.8 found on half the rows is 0.9 on all. Totals under `MIN_TOTAL_WEIGHT` have
    another cause, a world that moved, which more rows do not mend; they stay. Totals over 1, of learners held too short by so
    few rows, come closer to 1 in the same way.
    """
    total = float(weights.sum())
    if total < MIN_TOTAL_WEIGHT:
        return weights
    return weights * (1 - (1 - total) * share) / total


def _prior(train: Examples, settings: Settings) -> float:
    """Log-odds of the base rate, a half outcome of each kind added."""
    train = with_decay(train, settings.half_life)
    positive_weight = float(train.weight[train.y].sum())
    return float(np.log(positive_weight + 0.5) - np.log(train.weight.sum() - positive_weight + 0.5))


def _learners(
    train: Examples, settings: Settings, used: tuple[bool, bool] = (True, True)
) -> tuple[Linear, Gbm | None, Gbm | None]:
    """The linear learner, trees beside it and trees on top of it; of the trees only those that are `used`."""
    train = with_decay(train, settings.half_life)
    linear = linear_learner(train, settings.strength)
    if not settings.trees:
        return linear, None, None
    rows = BinnedExamples(train)
    gbm = gbm_learner(rows, settings.params, trees=settings.trees) if used[0] else None
    stacked = (
        gbm_learner(rows, settings.params, trees=settings.stacked_trees, start=linear.margin(train.x)) if used[1] else None
    )
    return linear, gbm, stacked


def _margins(learners: tuple[Linear, Gbm | None, Gbm | None], validation: Examples) -> Floats:
    linear, gbm, stacked = learners
    linear_margin = linear.margin(validation.x)
    gbm_margin = gbm.margin(validation.x) if gbm else np.zeros(len(validation))
    stacked_margin = linear_margin + stacked.margin(validation.x) if stacked else np.zeros(len(validation))
    return np.column_stack((linear_margin, gbm_margin, stacked_margin))
