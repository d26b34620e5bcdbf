"""A landing of a few people, compiled into a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.crm.compile import compile_dataset
from connectors.crm.landing import Landing
from connectors.crm.mapping import CrmMapping
from connectors.crm.rows import alias_row, history_row
from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset

AT = datetime(2026, 3, 1, tzinfo=UTC)


DAY = timedelta(days=1)


STAGES = {"status": {"M": "mql", "S": "sql", "D": "disqualified"}}


SHAPE = CrmMapping({}, {}, {"call": "call"}, STAGES, exits=frozenset({"disqualified", "lost"}))


def compiled(
    tmp_path: Path, people: Sequence[str], merges: Sequence[tuple[str, str]] = (), stages: Sequence[tuple[str, str, int]] = (),
    gone: Sequence[str] = (),
) -> tuple[Dataset, DataReport]:  # fmt: skip
    """People created on the same day, each with an act of its own; merges one a day; stages so many days after the creation."""
    rows: dict[str, list[dict[str, Any]]] = {
        "people": [{"_id": p, "_created_at": AT, "_gone_at": AT + 90 * DAY if p in gone else None} for p in people],
        "aliases": [alias_row("lead", old, into, AT + n * DAY) for n, (old, into) in enumerate(merges, start=10)],
        "history": [history_row("lead", p, "status", value, AT + days * DAY) for p, value, days in stages],
        "activities": [{"_id": p, "person": p, "type": "call", "at": AT + DAY, "content": f"of {p}"} for p in people],
    }
    for number, row in enumerate(row for table in rows.values() for row in table):
        row["_seq"] = number
    landing = Landing(tmp_path, "hubspot")
    landing.write(rows, {})
    report = compile_dataset(landing, SHAPE, tmp_path / "dataset", AT + 100 * DAY)
    return Dataset.read(tmp_path / "dataset"), report
