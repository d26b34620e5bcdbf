"""Leads that model and rules rank most differently, and what became of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.clock import timestamps
from models.types import Floats
from training.held_out import Held
from training.prepare import Prepared

MOST = 50  # of each kind


def disagreements(prepared: Prepared, held: Held) -> pd.DataFrame:
    """The held-out leads that the model ranks furthest above and below the rules by P(final lead stage), one landmark each.

    Columns: lead_id, lead_stage, as_of, who_is_higher (model or rules), rank_model and rank_rules (percentiles among the
    held-out landmarks, 100 is best), p_model, p_rules, points, became (the final lead stage in time). Ids only, nothing
    personal.
    """
    rows = np.flatnonzero(held.labels.matured[:, -1])
    p_model, p_rules = (held.probability[name][rows, -1] for name in ("model", "rules"))
    rank_model, rank_rules = _percentile(p_model), _percentile(p_rules)
    gap = rank_model - rank_rules
    looks = prepared.looks.take(held.rows[rows])
    chosen = np.concatenate([_furthest(gap, looks.lead), _furthest(-gap, looks.lead)])
    return pd.DataFrame({
        "lead_id": prepared.histories.leads["lead_id"].to_numpy(object)[looks.lead[chosen]],
        "lead_stage": np.array(prepared.funnel.stages, object)[looks.stage[chosen]],
        "as_of": timestamps(looks.as_of[chosen]).strftime("%Y-%m-%d"),
        "who_is_higher": np.where(gap[chosen] > 0, "model", "rules"),
        "rank_model": rank_model[chosen].round(1),
        "rank_rules": rank_rules[chosen].round(1),
        "p_model": p_model[chosen].round(4),
        "p_rules": p_rules[chosen].round(4),
        "points": prepared.points.points[held.rows[rows]][chosen].round(1),
        "became": held.labels.reached[rows, -1][chosen],
    })  # fmt: skip


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
    _, place, count = np.unique(p, return_inverse=True, return_counts=True)
    below = np.cumsum(count) - count
    return np.asarray(100 * (below + count / 2)[place] / len(p), np.float64)


def _furthest(gap: Floats, lead: np.ndarray) -> np.ndarray:
    """The rows with the largest positive gap, one per lead."""
    order = np.argsort(-gap, kind="stable")
    order = order[gap[order] > 0]
    _, first = np.unique(lead[order], return_index=True)
    return np.asarray(order[np.sort(first)][:MOST], np.intp)
