"""A person goes from what a CRM said, in the landing of each, and the next dataset is without it."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.crm.addresses import address_row
from connectors.crm.compile import compile_dataset
from connectors.crm.erase import erase, erase_beside, records_of, remaining_rows
from connectors.crm.landing import Landing
from connectors.crm.write_back import Ledger
from features.dataset.dataset import Dataset
from tests.connectors.crm.compiled import AT
from tests.connectors.crm.crms import Site


def test_nothing_of_a_person_is_left_in_the_landing(here: Site) -> None:
    imported = here.first()
    connector = here.open()
    landing, before = connector.landing, here.dataset
    lead = str(before.interactions["lead_id"].astype(str).value_counts().index[0])
    ledger = Ledger(landing.folder / "sent.sqlite")
    ledger.save([(lead, "digest", {}), ("another", "digest", {})], [], datetime(2026, 7, 1, tzinfo=UTC), "model")
    ledger.close()
    (landing.folder / "failed.csv").write_text(f"lead_id,problem\n{lead},refused\nanother,refused\n", encoding="utf-8")
    records = records_of(landing, lead)
    assert lead in records
    assert remaining_rows(landing, records) > 0
    assert erase(landing, records) > 0
    assert remaining_rows(landing, records) == 0
    gone, remaining = erase_beside(landing.folder, records)
    assert (gone, remaining) == (2, 0)
    base = sqlite3.connect(landing.folder / "sent.sqlite")
    assert base.execute("SELECT id FROM sent").fetchall() == [("another",)]
    base.close()
    source: Any = here.config.source
    stages = source.stages if source.stages is not None else imported.proposed
    compile_dataset(landing, connector.mapping(stages or {}), landing.folder / "again", datetime.now(UTC))
    after = Dataset.read(landing.folder / "again")
    assert set(before.leads["lead_id"]) - set(after.leads["lead_id"]) == {lead}
    assert lead not in set(after.interactions["lead_id"].astype(str))
    assert len(after.deals) >= len(before.deals) - 3


def test_acts_by_address_go_with_their_owner_alone(tmp_path: Path) -> None:
    """A former address too; not what another has had since at an address that was handed on, nor what it had before."""
    day = timedelta(days=1)
    rows: dict[str, list[dict[str, Any]]] = {
        "people": [{"_id": p, "_created_at": AT, "_email_key": k} for p, k in (("a", "new"), ("b", "old"), ("c", "lent"))],
        "addresses": [
            address_row(person, key, AT + number * day)
            for person, key, number in (
                *(("a", "first", 0), ("a", "old", 5), ("a", "lent", 15), ("a", "new", 20)),
                *(("b", "other", 0), ("b", "old", 40), ("c", "lent", 0), ("c", "", 10), ("c", "lent", 30)),
            )
        ],
        "activities": [
            {"_id": f"{key} {number}", "email_key": key, "type": "call", "at": AT + number * day}
            for key, number in (
                *(("first", 1), ("first", 50), ("old", 10), ("old", 30), ("old", 50), ("other", 1), ("new", 50)),
                *(("lent", 1), ("lent", 18), ("lent", 31)),
            )
        ],
    }
    for number, row in enumerate(row for table in rows.values() for row in table):
        row["_seq"] = number
    landing = Landing(tmp_path, "hubspot")
    landing.write(rows, {})
    erase(landing, ["a"])
    left = sorted(str(row["_id"]) for batch in landing.rows("activities") for row in batch.to_pylist())
    assert left == ["lent 1", "lent 31", "old 50", "other 1"]
    assert remaining_rows(landing, ["a"]) == 0
