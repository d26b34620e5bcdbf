"""Prepare: what the audit blocks is left out, unless the configuration insists."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.dataset.dataset import Dataset
from models.rules.rules import Rules
from training.common.config import Config
from training.data.prepare import prepare


def test_a_leak_never_reaches_the_model() -> None:
    """A column that is the outcome: no feature of it is made, no rule on it counts, and the notes say why."""
    n = 400
    y = np.random.default_rng(0).random(n) < 0.4
    created = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(np.arange(n), unit="D")
    ids = [f"L{i}" for i in np.random.default_rng(1).permutation(n)]
    leads = pd.DataFrame({"lead_id": ids, "created_at": created, "verdict": np.where(y, "yes", "no"), "source": "web"})
    stages = pd.DataFrame({"lead_id": ids, "lead_stage": np.where(y, "customer", "lost"), "at": created + pd.Timedelta(days=9)})
    end = created[-1] + pd.Timedelta(days=60)
    data = Dataset.from_tables({"leads": leads, "lead_stages": stages}, extracted_at=end, source="test")
    wanted = Config.model_validate(
        {"name": "a", "source": {"kind": "simulator"}, "funnel": {"stages": ["lead", "customer"], "horizons": {"customer": 30}}}
    )
    fit = [
        {"attribute": "lead.verdict", "equals": "yes", "points": 50},
        {"attribute": "lead.source", "equals": "web", "points": 5},
    ]
    prepared = prepare(data, wanted, wanted.funnel.build(), Rules.from_dict({"fit": fit}))
    assert not any("verdict" in name for name in prepared.feature_set.names)
    assert set(prepared.points.points) == {5.0}, "points are a column of the model too"
    assert any("left out: lead.verdict" in note for note in prepared.notes)
