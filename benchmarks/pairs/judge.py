"""What a pair comes to: per question every source's figures, and how sure the model's difference from each is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.pairs.sources import MODEL, Forecast, Pair
from benchmarks.peers.crossed import differences, losses, weeks
from models.common.types import Flags, Floats
from training.evaluation.coverage import groups
from training.evaluation.evaluate import evaluate
from training.evaluation.gate import Difference

FEWEST = 30  # landmarks, or a question is not asked

Rows = npt.NDArray[np.intp]
Record = dict[str, Any]


def judge(pair: Pair, forecasts: Mapping[str, Forecast]) -> list[Record]:
    """One record per target that enough landmarks after the origin can tell about."""
    later, records = pair.later, []
    for target, name in enumerate(pair.prepared.funnel.targets):
        rows = np.flatnonzero(later.labels.matured[:, target])
        y = later.labels.reached[rows, target]
        if len(rows) >= FEWEST and y.any() and not y.all():
            records.append({"target": name, **_question(pair, forecasts, target, rows)})
    return records


def _question(pair: Pair, forecasts: Mapping[str, Forecast], target: int, rows: Rows) -> Record:
    later = pair.later
    y = later.labels.reached[rows, target]
    account, week = later.account[rows], weeks(later.as_of[rows], later.prepared.dated)
    p = {name: s.reached[rows, target] for name, s in forecasts.items()}
    other_names = [name for name in p if name != MODEL]
    each = np.column_stack([losses(y, p[MODEL]) - losses(y, p[name]) for name in other_names])
    against = dict(zip(other_names, differences(each, (account, week)), strict=True))
    model = forecasts[MODEL]
    assert model.low is not None
    assert model.high is not None
    cells = groups(p[MODEL], model.low[rows, target], model.high[rows, target], y, later.as_of[rows], account)
    inside = [cell.holds(float(y[cell.rows].mean())) for cell in cells]
    return {
        "rows": len(rows),
        "accounts": len(np.unique(account)),
        "weeks": len(np.unique(week)),
        "base_rate": float(y.mean()),
        "base_rate_before": _before(pair, target),
        "coverage": {"groups": len(inside), "inside": float(np.mean(inside)) if inside else None},
        "sources": {name: _source(y, p[name], forecasts[name].seconds, against.get(name)) for name in p},
    }


def _source(y: Flags, p: Floats, seconds: float, against: Difference | None) -> Record:
    difference = (
        {} if against is None else {"difference": [against.mean, against.low, against.high], "verdict": against.verdict}
    )
    return {"metrics": evaluate(y, p), "seconds": round(seconds, 2), **difference}


def _before(pair: Pair, target: int) -> float | None:
    """The base rate among all landmarks whose outcome was known at the origin; None where there are none."""
    labels = pair.prepared.labels(pair.prepared.extracted_at)
    matured = labels.matured[:, target]
    return float(labels.reached[matured, target].mean()) if matured.any() else None


def moved(record: Record) -> float | None:
    """By which share the base rate differs from that before the origin."""
    before = record["base_rate_before"]
    return abs(record["base_rate"] / before - 1) if before else None
