"""Ids may be pseudonyms: then the store holds none as it came."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from serving.common.settings import ServingSettings
from serving.scoring.request import microseconds
from serving.store.erase import erase
from serving.store.pseudonyms import Ids
from serving.store.store import Store
from tests.serving.store.world import CREATED, World, event

NOW = microseconds(datetime(2026, 7, 1, tzinfo=UTC))


def test_with_a_secret_the_store_holds_no_id_as_it_came(tmp_path: Path) -> None:
    secret = "a-secret-of-more-than-16-characters"
    settings = ServingSettings.read({"RIPELINE_PSEUDONYM_KEY": secret})
    store = Store.from_address(f"sqlite:///{tmp_path}/leads.db", settings)
    store.open()
    world = World(store)
    assert world.put("jane@example.com", {"created_at": CREATED, "company": {"company_id": "acme-corp"}}).status_code == 201
    world.happened({**event(1, "jane@example.com"), "event_id": "jane@example.com/visit/1"})
    world.later(seconds=1)
    world.score_all()
    (row,) = world.get("/v1/leads")["rows"]
    assert re.fullmatch(r"p_[0-9a-f]{32}", row["lead_id"])
    # found by the id as it came, and by the pseudonym of the list
    by_id, by_pseudonym = (world.get(f"/v1/leads/{name}/score") for name in ("jane@example.com", row["lead_id"]))
    assert by_id == by_pseudonym
    assert by_id["result"]["rules"]["points"] > 0
    for file in tmp_path.iterdir():
        for word in (b"jane", b"acme-corp", secret.encode()):
            assert word not in file.read_bytes()
    assert erase(store, "jane@example.com", NOW).deleted["leads"] == 1
    store.close()
    assert Ids(secret)("x") != Ids("another-secret-of-16-characters")("x")
