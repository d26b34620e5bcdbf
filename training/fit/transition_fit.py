"""Fit one transition: learners of several regularisations and memories, blended by what they say of later rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from features.common.clock import DAY
from models.calibration.blend import blend_weights
from models.calibration.calibrator import Calibrator, choose_calibrator
from models.calibration.intervals import Interval
from models.calibration.transition import Transition
from models.common.level_effects import LevelEffects
from models.common.types import Examples, Flags, Floats
from models.learners.gbm import BinnedExamples, Gbm, gbm_learner
from models.learners.linear import Linear
from training.common.config import Search
from training.fit.level_statistics import with_level_statistics, without_levels
from training.fit.linear_candidates import (
    Candidate,
    Side,
    candidates,
    fit_mixture,
    later_margins,
    loss_of_prior,
    points_alone,
    shared_out,
)
from training.fit.search import search
from training.fit.splits import Fold, forward_folds

MIN_ACCOUNTS = 8  # accounts with the rarer outcome; fewer choose nothing, the strongest regularisation keeps close to the rules
LINEAR_ONLY = 30  # fewer accounts with it than this are left to the linear learner
BOOSTED = 0.9  # what trees weigh beforehand, where outcomes are many
NEWER = 100.0  # with so many of the rarer outcome in a block of later rows, the blocks before it count half
MIN_TOTAL_WEIGHT = 0.5  # total weight from which shrinkage is taken as a matter of rows
MIN_WEIGHT = 0.02  # a booster whose weight is below this is left out

Tick = Callable[[], None]
LEARNERS = ("linear", "gbm")


def no_tick() -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class PoolTried:
    """Mean log loss on later rows of the linear learners `without` and `with_` what other businesses say."""

    without: float
    with_: float

    @property
    def helps(self) -> bool:
        return self.with_ < self.without


def as_learned(examples: Examples, pool: PoolTried | None) -> Examples:
    """The examples with the pooled prior only where it helps."""
    return examples if pool and pool.helps else replace(examples, pooled=None)


@dataclass(frozen=True)
class TreeSettings:
    """LightGBM's hyperparameters and how many trees. `stopped`: in words, where a limit in minutes ended the search early."""

    params: Mapping[str, Any]
    count: int
    stopped: str = ""


@dataclass(frozen=True)
class Settings:
    """What was chosen on later rows, so that a fit on other rows can take it over: the mixture of linear learners, whose shares
    sum to 1, and the trees, if any. `pool` says what became of the pooled prior; None where there was none."""

    linear: tuple[Candidate, ...]
    trees: TreeSettings | None = None
    pool: PoolTried | None = None

    def training_examples(self, examples: Examples) -> Examples:
        """The examples as they are learned from: see `as_learned`."""
        return as_learned(examples, self.pool)


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
    params: Mapping[str, Any] | None = None,
    points_only: bool = False,
    tick: Tick = no_tick,
) -> Fitted:
    """A calibrated transition from `examples`; `params` are hyperparameters of trees found before, else they are searched for.
    `points_only`: as if outcomes were too few to choose by, the linear learner alone, as close to the rules as can be.

    All that is chosen, weighed, calibrated and doubted is learned from predictions of later rows of other accounts
    (`training.fit.splits.forward_folds` says when that is not possible). `tick` is called twice, and `bounds.trials` times
    where there are no `params`.
    """
    rarer, folds = 0 if points_only else rarer_of(examples), forward_folds(examples)
    validation_rows = np.concatenate([fold.validation for fold in folds])
    validation = examples.select(validation_rows)
    sides = _sides(examples, folds, points_only=points_only)
    chosen, pool, linear_margins = _choose_linear(examples, sides, rarer)
    examples = as_learned(examples, pool)
    sides = [(as_learned(train, pool), later) for train, later in sides]
    tick()
    trees = None
    if _can_boost(sides, rarer):
        trees = _choose_trees(sides, bounds, seed, params, tick)
    elif params is None:
        for _ in range(bounds.trials):
            tick()  # of a search that is not made
    margins = np.column_stack((linear_margins, _later_margins(sides, trees))) if trees else linear_margins
    base = np.concatenate([np.full(len(later), base_log_odds(train)) for train, later in sides])
    if rarer < MIN_ACCOUNTS:
        each = np.ones(1)
    else:
        prior = _prior_weights(chosen, trees is not None, rarer)
        weight = validation.weight * np.concatenate(counted_later_rows([later.y for _, later in sides]))
        each = blend_weights(margins, base, validation.y, weight, prior)
        each[len(chosen) :][each[len(chosen) :] < MIN_WEIGHT] = 0.0
    trees = trees if each[len(chosen) :].any() else None
    settings = Settings(tuple(shared_out(chosen, each[: len(chosen)])), trees, pool)
    blended = margins @ each + (1 - each.sum()) * base
    calibrator, losses = _calibrator(blended, validation)
    margin = calibrator.margin(blended)
    interval = Interval.fit(margin, validation.y, validation.as_of, validation.account)
    weights = _weights(each, len(chosen), float(np.mean([len(f.train) for f in folds])) / len(examples))
    log = {
        "rows": len(examples),
        "positives": int(examples.y.sum()),
        "folds_with_gap": sum(f.gap for f in folds),
        "regime": regime(examples),
        "weights": dict(zip(LEARNERS, np.round(weights, 4).tolist(), strict=False)),
        "memories": [_in_days(candidate) for candidate in settings.linear],
        "trees": trees.count if trees else 0,
        "params": dict(trees.params) if trees else {},
        "calibration": calibrator.method,
        "calibration_losses": losses,
        **({"pool": {"used": pool.helps, **asdict(pool)}} if pool else {}),
        **({"search": trees.stopped} if trees and trees.stopped else {}),
    }
    linear, boosters, levels = _learners(examples, settings, points_only=points_only)
    constant = _constant(weights, examples)
    transition = Transition(target, linear, boosters, weights, constant, calibrator, interval, log, levels)
    tick()
    return Fitted(transition, settings, validation_rows, margin)


