"""Prepare: what the audit blocks is left out, unless the configuration insists."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.dataset.dataset import Dataset
from models.rules.rules import Rules
from training.common.config import Config
from training.data.prepare import prepare
from training.fit.value_fit import WonDeals


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


def test_levels_are_examples_of_their_target_and_no_amount_hangs_on_them() -> None:
    """300 towns and two targets: each transition has its own column of levels, deals have none."""
    n = 1_500
    random = np.random.default_rng(0)
    created = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(np.arange(n) * 6, unit="h")
    ids = [f"L{i}" for i in range(n)]
    leads = pd.DataFrame({"lead_id": ids, "created_at": created, "town": [f"Town {i}" for i in random.integers(0, 150, n)]})
    won = np.flatnonzero(random.random(n) < 0.3)
    stages = pd.DataFrame(
        {
            "lead_id": [ids[i] for i in won] * 2,
            "lead_stage": ["mql"] * len(won) + ["customer"] * len(won),
            "at": [*(created[won] + pd.Timedelta(days=2)), *(created[won] + pd.Timedelta(days=5))],
        }
    )
    deals = pd.DataFrame(
        {
            "deal_id": [f"D{i}" for i in won], "lead_id": [ids[i] for i in won], "created_at": created[won],
            "closed_at": created[won] + pd.Timedelta(days=5), "amount": 100.0, "currency": "EUR", "status": "won",
        }
    )  # fmt: skip
    tables = {"leads": leads, "lead_stages": stages, "deals": deals}
    data = Dataset.from_tables(tables, extracted_at=created[-1] + pd.Timedelta(days=60), source="test")
    funnel = {"stages": ["lead", "mql", "customer"], "horizons": {"mql": 10, "customer": 20}}
    config = Config.model_validate({"name": "a", "source": {"kind": "simulator"}, "funnel": funnel})
    rules = Rules.from_dict({"fit": [{"attribute": "lead.town", "equals": "Town 1", "points": 5}]})
    prepared = prepare(data, config, config.funnel.build(), rules)
    names = (*prepared.feature_set.names, "points")
    assert [names[i] for i in prepared.levels] == ["lead.town.level.mql", "lead.town.level.customer"]
    labels, everyone = prepared.labels(prepared.extracted_at), np.ones(len(prepared.looks), bool)
    marks = [prepared.examples(target, labels, everyone).levels for target in (0, 1)]
    assert [m[prepared.levels].tolist() for m in marks if m is not None] == [[1, -1], [-1, 1]]
    assert prepared.x(np.arange(len(prepared.looks)))[:, prepared.levels].max() > 40
    amounts = WonDeals.from_landmarks(prepared, prepared.deals, everyone, prepared.extracted_at)
    assert len(amounts)
    assert not amounts.x[:, prepared.levels].any()
