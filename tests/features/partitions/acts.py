"""Interactions of three leads as tables, row groups and rows."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

NOON = 1_700_000_000_000_000  # µs


def table(**columns: Any) -> pa.Table:
    """Interactions of three leads, with these columns instead of the usual ones."""
    usual = {
        "lead_id": ["a", "b", "a", "c"],
        "type": ["visit", "form", "visit", "mail"],
        "at": pa.array([NOON + i for i in range(4)], pa.timestamp("us", "UTC")),
        "value": [1.5, None, 2.0, None],
        "content": ["home", None, "price", "home"],
        "campaign": pa.nulls(4, pa.string()),
        "direction": ["in", "in", None, "out"],
    }
    return pa.table({**usual, **columns})