def relearn(fitted: Fitted, examples: Examples) -> Transition:
    """The same transition with its learners fitted anew, on other examples."""
    transition, settings = fitted.transition, fitted.settings
    examples = settings.training_examples(examples)
    linear, boosters, levels = _learners(examples, settings, points_only=not transition.levels.tables)
    constant = _constant(transition.weights, examples)
    return replace(transition, linear=linear, boosters=boosters, constant=constant, levels=levels)


def _learners(train: Examples, settings: Settings, *, points_only: bool) -> tuple[Linear, tuple[Gbm, ...], LevelEffects]:
    """The learners on all of `train`, and what they see in the place of levels."""
    train, levels = _seen_examples(train, points_only=points_only)
    linear, trees = fit_mixture(train, settings.linear), settings.trees
    if trees is None:
        return linear, (), levels
    return linear, (gbm_learner(BinnedExamples(train), trees.params, trees=trees.count),), levels


def _seen_examples(train: Examples, *, points_only: bool) -> tuple[Examples, LevelEffects]:
    """What learners see of examples and of later rows; of levels nothing, where the points alone are learned from."""
    return without_levels(train) if points_only else with_level_statistics(train)


def base_log_odds(train: Examples) -> float:
    """Log-odds of the base rate, half an outcome of each kind added."""
    positive_weight = float(train.weight[train.y].sum())
    return float(np.log(positive_weight + 0.5) - np.log(train.weight.sum() - positive_weight + 0.5))


def _constant(weights: tuple[float, ...], train: Examples) -> float:
    """Weights that add up to less than one shrink towards the base rate."""
    return (1 - sum(weights)) * base_log_odds(train)


def _sides(examples: Examples, folds: Sequence[Fold], *, points_only: bool) -> list[Side]:
    """Of each fold what is learned from, and the later rows as they were seen had the learners served then."""
    sides = []
    for fold in folds:
        train, levels = _seen_examples(examples.select(fold.train), points_only=points_only)
        later = examples.select(fold.validation)
        sides.append((train, replace(later, x=levels.apply(later.x), levels=None)))
    return sides


