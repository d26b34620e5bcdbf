"""What goes wrong: the database restarts under load, is not there, its disk is full, clocks jump."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event as sql_event
from sqlalchemy import select

from serving.store import rescoring
from serving.store.rescoring import Refresher
from serving.store.store import Store
from serving.store.tables import interactions
from tests import postgres
from tests.serving.processes import wait_until
from tests.serving.store.world import CREATED, World, event


def stored(store: Store) -> set[str]:
    with store.read() as connection:
        return set(connection.execute(select(interactions.c.event_id)).scalars())


@pytest.fixture(scope="module")
def cluster() -> Iterator[postgres.Cluster]:
    """A database that may be stopped; it waits for its disk as in production."""
    if postgres.binaries() is None:
        pytest.skip("no PostgreSQL on this machine")
    with postgres.cluster(safe=True) as found:
        yield found


def test_a_restart_of_the_database_loses_nothing_that_was_acknowledged(cluster: postgres.Cluster) -> None:
    """It is killed while four clients write; they send again what was not acknowledged, and everything is there once."""
    store = Store.from_address(cluster.address)
    store.open()
    world = World(store)
    acknowledged: set[str] = set()
    refused: set[int] = set()
    stop = threading.Event()
    lock = threading.Lock()

    def writes(client: int) -> None:
        number = 0
        while not stop.is_set():
            names = [f"{client}-{number}-{i}" for i in range(20)]
            answer = world.happened(*(event(name) for name in names))
            with lock:
                if answer.status_code == 200:
                    acknowledged.update(f"e-{name}" for name in names)
                    number += 1
                else:
                    assert answer.headers["retry-after"]
                    refused.add(answer.status_code)
                    time.sleep(0.05)

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(writes, client) for client in range(4)]
        assert wait_until(lambda: len(acknowledged) > 200)
        cluster.stop()
        assert wait_until(lambda: refused)
        before = len(acknowledged)
        cluster.start()
        assert wait_until(lambda: len(acknowledged) > before + 200)
        stop.set()
        for one in running:
            one.result()
    assert refused == {503}
    assert len(acknowledged) > before > 0
    # what was sent and not acknowledged may be there too; sending it again would have made it known
    assert acknowledged <= stored(store)
    assert world.client.get("/readyz").json().get("troubles") is None
    store.close()


def test_without_its_database_the_server_scores_and_the_store_comes_back_by_itself(
    cluster: postgres.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rescoring, "OPEN_AGAIN", 0.02)
    cluster.stop()
    store = Store.from_address(cluster.address)
    world = World(store)
    refresher = Refresher(store, lambda: world.scorer, lambda: 1)
    assert refresher._run_once() > 0  # it fails and goes on
    lead = {"lead_id": "a", "lead_stage": "lead", "created_at": CREATED}
    assert world.client.post("/v1/score", json={"leads": [lead]}).status_code == 200
    for method, path in (
        ("GET", "/v1/leads"),
        ("GET", "/v1/leads/a/score"),
        ("PUT", "/v1/leads/a"),
        ("DELETE", "/v1/leads/a"),
    ):
        answer = world.client.request(method, path, json={"created_at": CREATED} if method == "PUT" else None)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert "a-secret-password" not in answer.text
    assert world.happened(event(1)).status_code == 503
    ready = world.client.get("/readyz")
    assert ready.status_code == 200
    assert "cannot be asked" in ready.json()["troubles"]["lead store"]
    assert "a-secret-password" not in ready.text
    cluster.start()
    time.sleep(1.1)  # a second long nobody asks again
    refresher._run_once()
    assert world.put("a").status_code == 201
    assert world.client.get("/readyz").json().get("troubles") is None
    store.close()


def test_a_full_disk_refuses_what_it_cannot_keep_and_keeps_the_rest(tmp_path: Path) -> None:
    """SQLite may have so many pages and no more."""
    store = Store.from_address(f"sqlite:///{tmp_path}/leads.db")
    store.open()
    world = World(store)
    world.put("L-1")

    @sql_event.listens_for(store.engine, "connect")
    def _limit(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA max_page_count = 90")

    store.engine.dispose()
    acknowledged: set[str] = set()
    answer = None
    for batch in range(200):
        names = [f"{batch}-{i}" for i in range(50)]
        answer = world.happened(*(event(name, content="x" * 100) for name in names))
        if answer.status_code != 200:
            break
        acknowledged |= {f"e-{name}" for name in names}
    assert answer is not None
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert "full" in answer.json()["detail"]
    assert acknowledged == stored(store)
    assert world.client.get("/v1/leads/L-1/score").status_code == 200  # reading goes on
    assert world.client.get("/readyz").status_code == 200
    store.close()


def test_a_clock_that_jumps_loses_nothing(world: World) -> None:
    """Back by an hour: what came before is there, counts once the clock has passed it, and the list is made anew."""
    world.put("L-1")
    world.happened(event(1, at=(world.now - timedelta(minutes=5)).isoformat()))
    world.score_all()
    (before,) = world.get("/v1/leads")["rows"]
    world.later(hours=-1)
    told = world.happened(event(2, at=(world.now + timedelta(minutes=30)).isoformat())).json()
    assert told["new"] == 1
    assert world.put("L-1", {"attributes": {"source": "ads"}}).status_code == 200
    assert world.get("/v1/leads/L-1/score")["result"]["rules"]["points"] == 0  # nothing of it has happened yet
    world.score_all()
    (back,) = world.get("/v1/leads")["rows"]
    assert back["as_of"] == world.now.isoformat() < before["as_of"]
    world.get("/v1/leads/L-1/scores")
    world.later(hours=2)
    assert world.get("/v1/leads/L-1/score")["result"]["rules"]["points"] == 2 * before["points"]
    world.later(days=-300)  # before the lead was created
    assert world.client.get("/v1/leads/L-1/score").status_code == 404
    world.score_all()
    world.later(days=300)
    world.score_all()
    assert world.get("/v1/leads")["total"] == 1
