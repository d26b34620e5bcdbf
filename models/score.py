"""Score: from a feature matrix to probabilities, intervals, points, grades and advice. One code for batch and request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.common.compiled import compiled
from features.common.words import Language
from models.calibration.curve import Curves
from models.calibration.intervals import around
from models.calibration.transition import Transition
from models.common.types import Floats, Matrix
from models.decision.advice import Advice, advise
from models.decision.next_steps import Step
from models.decision.recommend import Policy, Previous, Situation
from models.decision.value import Amounts, Expected
from models.model import FunnelModel, design
from models.packed import Numbers
from models.rules.rules import Points, Values

SETTLED = frozenset({"hand_over", "disqualify"})  # actions after which nothing is offered to a lead
GRADES = tuple(tuple(letter + number for number in "321") for letter in "CBA")


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

    def take(self, some: slice) -> Looked:
        """Some of them."""
        return Looked(
            self.rows[:, some], self.stage[some], self.age_days[some], self.stage_days[some],
            lambda entity, column: self.values(entity, column)[some],
        )  # fmt: skip


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
    steps: list[list[Step]]  # content steps to offer next; none for a lead that is to be handed over
    x: Matrix
    contributions: Floats  # (n, features + 1) to the log-odds of the next lead stage, before calibration

    @property
    def next_conditional(self) -> Floats:
        """P(next lead stage) (n,)."""
        return self.conditional[np.arange(len(self.stage)), self.stage]


@dataclass(frozen=True)
class Parts:
    """The model's x (n, features + 1), the rules' points, the days since each lead was last seen (n,), and how often it
    did what the next steps ask for (watched types, n)."""

    x: Matrix
    points: Points
    quiet: Floats
    done: Matrix


@dataclass(frozen=True)
class Prospects:
    """What the policy looks at, of n leads: probabilities (n, targets) with their intervals, and what the leads are worth."""

    parts: Parts
    conditional: Floats
    probability: Floats
    low: Floats
    high: Floats
    expected: Expected | None  # without deals nobody knows

    def gain(self, policy: Policy) -> tuple[Floats, Floats, Floats]:
        """(n,) each, in the units of the policy: gain, and the low and high end of its interval."""
        if policy.money and self.expected:
            return self.expected.value, self.expected.low, self.expected.high
        return self.probability[:, -1], self.low[:, -1], self.high[:, -1]


def split(model: FunnelModel, looked: Looked) -> Parts:
    """Read the rows of the combined plan, which begins with the model's features."""
    rows, width = looked.rows, model.feature_set.attribute_columns
    points = model.rules.points(rows[width + model.rule_rows], looked.values)
    x = design(rows[: width + len(model.feature_set.features)], points.points)
    quiet = rows[width + model.last_seen_row].astype(np.float64)
    return Parts(x, points, quiet, rows[width + model.watched_rows])


def prospects(model: FunnelModel, looked: Looked) -> Prospects:
    """Probabilities, intervals and worth of n leads, none of them in the final lead stage."""
    return _prospects(model, looked, numbers(model, looked))


def numbers(
    model: FunnelModel, looked: Looked, most: int = 0, fits: Floats | None = None, threads: int | None = None
) -> Numbers:
    """All numbers of n leads, and of each what moved it most; `fits` (n, fit rules) where their points are known already."""
    if fits is None:
        fits = model.rules.fits(looked.values, len(looked.stage))
    x = split(model, looked).x if model.made.outside else None
    return model.made.numbers(looked.rows, looked.stage, looked.stage_days, fits, most, x, threads)


def _prospects(model: FunnelModel, looked: Looked, found: Numbers) -> Prospects:
    row, columns = found.row, model.made.columns
    width = model.feature_set.attribute_columns
    parts = Parts(found.x, _points(model, found), row[:, columns["quiet"].start], looked.rows[width + model.watched_rows])

    def one(name: str) -> Floats:
        return row[:, columns[name].start]

    worth = None
    if model.value:
        amounts = Amounts(one("amount"), one("amount_low"), one("amount_high"))
        worth = Expected(one("value"), one("value_low"), one("value_high"), amounts)
    conditional, probability, low, high = (row[:, columns[name]] for name in ("conditional", "probability", "low", "high"))
    return Prospects(parts, conditional, probability, low, high, worth)


def _points(model: FunnelModel, found: Numbers) -> Points:
    row, columns = found.row, model.made.columns
    grade = None
    if model.rules.book.grades:
        letters, digits = (row[:, columns[name].start].astype(int).tolist() for name in ("rules_fit", "rules_engagement"))
        grade = [GRADES[a][b] for a, b in zip(letters, digits, strict=True)]
    return Points(row[:, columns["points"].start], row[:, columns["lines"]], row[:, columns["capped"].start], grade)


def situations(
    model: FunnelModel, looked: Looked, found: Prospects, previous: Sequence[Previous | None] | None = None
) -> list[Situation]:
    """The n leads as the policy sees them; `previous`: what was recommended before, where that is known."""
    gain, low, high = found.gain(model.policy)
    columns = zip(
        looked.stage.tolist(), gain.tolist(), low.tolist(), high.tolist(), found.probability[:, -1].tolist(),
        found.low[:, -1].tolist(), found.high[:, -1].tolist(), found.parts.quiet.tolist(), looked.age_days.tolist(),
        found.parts.points.points.tolist(), previous or [None] * len(gain), strict=True,
    )  # fmt: skip
    return [_situation(model, *column) for column in columns]


