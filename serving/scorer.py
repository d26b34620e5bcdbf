"""The scorer: leads in, results out. All numbers come from `features` and `models`, as in batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np

from features.attributes import is_missing
from features.clock import DAY
from features.live import LiveLead, live_rows
from features.words import Language, type_words
from models.drift import Window
from models.model import FunnelModel
from models.reasons import Explainer, Explanation
from models.recommend import Action, Previous
from models.scoring import Looked, Scores, score
from serving.schemas import Result
from serving.traces import span

DIGITS = 6
NAMED = 5  # names listed in a warning
_OTHER = {"lead": "company", "company": "lead"}


@dataclass(frozen=True)
class Scorer:
    """One loaded model, ready to answer."""

    model: FunnelModel

    @cached_property
    def explainer(self) -> Explainer:
        return Explainer.of(self.model)

    @cached_property
    def window(self) -> Window | None:
        """The leads scored of late, to be compared with those of training; None where the model folder has none of them."""
        return Window(self.model.drift) if self.model.drift else None

    @cached_property
    def rule_labels(self) -> dict[Language, list[str]]:
        return {"en": self.model.rules.labels("en"), "de": self.model.rules.labels("de")}

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
        encoders = self.model.feature_set.encoders
        ignored = [0] * (len(leads) + len(context))
        rows = live_rows(
            self.model.plan, encoders, [*leads, *context], as_of, mail=self.model.feature_set.mail, ignored=ignored
        )
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
        if not leads:
            return []
        with span("features"):
            looked, ignored = self._seen(leads, as_of, context)
        scores = score(self.model, looked, language, [previous_of(lead, as_of) for lead in leads])
        if self.window:
            self.window.see(scores.x)
        stages = [lead.stage for lead in leads]
        explained = self.explainer.explain(scores.contributions, scores.x, stages, scores.next_conditional, reasons, language)
        companies = Counter(lead.company_id for lead in [*leads, *context] if lead.company_id)
        return [
            Result.model_validate(
                {
                    **self._result(lead, i, scores, explained[i], language),
                    "warnings": self.warnings(lead, companies.get(lead.company_id or "") == 1, ignored[i]),
                }
            )
            for i, lead in enumerate(leads)
        ]

    def _result(self, lead: LiveLead, i: int, scores: Scores, explained: Explanation, language: Language) -> dict[str, Any]:
        """The fields of `Result`, plain, so that one call checks them all."""
        model = self.model
        ahead = range(lead.stage, len(model.funnel.targets))
        names = model.funnel.targets
        advice = scores.advice[i]
        by_rules = {names[t]: _round(p) for t in ahead if not np.isnan(p := scores.rule_probability[i, t])}
        lines = [
            {"label": label, "points": _round(points)}
            for label, points in zip(self.rule_labels[language], scores.points.lines[i].tolist(), strict=True)
            if points
        ]
        if scores.points.capped[i]:
            lines.append({"label": "cap", "points": _round(float(scores.points.capped[i]))})
        return {
            "lead_id": lead.lead_id,
            "status": "uncertain" if advice.uncertain else "scored",
            "probabilities": {names[t]: self._probability(scores, i, t) for t in ahead},
            "score": int(scores.score[i]),
            "grade": scores.grade[i],
            "rules": {
                "points": _round(scores.points.points[i]),
                "probability": by_rules,
                "lead_stage": model.rules.lead_stage(float(scores.points.points[i])),
                "grade": scores.points.grade[i] if scores.points.grade else None,
                "lines": lines,
            },
            **self._value(scores, i),
            "recommendation": {
                "action": advice.action,
                "lead_stage": advice.lead_stage,
                "why": advice.why,
                "expected_profit": None if advice.expected_profit is None else _round(advice.expected_profit),
            },
            "next_steps": self._steps(scores, i, lead.stage, language),
            "reasons": [{"label": r.label, "value": r.value, "unit": r.unit, "effect": r.effect} for r in explained.reasons],
            "explanation": {
                "target": explained.target,
                "start": explained.start,
                "rest": explained.rest,
                "calibration": explained.calibration,
            },
        }

    def _steps(self, scores: Scores, i: int, stage: int, language: Language) -> list[dict[str, Any]]:
        target = self.model.funnel.targets[stage]
        days = self.model.funnel.horizons[target]
        return [
            {
                "type": step.type,
                "label": type_words(step.type, language),
                "leads": step.leads,
                "progressed": _round(step.progressed),
                "others": step.others,
                "others_progressed": _round(step.others_progressed),
                "why": step.words(target, days, language),
            }
            for step in scores.steps[i]
        ]

    def _value(self, scores: Scores, i: int) -> dict[str, Any]:
        """The fields of a result that say what a lead is worth; none without deals."""
        found, value = scores.expected, self.model.value
        if not found or not value:
            return {}
        amount = {
            "value": round(float(found.amounts.mean[i]), 2),
            "low": round(float(found.amounts.low[i]), 2),
            "high": round(float(found.amounts.high[i]), 2),
            "currency": value.currency,
        }
        return {
            "expected_value": round(float(found.value[i]), 2),
            "expected_value_low": round(float(found.low[i]), 2),
            "expected_value_high": round(float(found.high[i]), 2),
            "amount": amount,
        }

    def _probability(self, scores: Scores, i: int, target: int) -> dict[str, Any]:
        curves = scores.curves
        return {
            "value": _round(scores.probability[i, target]),
            "low": _round(scores.low[i, target]),
            "high": _round(scores.high[i, target]),
            "horizon_days": self.model.funnel.horizons[self.model.funnel.targets[target]] if curves else None,
            "curve": [
                {"days": days, "value": _round(chance)}
                for days, chance in zip(curves.days[target], curves.chance[target][i].tolist(), strict=True)
            ]
            if curves
            else [],
            "expected_days": round(float(curves.expected[i, target]), 2) if curves else None,
        }

    def warnings(self, lead: LiveLead, alone: bool, scanned: int) -> list[str]:
        """What the model could not use of this lead, or missed; `scanned`: interactions that a mail scanner made."""
        found = []
        unknown = sorted({act.type for act in lead.acts} - self.model.plan.type_codes.keys())
        if unknown:
            found.append(f"Unknown interaction types count only as activity: {_named(unknown)}.")
        if scanned:
            found.append(f"{scanned} opens and clicks were made by a mail scanner and are left out.")
        missing = [e.column for e in self._encoded if is_missing(lead.attribute(*e.key))]
        if missing:
            found.append(f"Missing attributes: {_named(missing)}.")
        unused = {*(("lead", c) for c in lead.attributes), *(("company", c) for c in lead.company)} - self._used
        astray = sorted(c for entity, c in unused if (_OTHER[entity], c) in self._used)
        if astray:
            found.append(f"Given for the lead instead of its company, or the other way round, and not used: {_named(astray)}.")
        extra = sorted({c for entity, c in unused if (_OTHER[entity], c) not in self._used})
        if extra:
            found.append(f"Attributes the model does not use: {_named(extra)}.")
        for encoder in self.model.feature_set.encoders:
            problem = encoder.problem(lead.attribute(encoder.entity, encoder.column))
            if problem and problem not in found:
                found.append(problem)
        if lead.company_id and alone and self.model.plan.asks_for_colleagues:
            found.append("The buying group is unknown: send the company's other leads in the same request.")
        return found

    @cached_property
    def _encoded(self) -> tuple[_Column, ...]:
        columns = dict.fromkeys((e.entity, e.column) for e in self.model.feature_set.encoders)
        return tuple(_Column(entity, column) for entity, column in columns)

    @cached_property
    def _used(self) -> set[tuple[str, str]]:
        """(entity, column) that the model, its rules or the API itself look at."""
        return {*(c.key for c in self._encoded), *self.model.rules.attributes, ("lead", "opted_out")}


@dataclass(frozen=True)
class _Column:
    entity: str
    column: str

    @property
    def key(self) -> tuple[str, str]:
        return self.entity, self.column


def previous_of(lead: LiveLead, as_of: int) -> Previous | None:
    """What was recommended before, as the policy sees it."""
    if lead.recommended is None:
        return None
    action, at = lead.recommended
    return Previous(cast("Action", action), (as_of - at) / DAY)


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(repr(n[:60]) for n in names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED} more"


def _round(value: float) -> float:
    return round(float(value), DIGITS)
