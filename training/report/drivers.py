"""What moves the model's scores, what has drifted, and why model and rules disagree on a lead."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from features.common.words import Language
from features.engine.feature_set import Described
from models.common.types import Floats
from models.model import FunnelModel
from models.reasons import Explainer
from models.score import next_contributions
from training.data.prepare import Prepared
from training.evaluation.disagreements import furthest_apart
from training.evaluation.holdout import Held

SAMPLE = 2_000  # landmarks; Shapley contributions are slow
MOST = 12
REASONS = 3
LEADS = 8  # of each kind
BINS = 10


def drivers(prepared: Prepared, held: Held, cut: FunnelModel, language: Language, seed: int = 7) -> pd.DataFrame:
    """Per target the twelve things with the largest mean effect on the log-odds: target, label, column (the strongest),
    part, strength, direction.

    `direction` is the correlation of the strongest column with its effect: above 0, more of it means a higher score; 0 for
    an attribute of several columns.
    """
    explainer = Explainer.of(cut)
    random = np.random.default_rng(seed)
    out: list[dict[str, Any]] = []
    for stage, target in enumerate(prepared.funnel.targets):
        rows = held.rows[prepared.looks.stage[held.rows] == stage]
        if not len(rows):
            continue
        rows = rows if len(rows) <= SAMPLE else np.sort(random.choice(rows, SAMPLE, replace=False))
        x = prepared.x(rows)
        effects = next_contributions(cut, x, prepared.looks.stage[rows])[:, :-1]
        whole = np.zeros((explainer.count, len(rows)))
        np.add.at(whole, explainer.groups, effects.T)
        strength = np.abs(whole - whole.mean(axis=1, keepdims=True)).mean(axis=1)
        for group in np.argsort(-strength)[:MOST]:
            if strength[group] <= 0:
                continue
            members = np.flatnonzero(explainer.groups == group)
            column = int(members[effects[:, members].std(axis=0).argmax()])
            described = cut.described[column]
            several = len(members) > 1 and described.part == "fit"
            out.append({
                "target": target, "label": _label(described, several, language), "column": column, "part": described.part,
                "strength": float(strength[group]),
                "direction": 0.0 if several else _together(x[:, column], effects[:, column]),
            })  # fmt: skip
    return pd.DataFrame(out, columns=["target", "label", "column", "part", "strength", "direction"])


def _label(described: Described, several: bool, language: Language) -> str:
    """What a group is called: an attribute of several columns by its name, without the category."""
    label = described.label[language]
    return label.split(":")[0] if several else label


def _together(value: np.ndarray, effect: Floats) -> float:
    """Correlation of a column with its effect, rows without a value left out; 0 where there is none."""
    seen = ~np.isnan(value)
    a, b = value[seen].astype(np.float64), effect[seen]
    if len(a) < 3 or a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def drift(prepared: Prepared, held: Held, columns: list[int]) -> pd.DataFrame:
    """Population stability index of these columns, held-out landmarks against those learned from: column, psi.

    Below 0.1 nothing has changed, above 0.25 much has (Siddiqi 2006, Credit Risk Scorecards, ch. 9).
    """
    early = np.flatnonzero(held.early)
    out = []
    x = {name: prepared.x(rows) for name, rows in (("old", early), ("new", held.rows))}
    for column in columns:
        old, new = x["old"][:, column], x["new"][:, column]
        out.append({"column": column, "psi": psi(old, new)})
    return pd.DataFrame(out, columns=["column", "psi"])


def psi(old: np.ndarray, new: np.ndarray) -> float:
    """Σ (new - old) · ln(new / old) over the tenths of `old` and the missing values; half a row is added to each bin."""
    edges = np.unique(np.nanquantile(old, np.linspace(0, 1, BINS + 1)[1:-1])) if (~np.isnan(old)).any() else np.zeros(0)
    shares = []
    for values in (old, new):
        seen = values[~np.isnan(values)]
        counts = np.bincount(np.searchsorted(edges, seen, side="right"), minlength=len(edges) + 1).astype(np.float64)
        counts = np.append(counts, len(values) - len(seen)) + 0.5
        shares.append(counts / counts.sum())
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())


def leads_apart(prepared: Prepared, held: Held, cut: FunnelModel, language: Language) -> list[dict[str, Any]]:
    """The leads that the rules underrate and overrate most, with reasons of the model and lines of the rules; ids only."""
    explainer, labels = Explainer.of(cut), prepared.rules.labels(language)
    out: list[dict[str, Any]] = []
    for kind, table in furthest_apart(prepared, held).items():
        for place in table[:LEADS]:
            row = held.rows[place.row : place.row + 1]
            stage = prepared.looks.stage[row]
            x = prepared.x(row)
            found = next_contributions(cut, x, stage)
            conditional = cut.transitions[int(stage[0])].probability(x)
            (said,) = explainer.explain(found, x, stage.tolist(), conditional, REASONS, language)
            lines = prepared.points.lines[row[0]]
            top = [int(i) for i in np.argsort(-np.abs(lines), kind="stable")[:REASONS] if lines[i]]
            out.append({
                "kind": kind, "lead_id": place.lead_id, "lead_stage": prepared.funnel.stages[int(stage[0])],
                "rank_model": place.rank_model, "rank_rules": place.rank_rules, "points": place.points,
                "p_model": place.p_model, "became": place.became,
                "reasons": [{"label": r.label, "value": r.value, "unit": r.unit, "effect": r.effect} for r in said.reasons],
                "lines": [{"label": labels[i], "points": float(lines[i])} for i in top],
            })  # fmt: skip
    return out
