"""A person goes from what a CRM said, in the landing of each, and the next dataset is without it."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import Any

from connectors.crm.compile import compile_dataset
from connectors.crm.erase import erase, erase_beside, records_of, remaining_rows
from connectors.crm.write_back import Ledger
from features.dataset.dataset import Dataset
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