def _choose_linear(examples: Examples, sides: Sequence[Side], rarer: int) -> tuple[list[Candidate], PoolTried | None, Floats]:
    """The linear candidates, whether a pooled prior helps them, and what they say of later rows (rows, candidates)."""
    plain = replace(examples, pooled=None)
    chosen = candidates(plain, rarer) if rarer >= MIN_ACCOUNTS else points_alone(plain)
    margins = later_margins([(replace(train, pooled=None), later) for train, later in sides], chosen)
    if examples.pooled is None:
        return chosen, None, margins
    with_pool = later_margins(sides, chosen)
    pool = PoolTried(*(loss_of_prior(m, chosen, [later for _, later in sides]) for m in (margins, with_pool)))
    return chosen, pool, with_pool if pool.helps else margins


def _can_boost(sides: Sequence[Side], rarer: int) -> bool:
    """Whether there are outcomes enough for trees, and both kinds among the newest rows to stop by."""
    newest = sides[-1][1]
    return rarer >= LINEAR_ONLY and bool(newest.y.any()) and not bool(newest.y.all())


def _choose_trees(
    sides: Sequence[Side], bounds: Search, seed: int, params: Mapping[str, Any] | None, tick: Tick
) -> TreeSettings:
    """Hyperparameters, unless they are known, and how many trees do best on later rows (early stopping)."""
    stopped = ""
    if params is None:
        result = search(sides, trials=bounds.trials, minutes=bounds.minutes, seed=seed, tick=tick)
        params, stopped = result.params, result.stopped
    weights = [float(weight.sum()) for weight in counted_later_rows([later.y for _, later in sides])]
    count = best_trees([gbm_learner(BinnedExamples(*side), params) for side in sides], weights)
    return TreeSettings(params, count, stopped)


def _later_margins(sides: Sequence[Side], trees: TreeSettings) -> Floats:
    """What so many trees say of the later rows of all sides (rows,)."""
    return np.concatenate(
        [gbm_learner(BinnedExamples(train), trees.params, trees=trees.count).margin(later.x) for train, later in sides]
    )


def best_trees(fitted: Sequence[Gbm], weights: Sequence[float]) -> int:
    """The number of trees with the lowest mean loss over all folds, each with its weight; after its early stopping a fold keeps
    its last loss."""
    longest = max(len(f.log["losses"]) for f in fitted)
    curves = np.array([f.log["losses"] + f.log["losses"][-1:] * (longest - len(f.log["losses"])) for f in fitted])
    return int(np.argmin(np.average(curves, axis=0, weights=weights))) + 1


def _prior_weights(chosen: Sequence[Candidate], boosts: bool, rarer: int) -> Floats:
    """What the weights of all learners are pulled to: the linear ones where outcomes are few, trees where they are many."""
    share = BOOSTED * max(0.0, 1 - LINEAR_ONLY / max(rarer, 1)) if boosts else 0.0
    linear = (1 - share) * np.array([candidate.share for candidate in chosen])
    return np.append(linear, [share] if boosts else [])


def counted_later_rows(blocks: Sequence[Flags]) -> list[Floats]:
    """How much later rows count, by their outcomes in blocks of time: those of the newest block 1, those before it the less the
    more outcomes the newer ones have to tell by. What will be scored is most like what came last, but few outcomes are no
    guide.
    """
    weights, count = [], 1.0
    for y in reversed(blocks):
        weights.append(np.full(len(y), count))
        count *= NEWER / (NEWER + min(y.sum(), (~y).sum()))
    return weights[::-1]


def _weights(each: Floats, linear_candidates: int, share: float) -> tuple[float, ...]:
    """The weights of `LEARNERS` from those of all learners, for all rows instead of a `share` of them."""
    boosters = each[linear_candidates:]
    weights = np.append(each[:linear_candidates].sum(), boosters[boosters > 0])
    return tuple(rescaled_weights(weights, share).tolist())


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


def _calibrator(margin: Floats, validation: Examples) -> tuple[Calibrator, dict[str, float]]:
    """Chosen on rows not seen; with few outcomes among them the blend, which is calibrated, is better left alone."""
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


def search_notes(transitions: Iterable[Transition]) -> list[str]:
    """A sentence per transition whose search for trees' settings was ended by its limit in minutes."""
    return [f"{t.target}: {t.log['search']}" for t in transitions if "search" in t.log]


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


def _in_days(candidate: Candidate) -> dict[str, float | None]:
    """A part of the mixture as the log has it."""
    days = None if candidate.half_life is None else round(candidate.half_life / DAY, 3)
    return {"half_life_days": days, "strength": candidate.strength, "share": round(candidate.share, 4)}
