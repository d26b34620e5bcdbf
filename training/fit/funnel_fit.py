"""Fit a whole funnel as it could be known at a moment: one transition per target, its timing, and the rules' points as odds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from features.common.clock import DAY
from features.dataset.labels import Labels
from models.calibration.calibrator import Calibrator
from models.calibration.timing import Timing, Timings
from models.calibration.transition import Transition
from models.common.types import Flags, Floats, Matrix
from models.rules.odds import RuleOdds, points_calibrator
from training.common.config import Search
from training.data.nothing import nothing_to_learn
from training.data.prepare import Prepared
from training.fit.censoring import (
    CensoredExamples,
    CensoredState,
    ConversionSpeed,
    censored_landmarks,
    censoring_weights,
    days_in_stage,
    newest_shift,
    with_censored,
)
from training.fit.transition_fit import Fitted, Settings, fit_transition, no_tick, relearn

MIN_CENSORED = 20  # rows worth another fit

Tick = Callable[[], None]


@dataclass(frozen=True)
class CensoringFit:
    """What unripe (censored) landmarks were weighed with: the transition by matured ones alone, the speed, and the shift."""

    matured_transition: Transition
    speed: ConversionSpeed
    shift: float

    def weights(self, state: CensoredState, x: Matrix) -> tuple[Floats, Floats]:
        """How much such landmarks (n,) count as a "yes" and as a "no"; `x`: what a model sees of them."""
        margin = self.matured_transition.calibrator.margin(self.matured_transition.margin(x))
        return censoring_weights(state, margin, self.speed, self.shift)


@dataclass(frozen=True)
class Fit:
    """What was learned from what was known at `known_at`; `censoring_fits` by target, where unripe landmarks taught."""

    transitions: tuple[Transition, ...]
    timings: Timings
    rule_odds: RuleOdds
    settings: Mapping[str, Settings]
    known_at: int
    censoring_fits: Mapping[str, CensoringFit] = field(default_factory=dict)


@dataclass(frozen=True)
class OutOfFold:
    """Landmarks `rows` (m,) in one lead stage, and out-of-fold log-odds (m,) of its next one: learners had not seen them."""

    rows: npt.NDArray[np.intp]
    margin: Floats


def fit_funnel(
    prepared: Prepared,
    known_at: int,
    subset: Flags,
    bounds: Search,
    seed: int,
    *,
    earlier: Mapping[str, Settings] | None = None,
    points_only: bool = False,
    tick: Tick = no_tick,
) -> Fit:
    """Fit every transition on the landmarks `subset` (n,) as far as their labels were known at `known_at`.

    Of the settings of an `earlier` fit, by target, the trees' hyperparameters are taken over, which cost most to search for;
    all else is chosen anew. `points_only`: as `fit_transition`.

    Raises
    ------
    DataError
        if no landmark of a transition has matured by then.
    """
    labels = prepared.labels(known_at)
    transitions, settings = [], {}
    timings: dict[tuple[int, int], Timing] = {}
    censoring_fits: dict[str, CensoringFit] = {}
    for target, name in enumerate(prepared.funnel.targets):
        rows = prepared.usable(target, labels, subset)
        examples = prepared.examples(target, labels, subset)
        if not len(examples):
            raise nothing_to_learn(prepared, target, known_at)
        fitted = fit_transition(
            name, examples, bounds, seed, params=_tree_params(earlier, name), points_only=points_only, tick=tick
        )
        in_stage = prepared.looks.stage[rows[fitted.validation_rows]] == target
        out_of_fold = OutOfFold(rows[fitted.validation_rows][in_stage], fitted.margin[in_stage])
        transition, censoring_fit = fit_censored(prepared, target, known_at, subset, fitted, out_of_fold, labels)
        transitions.append(transition)
        censoring_fits |= {name: censoring_fit} if censoring_fit else {}
        settings[name] = fitted.settings
        timings |= _timings(prepared, target, out_of_fold, labels)
        tick()
    return Fit(
        tuple(transitions), Timings(timings), fit_rule_odds(prepared, known_at, subset), settings, known_at, censoring_fits
    )


def ticks(targets: Sequence[str], trials: int, earlier: Mapping[str, Settings] | None = None) -> int:
    """How often `fit_funnel` ticks with these arguments."""
    return sum(3 + (0 if _tree_params(earlier, target) else trials) for target in targets)


def _tree_params(earlier: Mapping[str, Settings] | None, target: str) -> Mapping[str, Any] | None:
    """Those of an earlier fit, where it had trees."""
    trees = earlier[target].trees if earlier and target in earlier else None
    return trees.params if trees else None


def fit_censored(
    prepared: Prepared, target: int, known_at: int, subset: Flags, fitted: Fitted, out_of_fold: OutOfFold, labels: Labels
) -> tuple[Transition, CensoringFit | None]:
    """The transition with its learners fitted anew on matured and unripe landmarks; as it is where there are hardly any."""
    rows = censored_landmarks(prepared.looks, prepared.deadline, target, known_at, subset)
    if len(rows) < MIN_CENSORED or not prepared.dated:
        return fitted.transition, None
    matured_transition = fitted.transition
    reached = labels.reached[out_of_fold.rows, target]
    speed = ConversionSpeed.learn(prepared, target, out_of_fold.rows, reached, out_of_fold.margin)
    state = CensoredState.from_landmarks(prepared.path, prepared.looks.take(rows), target, known_at)
    x = prepared.x(rows)
    margin = matured_transition.calibrator.margin(matured_transition.margin(x))
    shift = newest_shift(state, margin, speed)
    positive_weight, negative_weight = censoring_weights(state, margin, speed, shift)
    censored_examples = CensoredExamples(
        x, positive_weight, negative_weight, prepared.looks.as_of[rows], prepared.account[rows]
    )
    log = {**matured_transition.log, "unripe": len(rows), "unripe_shift": round(shift, 4)}
    learned = relearn(fitted, with_censored(prepared.examples(target, labels, subset), censored_examples))
    return replace(learned, log=log), CensoringFit(matured_transition, speed, shift)


def _timings(prepared: Prepared, begin: int, out_of_fold: OutOfFold, labels: Labels) -> dict[tuple[int, int], Timing]:
    """From this lead stage, when those who reach each later one in time do so."""
    timings = {}
    spell, as_of = prepared.spell[out_of_fold.rows], prepared.looks.as_of[out_of_fold.rows]
    z = np.column_stack((out_of_fold.margin, days_in_stage(prepared.looks.take(out_of_fold.rows))))
    for target in range(begin, len(prepared.funnel.targets)):
        use = np.flatnonzero(labels.matured[out_of_fold.rows, target] & labels.reached[out_of_fold.rows, target])
        conversion_days = (prepared.path.reached[spell[use], target + 1] - as_of[use]) / DAY
        timings[begin, target] = Timing.fit(conversion_days, z[use], prepared.funnel.horizons[prepared.funnel.targets[target]])
    return timings


def fit_rule_odds(prepared: Prepared, known_at: int, subset: Flags) -> RuleOdds:
    """Calibrate the points per lead stage and target, on the same landmarks and as carefully as the model.

    Where no landmark in a lead stage has matured, those that came to it in time say what its next one takes.
    """
    labels = prepared.labels(known_at)
    stage, points = prepared.looks.stage, prepared.points.points
    calibrators: dict[tuple[int, int], Calibrator] = {}
    for begin in range(len(prepared.funnel.open_stages)):
        for target in range(begin, len(prepared.funnel.targets)):
            use = np.flatnonzero(subset & (stage == begin) & labels.matured[:, target])
            if not len(use) and begin == target:
                use = prepared.usable(target, labels, subset)
            if len(use):
                calibrators[begin, target] = points_calibrator(
                    points[use],
                    labels.reached[use, target],
                    prepared.looks.as_of[use],
                    prepared.deadline[use, target],
                    prepared.account[use],
                )[0]
    return RuleOdds(calibrators)
