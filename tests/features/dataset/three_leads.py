"""A clean dataset of three leads, of which one became a customer."""

from __future__ import annotations

from typing import Any

import pandas as pd

from features.dataset.dataset import Dataset
from features.dataset.funnel import Funnel

FUNNEL = Funnel()


END = pd.Timestamp("2026-03-01", tz="UTC")


def day(number: int) -> pd.Timestamp:
    return pd.Timestamp("2026-01-01", tz="UTC") + pd.Timedelta(days=number)


def dataset(**tables: list[dict[str, Any]]) -> Dataset:
    """Leads a, b, c created on days 0, 1, 2; a became a customer. Given tables take the place of these."""
    base: dict[str, list[dict[str, Any]]] = {
        "leads": [{"lead_id": i, "created_at": day(n)} for n, i in enumerate("abc")],
        "lead_stages": [{"lead_id": "a", "lead_stage": "customer", "at": day(9)}],
    }
    return Dataset.from_tables({n: pd.DataFrame(rows) for n, rows in {**base, **tables}.items()}, extracted_at=END)


def act(lead: str, number: int, **more: object) -> dict[str, Any]:
    return {"lead_id": lead, "type": "call", "at": day(number), **more}
