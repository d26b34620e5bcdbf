"""The scorer: leads in, results out. All numbers come from `features` and `models`, as in batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np

from features.attributes.values import is_missing
from features.common.clock import DAY
from features.common.words import Language
from features.engine.request import InteractionColumns, RequestLead, request_rows
from models.calibration.drift import Window
from models.decision.recommend import Action, PreviousAdvice
from models.model import FunnelModel
from models.score import Scores, ScoringInput, numbers, recommend_all, score
from serving.http.traces import span
from serving.schemas.score import Result
from serving.scoring.result import ResultBuilder, rounded_rows

DIGITS, CENTS = 1e6, 1e2
MAX_NAMES = 5  # names listed in a warning
_OTHER_ENTITY = {"lead": "company", "company": "lead"}


@dataclass(frozen=True)
class Scorer:
    """One loaded model, ready to answer."""

    model: FunnelModel

    @cached_property
    def window(self) -> Window | None:
        """The leads scored of late, to be compared with those of training; None where the model folder has none of them."""
        return Window(self.model.drift) if self.model.drift else None

    def scores(
        self, leads: Sequence[RequestLead], as_of: int, language: Language = "en", context: Sequence[RequestLead] = ()
    ) -> tuple[ScoringInput, Scores]:
        """The numbers, before they are put into words."""
        scoring_input, _ = self._prepare_input(leads, as_of, context)
        return scoring_input, score(
            self.model, scoring_input, language, [previous_recommendation(lead, as_of) for lead in leads]
        )

    def scoring_input(self, leads: Sequence[RequestLead], as_of: int, context: Sequence[RequestLead] = ()) -> ScoringInput:
        """The features of leads at a moment; `context`: others, who count as colleagues only."""
        return self._prepare_input(leads, as_of, context)[0]

    def _prepare_input(
        self, leads: Sequence[RequestLead], as_of: int, context: Sequence[RequestLead]
    ) -> tuple[ScoringInput, list[int]]:
        """Features, and how many interactions of each lead a mail scanner made."""
        features = self.model.feature_set
        ignored = [0] * (len(leads) + len(context))
        rows = request_rows(
            self.model.plan, features.encoders, [*leads, *context], as_of,
            mail=features.mail, ignored=ignored, blank=features.attribute_defaults,
        )  # fmt: skip
        scoring_input = ScoringInput(
            rows[:, : len(leads)],
            np.array([lead.stage for lead in leads], np.int32),
            np.array([(as_of - lead.created) / DAY for lead in leads]),
            np.array([(as_of - lead.entered) / DAY for lead in leads]),
            lambda entity, column: [lead.attribute(entity, column) for lead in leads],
        )
        return scoring_input, ignored

    def score(
        self,
        leads: Sequence[RequestLead],
        as_of: int,
        reasons: int = 5,
        language: Language = "en",
        context: Sequence[RequestLead] = (),
    ) -> list[Result]:
        """One result per lead, in order; `as_of` in microseconds since 1970 UTC. `context`: colleagues that are not scored."""
        return [Result.model_validate(fields) for fields in self.plain(leads, as_of, reasons, language, context)]

    def plain(
        self,
        leads: Sequence[RequestLead],
        as_of: int,
        reasons: int = 5,
        language: Language = "en",
        context: Sequence[RequestLead] = (),
    ) -> list[dict[str, Any]]:
        """As `score`, with all fields of `Result` as plain values, ready to be written as JSON."""
        if not leads:
            return []
        with span("features"):
            scoring_input, ignored = self._prepare_input(leads, as_of, context)
        lead_numbers = numbers(self.model, scoring_input, reasons)
        if self.window:
            self.window.see(lead_numbers.x)
        advice, steps = recommend_all(
            self.model, scoring_input, lead_numbers, language, [previous_recommendation(lead, as_of) for lead in leads]
        )
        companies = Counter(lead.company_id for lead in [*leads, *context] if lead.company_id)
        exact = lead_numbers.row.tolist()
        rounded, money = rounded_rows(lead_numbers.row, DIGITS).tolist(), rounded_rows(lead_numbers.row, CENTS).tolist()
        words = self.words(language)
        return [
            words.result(
                lead,
                advice[i],
                steps[i],
                exact[i],
                rounded[i],
                money[i],
                words.reasons(lead_numbers.x[i], lead_numbers.speaker[i].tolist(), lead_numbers.effect[i].tolist()),
                self.warnings(lead, companies.get(lead.company_id or "") == 1, ignored[i]),
            )
            for i, lead in enumerate(leads)
        ]

    def words(self, language: Language) -> ResultBuilder:
        """What turns numbers into a result."""
        if language not in self._words:
            self._words[language] = ResultBuilder(self.model, language)
        return self._words[language]

    @cached_property
    def _words(self) -> dict[Language, ResultBuilder]:
        return {}

    def warnings(self, lead: RequestLead, single_lead: bool, scanned: int) -> list[str]:
        """What the model could not use of this lead, or missed; `scanned`: interactions that a mail scanner made."""
        messages = []
        types = (
            set(lead.interactions.types)
            if isinstance(lead.interactions, InteractionColumns)
            else {act.type for act in lead.interactions}
        )
        if unknown := sorted(types - self.model.plan.type_codes.keys()):
            messages.append(f"Unknown interaction types count only as activity: {_name_list(unknown)}.")
        if scanned:
            messages.append(f"{scanned} opens and clicks were made by a mail scanner and are left out.")
        attributes, company = lead.attributes, lead.company
        values = (company, attributes)
        missing = [
            name
            for of_lead, name in self._model_attributes
            if (value := values[of_lead].get(name)) is None or is_missing(value)
        ]
        if missing:
            messages.append(f"Missing attributes: {_name_list(missing)}.")
        messages += self._unused(lead)
        for value, encoder, _, _ in self.model.feature_set.attribute_defaults.known_values(attributes, company):
            if (problem := encoder.problem(value)) and problem not in messages:
                messages.append(problem)
        if lead.company_id and single_lead and self.model.plan.asks_for_colleagues:
            messages.append("The buying group is unknown: send the company's other leads in the same request.")
        return messages

    def _unused(self, lead: RequestLead) -> list[str]:
        of_lead, of_company = self._used_of["lead"], self._used_of["company"]
        unused = [("lead", c) for c in lead.attributes if c not in of_lead]
        unused += [("company", c) for c in lead.company if c not in of_company]
        if not unused:
            return []
        messages = []
        if misplaced := sorted(c for entity, c in unused if c in self._used_of[_OTHER_ENTITY[entity]]):
            messages.append(
                f"Given for the lead instead of its company, or the other way round, and not used: {_name_list(misplaced)}."
            )
        if extra := sorted({c for entity, c in unused if c not in self._used_of[_OTHER_ENTITY[entity]]}):
            messages.append(f"Attributes the model does not use: {_name_list(extra)}.")
        return messages

    @cached_property
    def _model_attributes(self) -> tuple[tuple[bool, str], ...]:
        """(of the lead, not its company; column) of every attribute that the model looks at."""
        return tuple(dict.fromkeys((e.entity == "lead", e.column) for e in self.model.feature_set.encoders))

    @cached_property
    def _used_of(self) -> dict[str, set[str]]:
        """Entity → columns that the model, its rules or the API itself look at."""
        encoded = ((e.entity, e.column) for e in self.model.feature_set.encoders)
        used = {*encoded, *self.model.rules.attributes, ("lead", "opted_out")}
        return {entity: {c for e, c in used if e == entity} for entity in _OTHER_ENTITY}


def previous_recommendation(lead: RequestLead, as_of: int) -> PreviousAdvice | None:
    """What was recommended before, as the policy sees it."""
    if lead.recommended is None:
        return None
    action, recommended_at = lead.recommended
    return PreviousAdvice(cast("Action", action), (as_of - recommended_at) / DAY)


def _name_list(names: Sequence[str]) -> str:
    listing = ", ".join(repr(n[:60]) for n in names[:MAX_NAMES])
    return listing if len(names) <= MAX_NAMES else f"{listing} and {len(names) - MAX_NAMES} more"
