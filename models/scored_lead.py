"""A scored lead: the one place that says which numbers it has, what is advised, what moved it and what to offer it next.

Many leads are columns (`ScoredLeads`), one is a view of them (`ScoredLead`). Three renderers read them: the answer of the API
(`serving/schemas/answer.py`), the row of the store (`serving/store/scoring.py`) and the file of scores (`models/batch.py`)
that goes back to a CRM too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.common.words import Language
from models.common.rounding import rounded_rows
from models.common.types import Floats
from models.decision.advice import Advice
from models.decision.next_steps import Step
from models.decision.review import review_reasons
from models.model import FunnelModel
from models.packed import Numbers
from models.reasons import Reason, ReasonWords
from models.rules.rules import grade_of, grades_of

DIGITS, CENTS = 1e6, 1e2  # to which a lead's numbers are told: probabilities and points, money and days
LISTED_REASONS = 3  # of a lead in a row or a file
# what leads are worth and what their deals would bring: column of a row → number of the packed model
WORTH = {
    "expected_value": "value", "low_value": "value_low", "high_value": "value_high",
    "expected_amount": "amount", "low_amount": "amount_low", "high_amount": "amount_high",
}  # fmt: skip


class LeadWords:
    """What stays the same from lead to lead: where a model's numbers stand, and what they are called in a language."""

    def __init__(self, model: FunnelModel, language: Language) -> None:
        self.model, self.language = model, language
        self.reasons = ReasonWords(model, language)
        self.rules = model.rules.labels(language)
        self.places = model.packed.places
        # of each target: its position, name, days of its horizon, and (day, place) of its curve
        self.targets = [
            (t, name, model.funnel.horizons[name] if model.dated else None, self._curve(t, name))
            for t, name in enumerate(model.funnel.targets)
        ]

    def _curve(self, target: int, name: str) -> list[tuple[float, int]]:
        begin = self.places[f"curve {name}"]
        return [(day, begin + index) for index, day in enumerate(self.model.packed.days[target])]


