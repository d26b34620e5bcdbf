"""A lead's numbers as the fields of `serving.schemas.score.Result`, plain: no object is made that JSON does not need."""

from __future__ import annotations

from typing import Any

import numpy as np

from features.common.compiled import exact
from features.common.words import Language, type_words
from features.engine.request import LiveLead
from models.common.types import Floats, Matrix
from models.decision.advice import Advice
from models.decision.next_steps import Step
from models.decision.review import review_reasons
from models.model import FunnelModel
from models.score import GRADES

# this near to the middle between two neighbours Python decides which is nearer: the product is as exact as that, no more
NEAR, NEARER = 1e-7, 1e-15


def rounded_rows(values: Floats, unit: float) -> Floats:
    """As `round` for each number with as many digits as `unit` (1e6, 1e2) has zeros, a hundred times as fast."""
    out = np.empty_like(values)
    if _round(values.ravel(), unit, out.ravel()):
        digits = round(np.log10(unit))
        out[:] = [[round(one, digits) for one in row] for row in values.tolist()]
    return out


@exact
def _round(values: Any, unit: float, out: Any) -> bool:
    """Whether any number is for Python to round."""
    doubt = False
    for i in range(len(values)):
        scaled = values[i] * unit
        rest = abs(scaled - np.floor(scaled) - 0.5)
        doubt |= rest < NEAR + NEARER * abs(scaled)
        out[i] = np.rint(scaled) / unit
    return doubt


class Words:
    """What stays the same from lead to lead, in one language."""

    def __init__(self, model: FunnelModel, language: Language) -> None:
        self.model, self.language = model, language
        self.at = model.made.places
        self.rules = model.rules.labels(language)
        self.said = [(d.label[language], d.unit[language]) for d in model.described]
        targets = model.funnel.targets
        self.ahead = [
            (
                t,
                name,
                model.funnel.horizons[name] if model.dated else None,
                list(zip(model.made.days[t], range(self.at[f"curve {name}"], self.at["lines"]), strict=False)),
            )
            for t, name in enumerate(targets)
        ]

    def result(
        self,
        lead: LiveLead,
        advice: Advice,
        steps: list[Step],
        exact_row: list[float],
        row: list[float],
        money: list[float],
        reasons: list[dict[str, Any]],
        warnings: list[str],
    ) -> dict[str, Any]:
        """The fields of a result; `row` and `money` are the lead's numbers, `exact_row`, with six and with two digits."""
        at = self.at
        effects = 0.0
        for one in reasons:
            effects += one["effect"]
        start = exact_row[at["start"]]
        valued = self.model.value
        profit, last = advice.expected_profit, len(self.model.funnel.targets) - 1
        return {
            "lead_id": lead.lead_id,
            "status": "uncertain" if advice.uncertain else "scored",
            "probabilities": self._probabilities(lead.stage, row, money),
            "score": int(row[at["score"]]),
            "grade": GRADES[int(row[at["fit"]])][int(row[at["engagement"]])],
            "rules": self._rules(lead.stage, row, exact_row),
            "expected_value": money[at["value"]] if valued else None,
            "expected_value_low": money[at["value_low"]] if valued else None,
            "expected_value_high": money[at["value_high"]] if valued else None,
            "amount": {
                "value": money[at["amount"]],
                "low": money[at["amount_low"]],
                "high": money[at["amount_high"]],
                "currency": valued.currency,
            }
            if valued
            else None,
            "recommendation": {
                "action": advice.action,
                "lead_stage": advice.lead_stage,
                "why": advice.why,
                "expected_profit": None if profit is None else round(profit, 6),
            },
            "human_review": review_reasons(
                advice.action, advice.uncertain, exact_row[at["low"] + last], exact_row[at["high"] + last]
            ),
            "next_steps": self._steps(steps, lead.stage) if steps else [],
            "reasons": reasons,
            "explanation": {
                "target": self.model.funnel.targets[lead.stage],
                "start": start,
                "rest": exact_row[at["total"]] - start - effects,
                "calibration": exact_row[at["calibration"]],
            },
            "warnings": warnings,
            "problem": None,
        }

    def reasons(self, x: Matrix, speakers: list[int], effects: list[float]) -> list[dict[str, Any]]:
        """What moved a lead most: `x` (features + 1,) and, for each reason, the column that speaks for it and what it adds."""
        found = []
        for column, effect in zip(speakers, effects, strict=True):
            if column >= 0:
                label, unit = self.said[column]
                value = float(x[column])
                # NaN is not itself
                seen = round(value, 4) if value == value else None  # noqa: PLR0124
                found.append({"label": label, "value": seen, "unit": unit, "effect": effect})
        return found

    def _probabilities(self, stage: int, row: list[float], money: list[float]) -> dict[str, Any]:
        at, dated = self.at, self.model.dated
        probability, low, high, days = (at[name] for name in ("probability", "low", "high", "expected_days"))
        return {
            name: {
                "value": row[probability + t],
                "low": row[low + t],
                "high": row[high + t],
                "horizon_days": horizon,
                "curve": [{"days": day, "value": row[place]} for day, place in curve] if dated else [],
                "expected_days": money[days + t] if dated else None,
            }
            for t, name, horizon, curve in self.ahead[stage:]
        }

    def _rules(self, stage: int, row: list[float], exact_row: list[float]) -> dict[str, Any]:
        at, model = self.at, self.model
        begin, odds = at["lines"], at["rules"]
        given = zip(self.rules, row[begin:], exact_row[begin:], strict=True)
        lines = [{"label": label, "points": points} for label, points, exactly in given if exactly]
        if exact_row[at["capped"]]:
            lines.append({"label": "cap", "points": row[at["capped"]]})
        grades = model.rules.book.grades
        return {
            "points": row[at["points"]],
            "probability": {name: row[odds + t] for t, name, _, _ in self.ahead[stage:] if row[odds + t] == row[odds + t]},
            "lead_stage": model.rules.lead_stage(exact_row[at["points"]]),
            "grade": GRADES[int(row[at["rules_fit"]])][int(row[at["rules_engagement"]])] if grades else None,
            "lines": lines,
        }

    def _steps(self, steps: list[Step], stage: int) -> list[dict[str, Any]]:
        target = self.model.funnel.targets[stage]
        days = self.model.funnel.horizons[target]
        return [
            {
                "type": step.type,
                "label": type_words(step.type, self.language),
                "leads": step.leads,
                "progressed": round(step.progressed, 6),
                "others": step.others,
                "others_progressed": round(step.others_progressed, 6),
                "why": step.words(target, days, self.language),
            }
            for step in steps
        ]
