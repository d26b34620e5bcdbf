"""Fit a whole funnel as it could be known at a moment: one transition per target, and the rules' points as probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from features.errors import DataError
from models.calibration import Calibrator, choose_calibrator
from models.rule_odds import SCALE, RuleOdds
from models.transition import Transition
from models.types import Flags
from training.config import Search
from training.fit import Settings, fit_transition
from training.prepare import Prepared

MIN_OUTCOMES = 2  # of each kind; with fewer there is nothing to learn


@dataclass(frozen=True)
class Fit:
    """What was learned from what was known at `known_at`."""

    transitions: tuple[Transition, ...]
    rule_odds: RuleOdds
    settings: Mapping[str, Settings]
    known_at: int


def fit_funnel(
    prepared: Prepared,
    known_at: int,
    among: Flags,
    bounds: Search,
    seed: int,
    *,
    known: Mapping[str, Settings] | None = None,
    tick: Callable[[], None] | None = None,
) -> Fit:
    """Fit every transition on the landmarks `among` (n,) whose labels had matured at `known_at`.

    Raises
    ------
    DataError
        if a transition has hardly any outcome of one kind by then.
    """
    labels = prepared.labels(known_at)
    transitions, settings = [], {}
    for target, name in enumerate(prepared.funnel.targets):
        examples = prepared.examples(target, labels, among)
        yes = int(examples.y.sum())
        if min(yes, len(examples) - yes) < MIN_OUTCOMES:
            raise DataError(
                f"Of {len(examples)} matured landmarks that could reach {name!r}, {yes} did: nothing can be learned from that.",
                f"Wait for more leads, shorten the horizon of {name!r}, or take {name!r} out of `funnel: stages:`.",
            )
        fitted, used = fit_transition(
            name,
            examples,
            bounds,
            seed,
            known=known.get(name) if known else None,
            tick=tick,
        )
        transitions.append(fitted)
        settings[name] = used
    return Fit(tuple(transitions), fit_rule_odds(prepared, known_at, among), settings, known_at)


def fit_rule_odds(prepared: Prepared, known_at: int, among: Flags) -> RuleOdds:
    """Calibrate the points per lead stage and target, on the same landmarks and as carefully as the model."""
    labels = prepared.labels(known_at)
    stage, points = prepared.looks.stage, prepared.points.points
    found: dict[tuple[int, int], Calibrator] = {}
    for begin in range(len(prepared.funnel.open_stages)):
        for target in range(begin, len(prepared.funnel.targets)):
            use = np.flatnonzero(among & (stage == begin) & labels.matured[:, target])
            if len(use):
                found[begin, target] = choose_calibrator(
                    points[use] / SCALE,
                    labels.reached[use, target],
                    np.ones(len(use)),
                    prepared.looks.as_of[use],
                    prepared.deadline[use, target],
                    usual="platt",  # points are not log-odds
                )[0]
    return RuleOdds(found)
