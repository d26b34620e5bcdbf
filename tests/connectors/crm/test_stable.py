"""Columns that are proved to be what they were when their leads were new."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from connectors.crm.stable import PROOF_LEADS, stable_columns

NOW = datetime(2026, 3, 1, tzinfo=UTC)
COLUMNS = ["size", "budget"]


def _look(folder: Path, budgets: dict[str, str], now: datetime, created: datetime = NOW - timedelta(days=1)) -> list[str]:
    with duckdb.connect() as base:
        base.execute("SET TimeZone='UTC'")
        base.execute("CREATE TABLE leads (lead_id VARCHAR, created_at TIMESTAMPTZ, size VARCHAR, budget VARCHAR)")
        base.executemany("INSERT INTO leads VALUES (?, ?, 'XL', ?)", [(lead, created, b) for lead, b in budgets.items()])
        return stable_columns(base, folder, b"salt", COLUMNS, now)


def test_what_new_leads_hold_months_later_too_is_stable(tmp_path: Path) -> None:
    leads = {f"L{n}": "" for n in range(PROOF_LEADS)}
    assert _look(tmp_path, leads, NOW) == []
    later = {lead: "high" if n % 4 == 0 else "" for n, lead in enumerate(leads)}
    assert _look(tmp_path, later, NOW + timedelta(days=30)) == []
    assert _look(tmp_path, leads, NOW + timedelta(days=90)) == ["size"]  # what was something else once has changed


@pytest.mark.parametrize(("leads", "age"), [(PROOF_LEADS - 1, 1), (PROOF_LEADS, 10)])
def test_few_leads_and_those_that_were_no_longer_new_prove_nothing(tmp_path: Path, leads: int, age: int) -> None:
    world, created = {f"L{n}": "" for n in range(leads)}, NOW - timedelta(days=age)
    _look(tmp_path, world, NOW, created)
    assert _look(tmp_path, world, NOW + timedelta(days=90), created) == []


def test_who_is_no_lead_any_more_is_followed_no_longer(tmp_path: Path) -> None:
    world = {f"L{n}": "" for n in range(PROOF_LEADS)}
    _look(tmp_path, world, NOW)
    _look(tmp_path, {"other": ""}, NOW + timedelta(days=1))
    assert _look(tmp_path, world, NOW + timedelta(days=90)) == []