@dataclass(frozen=True)
class ScoredLeads:
    """n scored leads: lead-stage positions (n,), their numbers, what is recommended and what to offer next."""

    words: LeadWords
    stage: npt.NDArray[np.int32]
    numbers: Numbers
    advice: Sequence[Advice]
    steps: Sequence[Sequence[Step]]  # none for a lead that is to be handed over

    def __len__(self) -> int:
        return len(self.stage)

    @property
    def model(self) -> FunnelModel:
        return self.words.model

    def number(self, name: str, target: int = 0) -> Floats:
        """A number of the packed model (n,); of a target where there is one for each."""
        return self.numbers.row[:, self.words.places[name] + target]

    def by_target(self, name: str) -> Floats:
        """A number of each target (n, targets), NaN where it is not ahead of the lead stage; of a curve each day, of `lines`
        each rule."""
        return self.numbers.row[:, self.model.packed.columns[name]]

    @property
    def next_chance(self) -> Floats:
        """P(next lead stage) (n,)."""
        return self.by_target("conditional")[np.arange(len(self)), self.stage]

    @property
    def score(self) -> npt.NDArray[np.int64]:
        return self.number("score").astype(np.int64)

    @property
    def grade(self) -> list[str]:
        return grades_of(self.number("fit"), self.number("engagement"))

    @property
    def rules_grade(self) -> list[str] | None:
        """None for rules without grades."""
        return self.model.rules.grades(self.number("rules_fit"), self.number("rules_engagement"))

    def columns(self) -> dict[str, Any]:
        """What a row of scores holds, unrounded, in order; the columns are described at `models.batch.score_open`."""
        model, packed = self.model, self.model.packed
        columns: dict[str, Any] = {
            "lead_stage": np.array(model.funnel.stages, object)[self.stage],
            "score": self.score,
            "grade": self.grade,
        }
        for t, target in enumerate(model.funnel.targets):
            for column, name in (("p", "probability"), ("low", "low"), ("high", "high")):
                columns[f"{column}_{target}"] = self.number(name, t)
            if model.dated:
                for position, day in enumerate(packed.days[t][:-1]):
                    columns[f"p_{target}_{day:g}d"] = self.number(f"curve {target}", position)
                columns[f"expected_days_{target}"] = self.number("expected_days", t)
        columns["points"] = self.number("points")
        columns["rules_grade"] = self.rules_grade or [None] * len(self)
        columns |= {f"rules_{target}": self.number("rules", t) for t, target in enumerate(model.funnel.targets)}
        columns |= {column: self.number(name) if model.value else np.full(len(self), np.nan) for column, name in WORTH.items()}
        columns["status"] = [advice.status for advice in self.advice]
        columns["action"] = [advice.action for advice in self.advice]
        columns["recommended_lead_stage"] = [advice.lead_stage for advice in self.advice]
        columns["why"] = [advice.why for advice in self.advice]
        columns["next_steps"] = ["; ".join([step.type for step in steps]) for steps in self.steps]
        columns["reasons"] = self.words.reasons.lines(self.numbers, LISTED_REASONS)
        return columns

    def review(self, index: int) -> list[str]:
        """Why a person should look before what is recommended for a lead takes effect; empty where nothing speaks for it."""
        advice, row, places, final = self.advice[index], self.numbers.row[index], self.words.places, len(self.words.targets) - 1
        low, high = float(row[places["low"] + final]), float(row[places["high"] + final])
        return review_reasons(advice.action, advice.uncertain, low, high)

    def each(self, lead_ids: Sequence[str], warnings: Sequence[list[str]] | None = None) -> Iterator[ScoredLead]:
        """One by one, as plain values; `warnings`: what could not be used of each."""
        row, x = self.numbers.row, self.numbers.x
        exact, rounded, money = row.tolist(), rounded_rows(row, DIGITS).tolist(), rounded_rows(row, CENTS).tolist()
        numbers = self.numbers
        moved = zip(numbers.speaker.tolist(), numbers.effect.tolist(), numbers.chance_effect.tolist(), strict=True)
        for i, (lead_id, (speakers, effects, chance_effects)) in enumerate(zip(lead_ids, moved, strict=True)):
            lead_reasons = self.words.reasons.reasons(x[i], speakers, effects, chance_effects, numbers.max_reasons)
            yield ScoredLead(self, i, lead_id, warnings[i] if warnings else [], exact[i], rounded[i], money[i], lead_reasons)


@dataclass(slots=True)
class ScoredLead:
    """The one at `index`: its numbers in the places of `LeadWords.places`, `exact`, `rounded` to six digits, and to cents
    (`money`), and what moved it most, the strongest first, as many as were asked for."""

    leads: ScoredLeads
    index: int
    lead_id: str
    warnings: list[str]
    exact: list[float]
    rounded: list[float]
    money: list[float]
    reasons: list[Reason]

    @property
    def words(self) -> LeadWords:
        return self.leads.words

    @property
    def stage(self) -> int:
        return int(self.leads.stage[self.index])

    @property
    def advice(self) -> Advice:
        return self.leads.advice[self.index]

    @property
    def steps(self) -> Sequence[Step]:
        return self.leads.steps[self.index]

    @property
    def target(self) -> str:
        """The next lead stage."""
        return self.leads.model.funnel.targets[self.stage]

    def number(self, name: str, target: int = 0) -> float:
        """A number to six digits; NaN where it is of a target that is not ahead."""
        return self.rounded[self.words.places[name] + target]

    @property
    def chance(self) -> float:
        """P(final lead stage)."""
        return self.number("probability", len(self.words.targets) - 1)

    @property
    def next_chance(self) -> float:
        """P(next lead stage)."""
        return self.number("probability", self.stage)

    @property
    def score(self) -> int:
        return int(self.exact[self.words.places["score"]])

    @property
    def grade(self) -> str:
        return self.graded("fit", "engagement")

    def graded(self, letter: str, digit: str) -> str:
        """The grade that stands in these two places."""
        return grade_of(self.exact[self.words.places[letter]], self.exact[self.words.places[digit]])

    def worth(self, name: str) -> float | None:
        """An amount of money to cents; None where no deals are known."""
        return self.money[self.words.places[name]] if self.leads.model.value else None
