"""Score: from a feature matrix to probabilities, intervals, points, grades and advice. One code for batch and request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.common.compiled import compiled
from models.calibration.reference import part_sum
from models.common.types import Floats, Matrix
from models.decision.advice import Advice, advise
from models.decision.next_steps import Step
from models.decision.recommend import Policy, PreviousAdvice, Situation
from models.decision.value import Amounts, Expected
from models.model import FunnelModel, design
from models.packed import Numbers
from models.rules.rules import Points, Values
from models.scored_lead import LeadWords, ScoredLeads

SETTLED = frozenset({"hand_over", "disqualify"})  # actions after which nothing is offered to a lead


@dataclass(frozen=True)
class ScoringInput:
    """What is scored: `rows` (columns, n), attribute columns then the combined plan; lead-stage positions; attributes.

    `age_days` and `stage_days` (n,): days since creation and since the lead stage was entered.
    """

    rows: Matrix
    stage: npt.NDArray[np.int32]
    age_days: Floats
    stage_days: Floats
    values: Values

    def select(self, rows: slice) -> ScoringInput:
        """Some of them."""
        return ScoringInput(
            self.rows[:, rows], self.stage[rows], self.age_days[rows], self.stage_days[rows],
            lambda entity, column: self.values(entity, column)[rows],
        )  # fmt: skip


@dataclass(frozen=True)
class ModelInputs:
    """The model's x (n, features + 1), the rules' points, the days since each lead was last seen (n,), and how often it
    did what the next steps ask for (watched types, n)."""

    x: Matrix
    points: Points
    days_quiet: Floats
    watched_counts: Matrix


@dataclass(frozen=True)
class Predictions:
    """What the policy looks at, of n leads: probabilities (n, targets) with their intervals, and what the leads are worth."""

    inputs: ModelInputs
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


def split(model: FunnelModel, leads: ScoringInput) -> ModelInputs:
    """Read the rows of the combined plan, which begins with the model's features."""
    rows, width = leads.rows, model.feature_set.attribute_columns
    points = model.rules.points(rows[width + model.rule_rows], leads.values)
    x = design(rows[: width + len(model.feature_set.features)], points.learned_from)
    days_quiet = rows[width + model.last_interaction_row].astype(np.float64)
    return ModelInputs(x, points, days_quiet, rows[width + model.watched_rows])


def predict(model: FunnelModel, leads: ScoringInput) -> Predictions:
    """Probabilities, intervals and worth of n leads, none of them in the final lead stage."""
    return _predictions(model, leads, numbers(model, leads))


def numbers(
    model: FunnelModel, leads: ScoringInput, max_reasons: int = 0, fits: Floats | None = None, threads: int | None = None
) -> Numbers:
    """All numbers of n leads, and of each what moved it most; `fits` (n, fit rules) where their points are known already."""
    if fits is None:
        fits = model.rules.fits(leads.values, len(leads.stage))
    x = split(model, leads).x if model.packed.external_boosters else None
    return model.packed.numbers(leads.rows, leads.stage, leads.stage_days, fits, max_reasons, x, threads)


def _predictions(model: FunnelModel, leads: ScoringInput, results: Numbers) -> Predictions:
    row, columns = results.row, model.packed.columns
    width = model.feature_set.attribute_columns
    inputs = ModelInputs(
        results.x, _points(model, results), row[:, columns["days_quiet"].start], leads.rows[width + model.watched_rows]
    )

    def scalar(name: str) -> Floats:
        return row[:, columns[name].start]

    worth = None
    if model.value:
        amounts = Amounts(scalar("amount"), scalar("amount_low"), scalar("amount_high"))
        worth = Expected(scalar("value"), scalar("value_low"), scalar("value_high"), amounts)
    conditional, probability, low, high = (row[:, columns[name]] for name in ("conditional", "probability", "low", "high"))
    return Predictions(inputs, conditional, probability, low, high, worth)


def _points(model: FunnelModel, results: Numbers) -> Points:
    row, columns = results.row, model.packed.columns
    grade = model.rules.grades(row[:, columns["rules_fit"].start], row[:, columns["rules_engagement"].start])
    points, capped = row[:, columns["points"].start], row[:, columns["capped"].start]
    return Points(points, row[:, columns["lines"]], capped, results.x[:, -1].astype(np.float64), grade)


def situations(
    model: FunnelModel, leads: ScoringInput, predictions: Predictions, previous: Sequence[PreviousAdvice | None] | None = None
) -> list[Situation]:
    """The n leads as the policy sees them; `previous`: what was recommended before, where that is known."""
    gain, low, high = predictions.gain(model.policy)
    columns = zip(
        leads.stage.tolist(), gain.tolist(), low.tolist(), high.tolist(), predictions.probability[:, -1].tolist(),
        predictions.low[:, -1].tolist(), predictions.high[:, -1].tolist(), predictions.inputs.days_quiet.tolist(),
        leads.age_days.tolist(), predictions.inputs.points.points.tolist(), previous or [None] * len(gain), strict=True,
    )  # fmt: skip
    return [_situation(model, *column) for column in columns]


