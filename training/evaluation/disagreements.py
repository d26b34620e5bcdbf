"""Leads that model and rules rank most differently, and what became of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from features.common.clock import timestamps
from models.common.types import Floats
from training.data.prepare import Prepared
from training.evaluation.holdout import Holdout

MAX_LEADS = 50  # of each kind


@dataclass(frozen=True)
class Disagreement:
    """A held-out landmark on which model and rules disagree: `row` is its place in `holdout.rows`; ranks are percentiles."""

    row: int
    lead_id: str
    lead_stage: str
    as_of: str
    rank_model: float
    rank_rules: float
    p_model: float
    p_rules: float
    points: float
    became: bool


def furthest_apart(prepared: Prepared, holdout: Holdout) -> dict[str, list[Disagreement]]:
    """Who is higher (model, rules) → the held-out leads they rank furthest above the other by P(final lead stage), the
    furthest first, one landmark each, 50 at most."""
    rows = np.flatnonzero(holdout.labels.matured[:, -1])
    p_model, p_rules = (holdout.probability[name][rows, -1] for name in ("model", "rules"))
    rank_model, rank_rules = _percentile(p_model), _percentile(p_rules)
    gap = rank_model - rank_rules
    looks = prepared.looks.take(holdout.rows[rows])
    ids = prepared.histories.leads["lead_id"].to_numpy(object)
    dates = timestamps(looks.as_of).strftime("%Y-%m-%d")
    return {
        name: [
            Disagreement(
                row=int(rows[i]),
                lead_id=str(ids[looks.lead[i]]),
                lead_stage=prepared.funnel.stages[looks.stage[i]],
                as_of=str(dates[i]),
                rank_model=round(float(rank_model[i]), 1),
                rank_rules=round(float(rank_rules[i]), 1),
                p_model=round(float(p_model[i]), 4),
                p_rules=round(float(p_rules[i]), 4),
                points=round(float(prepared.points.points[holdout.rows[rows[i]]]), 1),
                became=bool(holdout.labels.reached[rows[i], -1]),
            )
            for i in _furthest(sign * gap, looks.lead).tolist()
        ]
        for name, sign in (("model", 1), ("rules", -1))
    }


def disagreements(prepared: Prepared, holdout: Holdout) -> pd.DataFrame:
    """`furthest_apart` as a table with the column who_is_higher (model or rules). Ids only, nothing personal."""
    leads_by_ranker = furthest_apart(prepared, holdout)
    return pd.DataFrame(
        [{"who_is_higher": name, **asdict(lead)} for name, leads in leads_by_ranker.items() for lead in leads], columns=COLUMNS
    )


COLUMNS = [
    "lead_id",
    "lead_stage",
    "as_of",
    "who_is_higher",
    "rank_model",
    "rank_rules",
    "p_model",
    "p_rules",
    "points",
    "became",
]


def disagreements_in_words(table: pd.DataFrame, final: str) -> list[str]:
    """How many of each kind became customers: who was right."""
    lines = []
    for higher, lower in (("model", "rules"), ("rules", "model")):
        rows = table[table["who_is_higher"] == higher]
        if len(rows):
            lines.append(
                f"Of the {len(rows)} leads that the {higher} ranked furthest above the {lower}, "
                f"{int(rows['became'].sum())} became {final}."
            )
    return lines


def _percentile(p: Floats) -> Floats:
    """The percentile (n,) of each value; equal values share the middle of theirs."""
    _, value_index, count = np.unique(p, return_inverse=True, return_counts=True)
    lower_count = np.cumsum(count) - count
    return np.asarray(100 * (lower_count + count / 2)[value_index] / len(p), np.float64)


def _furthest(gap: Floats, lead: np.ndarray) -> np.ndarray:
    """The rows with the largest positive gap, one per lead."""
    order = np.argsort(-gap, kind="stable")
    order = order[gap[order] > 0]
    _, first_index = np.unique(lead[order], return_index=True)
    return np.asarray(order[np.sort(first_index)][:MAX_LEADS], np.intp)
