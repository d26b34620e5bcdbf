"""Prepare: what the audit blocks is left out, unless the configuration insists."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.audit import Audit, Verdict
from features.catalogue import Seen
from features.dataset import Dataset
from features.errors import ConfigError, DataError
from models.rules import Rules
from training.config import Config
from training.prepare import left_out, prepare

AUDIT = Audit((Verdict("lead.tags", "block", ("why",)), Verdict("company.size", "ok", ())), ())
SEEN = Seen(("page_view",), (), frozenset(), contents=False, accounts=False)


def config(*insist: str) -> Config:
    return Config.model_validate({"name": "a", "source": {"kind": "simulator"}, "audit": {"insist": list(insist)}})


def test_blocked_columns_are_left_out_unless_insisted_on() -> None:
    assert left_out(AUDIT, config(), SEEN) == ["lead.tags"]
    assert left_out(AUDIT, config("tags"), SEEN) == left_out(AUDIT, config("lead.tags"), SEEN) == []


def test_an_unknown_column_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="'tag': did you mean 'tags'"):
        left_out(AUDIT, config("tag"), SEEN)


def test_an_audit_that_blocks_everything_is_said() -> None:
    only = Audit(AUDIT.columns[:1], ())
    nothing = Seen((), (), frozenset(), contents=False, accounts=False)
    with pytest.raises(DataError, match="leaves out all 1 columns"):
        left_out(only, config(), nothing)
    assert left_out(only, config(), SEEN) == ["lead.tags"], "interactions are enough to learn from"


def test_a_leak_never_reaches_the_model() -> None:
    """A column that is the outcome: no feature of it is made, and the notes say why."""
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
    prepared = prepare(data, wanted, wanted.funnel.build(), Rules.read().within(wanted.funnel.stages))
    assert not any("verdict" in name for name in prepared.feature_set.names)
    assert any("left out: lead.verdict" in note for note in prepared.notes)
