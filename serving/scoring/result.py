"""A lead's numbers as the fields of `serving.schemas.score.Result`, plain: no object is made that JSON does not need."""

from __future__ import annotations

from typing import Any

import numpy as np

from features.common.compiled import exact
from features.common.words import Language, type_words
from features.engine.request import RequestLead
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
        out[:] = [[round(value, digits) for value in row] for row in values.tolist()]
    return out


@exact
def _round(values: Any, unit: float, out: Any) -> bool:
    """Whether any number is for Python to round."""
    doubt = False
    for i in range(len(values)):
        scaled = values[i] * unit
        distance = abs(scaled - np.floor(scaled) - 0.5)
        doubt |= distance < NEAR + NEARER * abs(scaled)
        out[i] = np.rint(scaled) / unit
    return doubt


class ResultBuilder:
    """What stays the same from lead to lead, in one language."""

    def __init__(self, model: FunnelModel, language: Language) -> None:
        self.model, self.language = model, language
        self.columns = model.packed.places
        self.rules = model.rules.labels(language)
        self.feature_labels = [(d.label[language], d.unit[language]) for d in model.described]
        targets = model.funnel.targets
        self.targets = [
            (
                t,
                name,
                model.funnel.horizons[name] if model.dated else None,
                list(zip(model.packed.days[t], range(self.columns[f"curve {name}"], self.columns["lines"]), strict=False)),
            )
            for t, name in enumerate(targets)
        ]

    def result(
        self,
        lead: RequestLead,
        advice: Advice,
        steps: list[Step],
        exact_row: list[float],
        row: list[float],
        money: list[float],
        reasons: list[dict[str, Any]],
        warnings: list[str],
    ) -> dict[str, Any]:
        """The fields of a result; `row` and `money` are the lead's numbers, `exact_row`, with six and with two digits."""
        columns = self.columns
        effects = 0.0
        for reason in reasons:
            effects += reason["effect"]
        start = exact_row[columns["start"]]
        valued = self.model.value
        profit, last_target = advice.expected_profit, len(self.model.funnel.targets) - 1
        return {
            "lead_id": lead.lead_id,
            "status": "uncertain" if advice.uncertain else "scored",
            "probabilities": self._probabilities(lead.stage, row, money),
            "score": int(row[columns["score"]]),
            "grade": GRADES[int(row[columns["fit"]])][int(row[columns["engagement"]])],
            "rules": self._rules(lead.stage, row, exact_row),
            "expected_value": money[columns["value"]] if valued else None,
            "expected_value_low": money[columns["value_low"]] if valued else None,
            "expected_value_high": money[columns["value_high"]] if valued else None,
            "amount": {
                "value": money[columns["amount"]],
                "low": money[columns["amount_low"]],
                "high": money[columns["amount_high"]],
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
                advice.action,
                advice.uncertain,
                exact_row[columns["low"] + last_target],
                exact_row[columns["high"] + last_target],
            ),
            "next_steps": self._steps(steps, lead.stage) if steps else [],
            "reasons": reasons,
            "explanation": {
                "target": self.model.funnel.targets[lead.stage],
                "start": start,
                "rest": exact_row[columns["total"]] - start - effects,
                "calibration": exact_row[columns["calibration"]],
            },
            "warnings": warnings,
            "problem": None,
        }

    def reasons(self, x: Matrix, speakers: list[int], effects: list[float]) -> list[dict[str, Any]]:
        """What moved a lead most: `x` (features + 1,) and, for each reason, the column that speaks for it and what it adds."""
        reason_lines = []
        for column, effect in zip(speakers, effects, strict=True):
            if column >= 0:
                label, unit = self.feature_labels[column]
                value = float(x[column])
                # NaN is not itself
                rounded = round(value, 4) if value == value else None  # noqa: PLR0124
                reason_lines.append({"label": label, "value": rounded, "unit": unit, "effect": effect})
        return reason_lines

    def _probabilities(self, stage: int, row: list[float], money: list[float]) -> dict[str, Any]:
        columns, dated = self.columns, self.model.dated
        probability, low, high, days = (columns[name] for name in ("probability", "low", "high", "expected_days"))
        return {
            name: {
                "value": row[probability + t],
                "low": row[low + t],
                "high": row[high + t],
                "horizon_days": horizon,
                "curve": [{"days": day, "value": row[column]} for day, column in curve] if dated else [],
                "expected_days": money[days + t] if dated else None,
            }
            for t, name, horizon, curve in self.targets[stage:]
        }

    def _rules(self, stage: int, row: list[float], exact_row: list[float]) -> dict[str, Any]:
        columns, model = self.columns, self.model
        begin, odds = columns["lines"], columns["rules"]
        rule_points = zip(self.rules, row[begin:], exact_row[begin:], strict=True)
        lines = [{"label": label, "points": points} for label, points, exactly in rule_points if exactly]
        if exact_row[columns["capped"]]:
            lines.append({"label": "cap", "points": row[columns["capped"]]})
        grades = model.rules.book.grades
        return {
            "points": row[columns["points"]],
            "probability": {name: row[odds + t] for t, name, _, _ in self.targets[stage:] if row[odds + t] == row[odds + t]},
            "lead_stage": model.rules.lead_stage(exact_row[columns["points"]]),
            "grade": GRADES[int(row[columns["rules_fit"]])][int(row[columns["rules_engagement"]])] if grades else None,
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
