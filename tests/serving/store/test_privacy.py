"""A person goes, everywhere in the store, and does not come back; ids may be pseudonyms; what is old is deleted."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from features.common.clock import DAY
from features.common.errors import ConfigError
from features.dataset.dataset import Dataset
from features.dataset.funnel import Funnel
from serving.scoring.request import microseconds
from serving.store.connect import address
from serving.store.erase import erase, search
from serving.store.load import load
from serving.store.pseudonyms import Ids
from serving.store.retention import Retention
from serving.store.store import Store
from serving.store.tables import current_scores, interactions, leads, scores
from tests.serving.store.world import CREATED, World, event

NOW = microseconds(datetime(2026, 7, 1, tzinfo=UTC))


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def test_nothing_of_a_person_is_left(world: World) -> None:
    """Neither in a table nor, in SQLite, in a byte of its files."""
    name = "person-4711-x"
    for lead in (name, "L-2"):
        world.put(lead, {"created_at": CREATED, "attributes": {"source": "ads"}, "company": {"company_id": "C"}})
    world.put(name, {"attributes": {"source": "webinar"}})
    world.happened(*(event(i, name) for i in range(20)), event("other", "L-2"))
    world.score_all()
    world.later(days=1)
    world.happened(event("late", name))
    answer = world.client.delete(f"/v1/leads/{name}")
    assert answer.status_code == 200
    told = answer.json()
    assert told["deleted"]["interactions"] == 21
    assert told["deleted"]["scores"] >= 1
    assert not any(told["left"].values())
    assert world.client.get(f"/v1/leads/{name}/scores").status_code == 404
    assert world.get("/v1/leads")["total"] == 1
    assert world.get("/v1/leads")["waiting"] >= 1  # who is left has one colleague less
    if world.store.engine.dialect.name == "sqlite":
        assert set(told["left"]) >= {"leads.db"}
        for file in Path(str(world.store.url.database)).parent.iterdir():
            assert name.encode() not in file.read_bytes(), file


def test_who_was_erased_does_not_come_back(world: World, dataset: Dataset) -> None:
    world.put("L-1")
    world.client.delete("/v1/leads/L-1")
    told = world.happened(event(1), event(2, "L-2")).json()
    assert (told["erased"], told["new"]) == (1, 1)
    again = world.put("L-1")
    assert again.status_code == 410
    gone = str(dataset.leads["lead_id"].iloc[0])
    world.client.delete(f"/v1/leads/{gone}")
    small = Dataset.from_tables(
        {"leads": dataset.leads.head(3), "interactions": dataset.interactions.head(500)}, extracted_at=dataset.extracted_at
    )
    assert load(world.store, small)["leads"] == 2
    with world.store.read() as connection:
        assert not any(search(connection, gone).values())
        dump = str(list(connection.exec_driver_sql("SELECT * FROM erased")))
    assert gone not in dump  # only a keyed hash remembers


def test_it_may_be_forgotten_that_somebody_was_erased(store_address: str) -> None:
    store = Store.from_address(store_address, {"RIPELINE_ERASED_KEPT": "no"})
    store.open()
    world = World(store)
    world.put("L-1")
    world.client.delete("/v1/leads/L-1")
    assert world.put("L-1").status_code == 201
    store.close()


def test_erasing_twice_or_nobody_is_no_error(world: World) -> None:
    for _ in range(2):
        told = world.client.delete("/v1/leads/nobody").json()
        assert not any(told["deleted"].values())
        assert not any(told["left"].values())


def test_with_a_secret_the_store_holds_no_id_as_it_came(tmp_path: Path) -> None:
    secret = "a-secret-of-more-than-16-characters"
    store = Store.from_address(f"sqlite:///{tmp_path}/leads.db", {"RIPELINE_PSEUDONYM_KEY": secret})
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
    with pytest.raises(ConfigError, match="shorter than 16"):
        Store.from_address(f"sqlite:///{tmp_path}/leads.db", {"RIPELINE_PSEUDONYM_KEY": "short"})
    assert Ids(secret)("x") != Ids("another-secret-of-16-characters")("x")


def test_what_is_old_is_deleted_and_nothing_else(world: World) -> None:
    world.put("open")
    world.put("closed", {"created_at": "2024-01-01T00:00:00Z", "lead_stage": "lost", "at": "2024-02-01T00:00:00Z"})
    world.put("late", {"created_at": "2024-01-01T00:00:00Z", "lead_stage": "lost", "at": "2026-06-01T00:00:00Z"})
    world.happened(event("old", "open", at="2024-01-01T00:00:00Z"), event("new", "open"))
    world.score_all()
    for _ in range(3):
        world.later(days=2)
        world.happened(event(world.now.isoformat(), "open", at=world.now.isoformat()))
        world.score_all()
    assert len(world.get("/v1/leads/open/scores")["scores"]) >= 3
    kept = Retention(interactions=365, closed_leads=365, scores=3)
    gone = kept.apply(world.store.write, Funnel(), microseconds(world.now))
    assert gone["interactions"] == 1
    assert gone["closed_leads"] == 1
    assert gone["scores"] >= 1
    with world.store.read() as connection:
        assert set(connection.execute(select(leads.c.lead_id)).scalars()) == {"open", "late"}
        limit = microseconds(world.now) - 3 * DAY
        assert connection.execute(select(func.min(scores.c.as_of))).scalar_one() >= limit
        assert connection.execute(select(func.count()).select_from(interactions)).scalar_one() == 4
        assert connection.execute(select(func.count()).select_from(current_scores)).scalar_one() == 2


def test_how_long_is_read_from_the_environment() -> None:
    assert Retention.from_environment({}) == Retention()
    assert Retention.from_environment({"RIPELINE_RETENTION_DAYS": "730"}) == Retention(730, 730, 730)
    some = Retention.from_environment({"RIPELINE_RETENTION_DAYS": "interactions=730, scores=90"})
    assert some == Retention(interactions=730, scores=90)
    with pytest.raises(ConfigError, match="did you mean 'scores'"):
        Retention.from_environment({"RIPELINE_RETENTION_DAYS": "score=90"})
    with pytest.raises(ConfigError, match="no number from 1 on"):
        Retention.from_environment({"RIPELINE_RETENTION_DAYS": "0"})


@pytest.mark.parametrize("text", ["mysql://u:secret-word@h/d", "sqlite://", "nonsense", "sqlite:///:memory:"])
def test_an_address_that_is_no_store_is_refused_without_its_password(text: str) -> None:
    with pytest.raises(ConfigError, match=r"sqlite:///artefacts/leads\.db") as error:
        address(text)
    assert "secret-word" not in str(error.value)
