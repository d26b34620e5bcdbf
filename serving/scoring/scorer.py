"""The scorer: leads in, results out. All numbers come from `features` and `models`, as in batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
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
from models.score import ScoringInput, score
from models.scored_lead import LeadWords, ScoredLeads
from serving.http.traces import span
from serving.schemas.answer import Result, render
from serving.scoring.doubtful_values import doubt_about

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

    def scored(
        self,
        leads: Sequence[RequestLead],
        as_of: int,
        max_reasons: int = 0,
        language: Language = "en",
        context: Sequence[RequestLead] = (),
    ) -> ScoredLeads:
        """Everything there is to say of leads at a moment (microseconds since 1970 UTC), before it is rendered; `context`:
        others, who count as colleagues only."""
        scoring_input = self.scoring_input(leads, as_of, context)
        return score(self.words(language), scoring_input, max_reasons, _previous(leads, as_of))

    def scoring_input(self, leads: Sequence[RequestLead], as_of: int, context: Sequence[RequestLead] = ()) -> ScoringInput:
        """The features of leads at a moment; `context`: others, who count as colleagues only."""
        return self._prepare_input(leads, as_of, context)[0]

    def _prepare_input(
        self, leads: Sequence[RequestLead], as_of: int, context: Sequence[RequestLead]
    ) -> tuple[ScoringInput, list[int]]:
        """Features, and how many interactions of each lead a mail scanner made."""
        features = self.model.feature_set
        looks = self.model.looked_at(np.array([lead.entered for lead in [*leads, *context]], np.int64), as_of)
        ignored = [0] * (len(leads) + len(context))
        rows = request_rows(
            self.model.plan, features.encoders, [*leads, *context], looks,
            mail=features.mail, ignored=ignored, blank=features.attribute_defaults, count=len(leads),
        )  # fmt: skip
        scoring_input = ScoringInput(
            rows,
            np.array([lead.stage for lead in leads], np.int32),
            np.array([(moment - lead.created) / DAY for lead, moment in zip(leads, looks.tolist(), strict=False)]),
            np.array([(moment - lead.entered) / DAY for lead, moment in zip(leads, looks.tolist(), strict=False)]),
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
        scored = score(self.words(language), scoring_input, reasons, _previous(leads, as_of))
        if self.window:
            self.window.see(scored.numbers.x)
        companies = Counter(lead.company_id for lead in [*leads, *context] if lead.company_id)
        warnings = [
            self.warnings(lead, companies.get(lead.company_id or "") == 1, scanned)
            for lead, scanned in zip(leads, ignored, strict=False)
        ]
        return [render(lead) for lead in scored.each([lead.lead_id for lead in leads], warnings)]

    def words(self, language: Language) -> LeadWords:
        """The model in a language."""
        if language not in self._words:
            self._words[language] = LeadWords(self.model, language)
        return self._words[language]

    @cached_property
    def _words(self) -> dict[Language, LeadWords]:
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
            turned = [name for name in unknown if self.model.feature_set.turning_away.of_other(name)]
            if active := [name for name in unknown if name not in turned]:
                messages.append(f"Unknown interaction types count only as activity: {_name_list(active)}.")
            if turned:
                messages.append(
                    f"Unknown interaction types that are refusals or bounces do not count as activity: {_name_list(turned)}."
                )
        if not self.model.dated and lead.interactions:
            messages.append(
                "Learned from data without dates, the model sees a lead as it came: what it did since does not count."
            )
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
            problem = encoder.problem(value) or doubt_about(value, encoder, self._ranges)
            if problem and problem not in messages:
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
    def _ranges(self) -> Mapping[str, tuple[float, float]]:
        """The smallest and largest number of training by column, where the model folder has them."""
        return self.model.drift.ranges if self.model.drift else {}

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


def _previous(leads: Sequence[RequestLead], as_of: int) -> list[PreviousAdvice | None]:
    """What was recommended before, as the policy sees it."""
    return [
        PreviousAdvice(cast("Action", lead.recommended[0]), (as_of - lead.recommended[1]) / DAY) if lead.recommended else None
        for lead in leads
    ]


def _name_list(names: Sequence[str]) -> str:
    listing = ", ".join(repr(n[:60]) for n in names[:MAX_NAMES])
    return listing if len(names) <= MAX_NAMES else f"{listing} and {len(names) - MAX_NAMES} more"
