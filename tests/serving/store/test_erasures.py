"""Who was erased does not come back, unless that may be forgotten."""

from __future__ import annotations

from features.dataset.dataset import Dataset
from serving.common.settings import ServingSettings
from serving.store.erase import search
from serving.store.load import load
from serving.store.store import Store
from tests.serving.store.world import World, event


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
    store = Store.from_address(store_address, ServingSettings.read({"RIPELINE_ERASED_KEPT": "no"}))
    store.open()
    world = World(store)
    world.put("L-1")
    world.client.delete("/v1/leads/L-1")
    assert world.put("L-1").status_code == 201
    store.close()