def _situation(  # noqa: PLR0917  columns in the order of `situations`
    model: FunnelModel, stage: int, gain: float, low: float, high: float, chance: float, chance_low: float, chance_high: float,
    quiet: float, age: float, points: float, previous: Previous | None,
) -> Situation:  # fmt: skip
    return Situation(
        model.funnel.stages[stage], _recommended(model, stage, low), stage >= model.sales_from, gain, low, high, chance,
        chance_low, chance_high, quiet, age, points >= model.rules_hand_over_from, previous,
    )  # fmt: skip


def _recommended(model: FunnelModel, stage: int, low: float) -> str | None:
    for at, line in model.lines_ahead:
        if at > stage and low >= line:
            return model.funnel.stages[at]
    return None


def said(
    model: FunnelModel, looked: Looked, found: Numbers, language: Language, previous: Sequence[Previous | None]
) -> tuple[list[Advice], list[list[Step]]]:
    """The recommendations of n leads and what to offer them next, straight from their numbers."""
    at, row = model.made.places, found.row
    last = len(model.transitions) - 1

    def column(name: str, target: int = 0) -> list[float]:
        values: list[float] = row[:, at[name] + target].tolist()
        return values

    chance = [column(name, last) for name in ("probability", "low", "high")]
    worth = column("value") if model.value else [None] * len(row)
    money = model.policy.money and model.value is not None
    gain = [column(name) for name in ("value", "value_low", "value_high")] if money else chance
    stage = looked.stage.tolist()
    seen = zip(
        stage, *gain, *chance, column("quiet"), looked.age_days.tolist(), column("points"), previous, strict=True
    )  # fmt: skip
    advice = [advise(model.policy, _situation(model, *lead), value, language) for lead, value in zip(seen, worth, strict=True)]
    return advice, _steps(model, looked, found, advice)


def score(
    model: FunnelModel,
    looked: Looked,
    language: Language = "en",
    previous: Sequence[Previous | None] | None = None,
) -> Scores:
    """Everything there is to say about n leads, none of them in the final lead stage; `previous` as in `situations`."""
    numbered = numbers(model, looked)
    found = _prospects(model, looked, numbered)
    row, columns = numbered.row, model.made.columns
    advice, steps = said(model, looked, numbered, language, previous or [None] * len(row))
    letters, digits = (row[:, columns[name].start].astype(int).tolist() for name in ("fit", "engagement"))
    by_day = tuple(row[:, columns[f"curve {target}"]] for target in model.funnel.targets)
    return Scores(
        stage=looked.stage,
        conditional=found.conditional,
        probability=found.probability,
        low=found.low,
        high=found.high,
        curves=Curves(model.made.days, by_day, row[:, columns["expected_days"]]) if model.dated else None,
        score=row[:, columns["score"].start].astype(np.int64),
        grade=[GRADES[a][b] for a, b in zip(letters, digits, strict=True)],
        points=found.parts.points,
        rule_probability=row[:, columns["rules"]],
        expected=found.expected,
        advice=advice,
        steps=steps,
        x=numbered.x,
        contributions=numbered.contributions,
    )


def _steps(model: FunnelModel, looked: Looked, numbers: Numbers, advice: Sequence[Advice]) -> list[list[Step]]:
    """What to offer each lead that is not for sales now; leads whose lead stage has no steps get none."""
    known = model.next_steps
    if not known.steps or all(said.action in SETTLED for said in advice):
        return [[] for _ in advice]
    row, stages = numbers.row, looked.stage
    bands = known.bands(row[np.arange(len(row)), model.made.places["conditional"] + stages])  # of the next lead stage
    acted = looked.rows[model.feature_set.attribute_columns + model.watched_rows] > 0
    did = np.packbits(acted, axis=0, bitorder="little").T.copy()
    width, patterns = did.shape[1], did.tobytes()
    told: dict[tuple[int, int, bytes], list[Step]] = {}  # leads that did the same and are scored alike are offered the same
    found: list[list[Step]] = []
    for i, (said, stage, band) in enumerate(zip(advice, stages.tolist(), bands.tolist(), strict=True)):
        if said.action in SETTLED:
            found.append([])
            continue
        alike = stage, band, patterns[i * width : (i + 1) * width]
        steps = told.get(alike)
        if steps is None:
            steps = told[alike] = known.offered(model.funnel.stages[stage], band, int.from_bytes(alike[2], "little"))
        found.append(steps)
    return found


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
    fit, engagement = model.part_columns
    return contributions[:, fit].sum(axis=1), contributions[:, engagement].sum(axis=1)


def interval(transitions: Sequence[Transition], conditional: Floats, probability: Floats) -> tuple[Floats, Floats]:
    """90 % intervals (n, targets) of products: the doubts of the steps are independent, their squares add up in logarithms."""
    below, above = np.zeros(len(conditional)), np.zeros(len(conditional))
    low, high = np.full_like(conditional, np.nan), np.full_like(conditional, np.nan)
    for target, transition in enumerate(transitions):
        _widen(conditional, probability, target, transition.interval.curve, below, above, low, high)
    return low, high


@compiled
def _widen(conditional: Any, probability: Any, target: int, curve: Any, below: Any, above: Any, low: Any, high: Any) -> None:
    """One target's intervals; `below` and `above` (n,) gather the squares of the steps so far."""
    for i in range(len(conditional)):
        p = conditional[i, target]
        if np.isnan(p):
            continue
        at_least, at_most = around(p, curve)
        below[i] += np.log(p / at_least) ** 2
        above[i] += np.log(at_most / p) ** 2
        low[i, target] = probability[i, target] * np.exp(-np.sqrt(below[i]))
        high[i, target] = min(probability[i, target] * np.exp(np.sqrt(above[i])), 1.0)
