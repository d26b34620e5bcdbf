"""Fit a whole funnel as it could be known at a moment: one transition per target, its timing, and the rules' points as odds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from features.common.clock import DAY
from features.dataset.labels import Labels
from models.calibration.calibrator import Calibrator
from models.calibration.timing import Timing, Timings
from models.calibration.transition import Transition
from models.common.types import Flags, Floats
from models.rules.odds import RuleOdds, points_calibrator
from training.common.config import Search
from training.data.nothing import nothing_to_learn
from training.data.prepare import Prepared
from training.fit.censoring import (
    Pace,
    Standing,
    Unripe,
    days_in_stage,
    evidence,
    newest_shift,
    unripe_rows,
    with_unripe,
)
from training.fit.transition_fit import Fitted, Settings, fit_transition, relearn

MIN_UNRIPE = 20  # rows worth another fit
TICKS = 4  # of a transition, beside one per trial of the search

Tick = Callable[[], None]


@dataclass(frozen=True)
class Ripening:
    """What unripe (censored) landmarks were weighed with: the transition by matured ones alone, the pace, and the shift."""

    first: Transition
    pace: Pace
    shift: float


@dataclass(frozen=True)
class Fit:
    """What was learned from what was known at `known_at`; `ripening` by target, where unripe landmarks taught."""

    transitions: tuple[Transition, ...]
    timings: Timings
    rule_odds: RuleOdds
    settings: Mapping[str, Settings]
    known_at: int
    ripening: Mapping[str, Ripening] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """Landmarks `rows` (m,) in one lead stage, and out-of-fold log-odds (m,) of its next one: learners had not seen them."""

    rows: npt.NDArray[np.intp]
    margin: Floats


def fit_funnel(
    prepared: Prepared,
    known_at: int,
    among: Flags,
    bounds: Search,
    seed: int,
    *,
    known: Mapping[str, Settings] | None = None,
    tick: Tick | None = None,
) -> Fit:
    """Fit every transition on the landmarks `among` (n,) as far as their labels were known at `known_at`.

    Raises
    ------
    DataError
        if no landmark of a transition has matured by then.
    """
    labels = prepared.labels(known_at)
    transitions, settings = [], {}
    timings: dict[tuple[int, int], Timing] = {}
    ripening: dict[str, Ripening] = {}
    for target, name in enumerate(prepared.funnel.targets):
        rows = prepared.usable(target, labels, among)
        examples = prepared.examples(target, labels, among)
        if not len(examples):
            raise nothing_to_learn(prepared, target, known_at)
        fitted = fit_transition(name, examples, bounds, seed, known=known.get(name) if known else None, tick=tick)
        own = prepared.looks.stage[rows[fitted.seen]] == target
        seen = Seen(rows[fitted.seen][own], fitted.margin[own])
        transition, by = ripened(prepared, target, known_at, among, fitted, seen, labels)
        transitions.append(transition)
        ripening |= {name: by} if by else {}
        settings[name] = fitted.settings
        timings |= _timings(prepared, target, seen, labels)
        if tick:
            tick()
    return Fit(tuple(transitions), Timings(timings), fit_rule_odds(prepared, known_at, among), settings, known_at, ripening)


def ripened(
    prepared: Prepared, target: int, known_at: int, among: Flags, fitted: Fitted, seen: Seen, labels: Labels
) -> tuple[Transition, Ripening | None]:
    """The transition with its learners fitted anew on matured and unripe landmarks; as it is where there are hardly any."""
    rows = unripe_rows(prepared, target, known_at, among)
    if len(rows) < MIN_UNRIPE or not prepared.dated:
        return fitted.transition, None
    first = fitted.transition
    reached = labels.reached[seen.rows, target]
    pace = Pace.learn(prepared, target, seen.rows, reached, seen.margin)
    now = Standing.of(prepared, target, rows, known_at)
    x = prepared.x(rows)
    margin = first.calibrator.margin(first.margin(x))
    shift = newest_shift(now, margin, pace)
    yes, no = evidence(now, margin, pace, shift)
    more = Unripe(x, yes, no, prepared.looks.as_of[rows], prepared.account[rows])
    log = {**first.log, "unripe": len(rows), "unripe_shift": round(shift, 4)}
    learned = relearn(fitted, with_unripe(prepared.examples(target, labels, among), more))
    return replace(learned, log=log), Ripening(first, pace, shift)


def _timings(prepared: Prepared, begin: int, seen: Seen, labels: Labels) -> dict[tuple[int, int], Timing]:
    """From this lead stage, when those who reach each later one in time do so."""
    found = {}
    lead, as_of = prepared.looks.lead[seen.rows], prepared.looks.as_of[seen.rows]
    z = np.column_stack((seen.margin, days_in_stage(prepared, seen.rows)))
    for target in range(begin, len(prepared.funnel.targets)):
        use = np.flatnonzero(labels.matured[seen.rows, target] & labels.reached[seen.rows, target])
        taken = (prepared.path.reached[lead[use], target + 1] - as_of[use]) / DAY
        found[begin, target] = Timing.fit(taken, z[use], prepared.funnel.horizons[prepared.funnel.targets[target]])
    return found


def fit_rule_odds(prepared: Prepared, known_at: int, among: Flags) -> RuleOdds:
    """Calibrate the points per lead stage and target, on the same landmarks and as carefully as the model.

    Where no landmark in a lead stage has matured, those that came to it in time say what its next one takes.
    """
    labels = prepared.labels(known_at)
    stage, points = prepared.looks.stage, prepared.points.points
    found: dict[tuple[int, int], Calibrator] = {}
    for begin in range(len(prepared.funnel.open_stages)):
        for target in range(begin, len(prepared.funnel.targets)):
            use = np.flatnonzero(among & (stage == begin) & labels.matured[:, target])
            if not len(use) and begin == target:
                use = prepared.usable(target, labels, among)
            if len(use):
                found[begin, target] = points_calibrator(
                    points[use],
                    labels.reached[use, target],
                    prepared.looks.as_of[use],
                    prepared.deadline[use, target],
                    prepared.account[use],
                )[0]
    return RuleOdds(found)
