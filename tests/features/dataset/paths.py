"""Paths of leads from literal days."""

from __future__ import annotations

import pandas as pd

from features.dataset.funnel import Funnel
from features.dataset.landmarks import Path

FUNNEL = Funnel(horizons={"mql": 10, "sql": 20, "customer": 30})


EPOCH = pd.Timestamp("1970-01-01", tz="UTC")


def day(number: float) -> pd.Timestamp:
    return EPOCH + pd.Timedelta(days=number)


def path(stages: dict[str, list[tuple[str, float]]], created: float = 0, funnel: Funnel = FUNNEL) -> Path:
    leads = pd.DataFrame({"lead_id": list(stages), "created_at": [day(created)] * len(stages)})
    rows = [(lead, stage, day(at)) for lead, history in stages.items() for stage, at in history]
    return Path.from_tables(leads, pd.DataFrame(rows, columns=["lead_id", "lead_stage", "at"]), funnel)
