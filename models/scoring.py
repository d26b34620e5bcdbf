"""Score: from a feature matrix to probabilities, intervals, points, grades and advice. One code for batch and request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.chain import chain
from models.curve import Curves, curves
from models.model import FunnelModel, design
from models.recommend import Advice, advise
from models.rules import Points, Values
from models.transition import Transition
from models.types import Floats, Matrix
from models.value import Expected


@dataclass(frozen=True)
class Looked:
    """What is scored: `rows` (columns, n), attribute columns then the combined plan; lead-stage positions; attributes.

    `age_days` and `stage_days` (n,): days since creation and since the lead stage was entered.
    """

    rows: Matrix
    stage: npt.NDArray[np.int32]
    age_days: Floats
    stage_days: Floats
    values: Values


@dataclass(frozen=True)
class Scores:
    """Scores of n leads. Arrays over targets are (n, targets) with NaN where the target is not ahead of the lead stage."""

    stage: npt.NDArray[np.int32]
    conditional: Floats
    probability: Floats
    low: Floats
    high: Floats
    curves: Curves | None  # None for data without dates
    score: npt.NDArray[np.int64]
    grade: list[str]
    points: Points
    rule_probability: Floats
    expected: Expected | None  # without deals nobody knows
    advice: list[Advice]
    x: Matrix
    contributions: Floats  # (n, features + 1) to the log-odds of the next lead stage, before calibration


@dataclass(frozen=True)
class Parts:
    """The model's x (n, features + 1), the rules' points, and the days since each lead was last seen (n,)."""

    x: Matrix
    points: Points
    quiet: Floats


def split(model: FunnelModel, looked: Looked) -> Parts:
    """Read the rows of the combined plan, which begins with the model's features."""
    rows, width = looked.rows, model.feature_set.attribute_columns
    points = model.rules.points(rows[width + model.rule_rows], looked.values)
    x = design(rows[: width + len(model.feature_set.features)], points.points)
    return Parts(x, points, rows[width + model.last_seen_row].astype(np.float64))


def score(model: FunnelModel, looked: Looked) -> Scores:
    """Everything there is to say about n leads, none of them in the final lead stage."""
    seen = split(model, looked)
    x, points = seen.x, seen.points
    conditional, probability = chain(model.transitions, x, looked.stage)
    low, high = interval(model.transitions, conditional, probability)
    final = probability[:, -1]
    contributions = next_contributions(model, x, looked.stage)
    fit, engagement = parts(model, contributions)
    by_day = curves(model.funnel, model.timings, conditional, probability, looked.stage, looked.stage_days)
    expected = model.value.expected(x, final, low[:, -1], high[:, -1]) if model.value else None
    advice = [
        advise(
            model.policy,
            model.funnel.stages[stage],
            with_sales=stage >= model.sales_from,
            probability=float(final[i]),
            low=float(low[i, -1]),
            high=float(high[i, -1]),
            quiet_days=float(seen.quiet[i]),
            age_days=float(looked.age_days[i]),
            worth=expected.value[i] if expected else None,
            rules_hand_over=_position(model, float(points.points[i])) >= model.sales_from,
        )
        for i, stage in enumerate(looked.stage.tolist())
    ]
    return Scores(
        stage=looked.stage,
        conditional=conditional,
        probability=probability,
        low=low,
        high=high,
        curves=by_day if model.dated else None,
        score=model.reference.score(final),
        grade=model.reference.grade(fit, engagement, looked.stage),
        points=points,
        rule_probability=model.rule_odds.probabilities(points.points, looked.stage, len(model.transitions)),
        expected=expected,
        advice=advice,
        x=x,
        contributions=contributions,
    )


def _position(model: FunnelModel, points: float) -> int:
    """The position of the lead stage that the rules give for these points; -1 for none."""
    stage = model.rules.lead_stage(points)
    return -1 if stage is None else model.funnel.position(stage)


def next_contributions(model: FunnelModel, x: Matrix, stage: npt.NDArray[np.integer]) -> Floats:
    """(n, features + 1): contributions to the log-odds of each lead's own next lead stage."""
    out = np.empty((len(x), x.shape[1] + 1))
    for target, transition in enumerate(model.transitions):
        rows = np.flatnonzero(stage == target)
        if len(rows) == len(x):
            return transition.contributions(x)
        if len(rows):
            out[rows] = transition.contributions(x[rows])
    return out


def parts(model: FunnelModel, contributions: Floats) -> tuple[Floats, Floats]:
    """Sums of the contributions (n,) of attributes (fit) and of interactions (engagement)."""
    kinds = np.array([d.part for d in model.described])
    return contributions[:, :-1][:, kinds == "fit"].sum(axis=1), contributions[:, :-1][:, kinds == "engagement"].sum(axis=1)


def interval(transitions: Sequence[Transition], conditional: Floats, probability: Floats) -> tuple[Floats, Floats]:
    """90 % intervals (n, targets) of products: the doubts of the steps are independent, their squares add up in logarithms."""
    below, above = np.zeros(len(conditional)), np.zeros(len(conditional))
    low, high = np.full_like(conditional, np.nan), np.full_like(conditional, np.nan)
    for target, transition in enumerate(transitions):
        rows = ~np.isnan(conditional[:, target])
        p = conditional[rows, target]
        at_least, at_most = transition.interval.around(p)
        below[rows] += np.log(p / at_least) ** 2
        above[rows] += np.log(at_most / p) ** 2
        low[rows, target] = probability[rows, target] * np.exp(-np.sqrt(below[rows]))
        high[rows, target] = np.minimum(probability[rows, target] * np.exp(np.sqrt(above[rows])), 1.0)
    return low, high