def _situation(  # noqa: PLR0917  columns in the order of `situations`
    model: FunnelModel, stage: int, gain: float, low: float, high: float, chance: float, chance_low: float, chance_high: float,
    days_quiet: float, age: float, points: float, previous: PreviousAdvice | None,
) -> Situation:  # fmt: skip
    return Situation(
        model.funnel.stages[stage], _recommended(model, stage, low), stage >= model.sales_from, gain, low, high, chance,
        chance_low, chance_high, days_quiet, age, points >= model.rules_hand_over_from, previous,
    )  # fmt: skip


def _recommended(model: FunnelModel, stage: int, low: float) -> str | None:
    for position, line in model.lines_ahead:
        if position > stage and low >= line:
            return model.funnel.stages[position]
    return None


def score(
    words: LeadWords,
    leads: ScoringInput,
    max_reasons: int = 0,
    previous: Sequence[PreviousAdvice | None] | None = None,
) -> ScoredLeads:
    """Everything there is to say about n leads, none of them in the final lead stage; `previous` as in `situations`."""
    return recommend_all(words, leads, numbers(words.model, leads, max_reasons), previous)


def recommend_all(
    words: LeadWords, leads: ScoringInput, results: Numbers, previous: Sequence[PreviousAdvice | None] | None = None
) -> ScoredLeads:
    """n leads with their numbers, what is recommended and what to offer them next."""
    model, positions, row = words.model, words.places, results.row
    final_target = len(model.transitions) - 1

    def column(name: str, target: int = 0) -> list[float]:
        values: list[float] = row[:, positions[name] + target].tolist()
        return values

    chance = [column(name, final_target) for name in ("probability", "low", "high")]
    worth = column("value") if model.value else [None] * len(row)
    money = model.policy.money and model.value is not None
    gain = [column(name) for name in ("value", "value_low", "value_high")] if money else chance
    lead_values = zip(
        leads.stage.tolist(), *gain, *chance, column("days_quiet"), leads.age_days.tolist(), column("points"),
        previous or [None] * len(row), strict=True,
    )  # fmt: skip
    advice = [
        advise(model.policy, _situation(model, *lead), value, words.language)
        for lead, value in zip(lead_values, worth, strict=True)
    ]
    return ScoredLeads(words, leads.stage, results, advice, _steps(model, leads, results, advice))


def _steps(model: FunnelModel, leads: ScoringInput, results: Numbers, advice: Sequence[Advice]) -> list[list[Step]]:
    """What to offer each lead that is not for sales now; leads whose lead stage has no steps get none."""
    next_steps = model.next_steps
    if not next_steps.steps or all(recommendation.action in SETTLED for recommendation in advice):
        return [[] for _ in advice]
    row, stages = results.row, leads.stage
    bands = next_steps.bands(row[np.arange(len(row)), model.packed.places["conditional"] + stages])  # of the next lead stage
    acted = leads.rows[model.feature_set.attribute_columns + model.watched_rows] > 0
    packed_bits = np.packbits(acted, axis=0, bitorder="little").T.copy()
    width, patterns = packed_bits.shape[1], packed_bits.tobytes()
    cache: dict[tuple[int, int, bytes], list[Step]] = {}  # leads that did the same and are scored alike are offered the same
    offers: list[list[Step]] = []
    for i, (recommendation, stage, band) in enumerate(zip(advice, stages.tolist(), bands.tolist(), strict=True)):
        if recommendation.action in SETTLED:
            offers.append([])
            continue
        key = stage, band, patterns[i * width : (i + 1) * width]
        steps = cache.get(key)
        if steps is None:
            steps = cache[key] = next_steps.offered(model.funnel.stages[stage], band, int.from_bytes(key[2], "little"))
        offers.append(steps)
    return offers


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


def part_sums(model: FunnelModel, contributions: Floats) -> tuple[Floats, Floats]:
    """Sums of the contributions (n,) of attributes (fit) and of interactions (engagement)."""
    fit, engagement = np.empty(len(contributions)), np.empty(len(contributions))
    for columns, out in zip(model.part_columns, (fit, engagement), strict=True):
        _part_sums(contributions, columns, out)
    return fit, engagement


@compiled
def _part_sums(contributions: Any, columns: Any, out: Any) -> None:
    for i in range(len(out)):
        out[i] = part_sum(contributions[i], columns)
