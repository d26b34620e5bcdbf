"""Leads to be scored, in all lead stages, with counts, real numbers and gaps."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.model import FunnelModel
from models.score import ScoringInput

NEAR: Any = {"rtol": 1e-11, "atol": 1e-12}


def seen(model: FunnelModel, count: int, seed: int = 0) -> ScoringInput:
    """Leads in all lead stages with counts, real numbers and gaps."""
    rng = np.random.default_rng(seed)
    columns = model.feature_set.attribute_columns + len(model.plan.features)
    rows = np.round(rng.gamma(0.5, 4, (columns, count)), 1).astype(np.float32)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    for places in (model.rule_rows, model.watched_rows):  # counts are always known
        rows[model.feature_set.attribute_columns + places] = rng.integers(0, 5, (len(places), count))
    stage = rng.integers(0, len(model.transitions), count).astype(np.int32)
    days = rng.uniform(0, 400, count)
    return ScoringInput(
        rows, stage, days, days / 2, lambda _entity, _column: ["webinar" if i % 3 else None for i in range(count)]
    )
