"""A small CRM of literal leads for the tests of the audit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.dataset.dataset import Dataset
from features.dataset.funnel import Funnel
from features.leakage import Audit

FUNNEL = Funnel(("lead", "customer"), ("lost",), {"customer": 30.0})
N = 600
END = pd.Timestamp("2026-01-01", tz="UTC")


def converted(n: int = N) -> np.ndarray:
    return np.random.default_rng(0).random(n) < 0.3


def crm(columns: Mapping[str, object], **tables: pd.DataFrame) -> Dataset:
    """Leads a day apart, L0 … in no order of time; the converted became customers ten days later, the others were lost."""
    y = converted()
    ids = [f"L{i}" for i in np.random.default_rng(1).permutation(N)]
    created = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(np.arange(N), unit="D")
    ends = {"lead_id": ids, "lead_stage": np.where(y, "customer", "lost"), "at": created + pd.Timedelta(days=10)}
    leads = pd.DataFrame({"lead_id": ids, "created_at": created, **columns})
    return Dataset.from_tables({"leads": leads, "lead_stages": pd.DataFrame(ends), **tables}, extracted_at=END, source="test")


def verdicts(found: Audit) -> dict[str, str]:
    return {v.column: v.level for v in found.columns if not v.idle}
