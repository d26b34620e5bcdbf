"""What moves the model's scores, what has drifted, and why model and rules disagree on a lead."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from features.common.words import Language
from features.engine.feature_set import ColumnDescription
from models.common.types import Floats
from models.model import FunnelModel
from models.reasons import ReasonWords
from models.score import next_contributions
from training.data.prepare import Prepared
from training.evaluation.disagreements import furthest_apart
from training.evaluation.holdout import Holdout

SAMPLE = 2_000  # landmarks; Shapley contributions are slow
TOP_DRIVERS = 12
REASONS = 3
LEADS = 8  # of each kind
BINS = 10


def drivers(prepared: Prepared, holdout: Holdout, cut: FunnelModel, language: Language, seed: int = 7) -> pd.DataFrame:
    """Per target the twelve things with the largest mean effect on the log-odds: target, label, column (the strongest),
    part, strength, direction.

    `direction` is the correlation of the strongest column with its effect: above 0, more of it means a higher score; 0 for
    an attribute of several columns.
    """
    random = np.random.default_rng(seed)
    records: list[dict[str, Any]] = []
    for stage, target in enumerate(prepared.funnel.targets):
        rows = holdout.rows[prepared.looks.stage[holdout.rows] == stage]
        if not len(rows):
            continue
        rows = rows if len(rows) <= SAMPLE else np.sort(random.choice(rows, SAMPLE, replace=False))
        x = prepared.x(rows)
        values, effects = cut.levels.apply(x), next_contributions(cut, x, prepared.looks.stage[rows])[:, :-1]
        group_effects = np.zeros((int(cut.groups.max()) + 1, len(rows)))
        np.add.at(group_effects, cut.groups, effects.T)
        strength = np.abs(group_effects - group_effects.mean(axis=1, keepdims=True)).mean(axis=1)
        for group in np.argsort(-strength)[:TOP_DRIVERS]:
            if strength[group] <= 0:
                continue
            members = np.flatnonzero(cut.groups == group)
            column = int(members[effects[:, members].std(axis=0).argmax()])
            description = cut.described[column]
            multi_column = len(members) > 1 and description.part == "fit"
            records.append({
                "target": target, "label": _label(description, multi_column, language), "column": column,
                "part": description.part, "strength": float(strength[group]),
                "direction": 0.0 if multi_column else _correlation(values[:, column], effects[:, column]),
            })  # fmt: skip
    return pd.DataFrame(records, columns=["target", "label", "column", "part", "strength", "direction"])


def _label(described: ColumnDescription, multi_column: bool, language: Language) -> str:
    """What a group is called: an attribute of several columns by its name, without the category."""
    label = described.label[language]
    return label.split(":")[0] if multi_column else label


def _correlation(value: np.ndarray, effect: Floats) -> float:
    """Correlation of a column with its effect, rows without a value left out; 0 where there is none."""
    present = ~np.isnan(value)
    a, b = value[present].astype(np.float64), effect[present]
    if len(a) < 3 or a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def drift(prepared: Prepared, holdout: Holdout, columns: list[int]) -> pd.DataFrame:
    """Population stability index of these columns, held-out landmarks against those learned from: column, psi.

    Below 0.1 nothing has changed, above 0.25 much has (Siddiqi 2006, Credit Risk Scorecards, ch. 9).
    """
    training_rows = np.flatnonzero(holdout.train_rows)
    records = []
    x = {name: prepared.x(rows) for name, rows in (("old", training_rows), ("new", holdout.rows))}
    for column in columns:
        old, new = x["old"][:, column], x["new"][:, column]
        records.append({"column": column, "psi": psi(old, new)})
    return pd.DataFrame(records, columns=["column", "psi"])


def psi(old: np.ndarray, new: np.ndarray) -> float:
    """Σ (new - old) · ln(new / old) over the tenths of `old` and the missing values; half a row is added to each bin."""
    edges = np.unique(np.nanquantile(old, np.linspace(0, 1, BINS + 1)[1:-1])) if (~np.isnan(old)).any() else np.zeros(0)
    shares = []
    for values in (old, new):
        present = values[~np.isnan(values)]
        counts = np.bincount(np.searchsorted(edges, present, side="right"), minlength=len(edges) + 1).astype(np.float64)
        counts = np.append(counts, len(values) - len(present)) + 0.5
        shares.append(counts / counts.sum())
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())


def disagreements(prepared: Prepared, holdout: Holdout, cut: FunnelModel, language: Language) -> list[dict[str, Any]]:
    """The leads that the rules underrate and overrate most, with reasons of the model and lines of the rules; ids only."""
    words, labels = ReasonWords(cut, language), prepared.rules.labels(language)
    records: list[dict[str, Any]] = []
    for kind, table in furthest_apart(prepared, holdout).items():
        for lead in table[:LEADS]:
            row = holdout.rows[lead.row : lead.row + 1]
            stage = prepared.looks.stage[row]
            x = prepared.x(row)
            reasons = words.strongest(cut.levels.apply(x)[0], next_contributions(cut, x, stage)[0], REASONS)
            lines = prepared.points.lines[row[0]]
            top = [int(i) for i in np.argsort(-np.abs(lines), kind="stable")[:REASONS] if lines[i]]
            records.append({
                "kind": kind, "lead_id": lead.lead_id, "lead_stage": prepared.funnel.stages[int(stage[0])],
                "rank_model": lead.rank_model, "rank_rules": lead.rank_rules, "points": lead.points,
                "p_model": lead.p_model, "became": lead.became,
                "reasons": reasons,
                "lines": [{"label": labels[i], "points": float(lines[i])} for i in top],
            })  # fmt: skip
    return records
