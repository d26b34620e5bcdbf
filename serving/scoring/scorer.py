"""The scorer: leads in, results out. All numbers come from `features` and `models`, as in batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np

from features.attributes.encoders import is_missing
from features.common.clock import DAY
from features.common.words import Language
from features.engine.request import ActColumns, LiveLead, live_rows
from models.calibration.drift import Window
from models.decision.recommend import Action, Previous
from models.model import FunnelModel
from models.score import Looked, Scores, numbers, said, score
from serving.http.traces import span
from serving.schemas.score import Result
from serving.scoring.result import Words, rounded_rows

DIGITS, CENTS = 1e6, 1e2
NAMED = 5  # names listed in a warning
_OTHER = {"lead": "company", "company": "lead"}


@dataclass(frozen=True)
class Scorer:
    """One loaded model, ready to answer."""

    model: FunnelModel

    @cached_property
    def window(self) -> Window | None:
        """The leads scored of late, to be compared with those of training; None where the model folder has none of them."""
        return Window(self.model.drift) if self.model.drift else None

    def scores(
        self, leads: Sequence[LiveLead], as_of: int, language: Language = "en", context: Sequence[LiveLead] = ()
    ) -> tuple[Looked, Scores]:
        """The numbers, before they are put into words."""
        looked, _ = self._seen(leads, as_of, context)
        return looked, score(self.model, looked, language, [previous_of(lead, as_of) for lead in leads])

    def looked(self, leads: Sequence[LiveLead], as_of: int, context: Sequence[LiveLead] = ()) -> Looked:
        """The features of leads at a moment; `context`: others, who count as colleagues only."""
        return self._seen(leads, as_of, context)[0]

    def _seen(self, leads: Sequence[LiveLead], as_of: int, context: Sequence[LiveLead]) -> tuple[Looked, list[int]]:
        """Features, and how many interactions of each lead a mail scanner made."""
        features = self.model.feature_set
        ignored = [0] * (len(leads) + len(context))
        rows = live_rows(
            self.model.plan, features.encoders, [*leads, *context], as_of,
            mail=features.mail, ignored=ignored, blank=features.blank,
        )  # fmt: skip
        looked = Looked(
            rows[:, : len(leads)],
            np.array([lead.stage for lead in leads], np.int32),
            np.array([(as_of - lead.created) / DAY for lead in leads]),
            np.array([(as_of - lead.entered) / DAY for lead in leads]),
            lambda entity, column: [lead.attribute(entity, column) for lead in leads],
        )
        return looked, ignored

    def score(
        self,
        leads: Sequence[LiveLead],
        as_of: int,
        reasons: int = 5,
        language: Language = "en",
        context: Sequence[LiveLead] = (),
    ) -> list[Result]:
        """One result per lead, in order; `as_of` in microseconds since 1970 UTC. `context`: colleagues that are not scored."""
        return [Result.model_validate(one) for one in self.plain(leads, as_of, reasons, language, context)]

    def plain(
        self,
        leads: Sequence[LiveLead],
        as_of: int,
        reasons: int = 5,
        language: Language = "en",
        context: Sequence[LiveLead] = (),
    ) -> list[dict[str, Any]]:
        """As `score`, with all fields of `Result` as plain values, ready to be written as JSON."""
        if not leads:
            return []
        with span("features"):
            looked, ignored = self._seen(leads, as_of, context)
        found = numbers(self.model, looked, reasons)
        if self.window:
            self.window.see(found.x)
        advice, steps = said(self.model, looked, found, language, [previous_of(lead, as_of) for lead in leads])
        companies = Counter(lead.company_id for lead in [*leads, *context] if lead.company_id)
        exact = found.row.tolist()
        rounded, money = rounded_rows(found.row, DIGITS).tolist(), rounded_rows(found.row, CENTS).tolist()
        words = self.words(language)
        return [
            words.result(
                lead,
                advice[i],
                steps[i],
                exact[i],
                rounded[i],
                money[i],
                words.reasons(found.x[i], found.speaker[i].tolist(), found.effect[i].tolist()),
                self.warnings(lead, companies.get(lead.company_id or "") == 1, ignored[i]),
            )
            for i, lead in enumerate(leads)
        ]

    def words(self, language: Language) -> Words:
        """What turns numbers into a result."""
        if language not in self._words:
            self._words[language] = Words(self.model, language)
        return self._words[language]

    @cached_property
    def _words(self) -> dict[Language, Words]:
        return {}

    def warnings(self, lead: LiveLead, alone: bool, scanned: int) -> list[str]:
        """What the model could not use of this lead, or missed; `scanned`: interactions that a mail scanner made."""
        found = []
        types = set(lead.acts.types) if isinstance(lead.acts, ActColumns) else {act.type for act in lead.acts}
        if unknown := sorted(types - self.model.plan.type_codes.keys()):
            found.append(f"Unknown interaction types count only as activity: {_named(unknown)}.")
        if scanned:
            found.append(f"{scanned} opens and clicks were made by a mail scanner and are left out.")
        attributes, company = lead.attributes, lead.company
        of = (company, attributes)
        missing = [name for of_lead, name in self._asked if (value := of[of_lead].get(name)) is None or is_missing(value)]
        if missing:
            found.append(f"Missing attributes: {_named(missing)}.")
        found += self._unused(lead)
        for value, encoder, _, _ in self.model.feature_set.blank.known(attributes, company):
            if (problem := encoder.problem(value)) and problem not in found:
                found.append(problem)
        if lead.company_id and alone and self.model.plan.asks_for_colleagues:
            found.append("The buying group is unknown: send the company's other leads in the same request.")
        return found

    def _unused(self, lead: LiveLead) -> list[str]:
        of_lead, of_company = self._used_of["lead"], self._used_of["company"]
        unused = [("lead", c) for c in lead.attributes if c not in of_lead]
        unused += [("company", c) for c in lead.company if c not in of_company]
        if not unused:
            return []
        found = []
        if astray := sorted(c for entity, c in unused if c in self._used_of[_OTHER[entity]]):
            found.append(f"Given for the lead instead of its company, or the other way round, and not used: {_named(astray)}.")
        if extra := sorted({c for entity, c in unused if c not in self._used_of[_OTHER[entity]]}):
            found.append(f"Attributes the model does not use: {_named(extra)}.")
        return found

    @cached_property
    def _asked(self) -> tuple[tuple[bool, str], ...]:
        """(of the lead, not its company; column) of every attribute that the model looks at."""
        return tuple(dict.fromkeys((e.entity == "lead", e.column) for e in self.model.feature_set.encoders))

    @cached_property
    def _used_of(self) -> dict[str, set[str]]:
        """Entity → columns that the model, its rules or the API itself look at."""
        encoded = ((e.entity, e.column) for e in self.model.feature_set.encoders)
        used = {*encoded, *self.model.rules.attributes, ("lead", "opted_out")}
        return {entity: {c for e, c in used if e == entity} for entity in _OTHER}


def previous_of(lead: LiveLead, as_of: int) -> Previous | None:
    """What was recommended before, as the policy sees it."""
    if lead.recommended is None:
        return None
    action, at = lead.recommended
    return Previous(cast("Action", action), (as_of - at) / DAY)


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(repr(n[:60]) for n in names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED} more"
