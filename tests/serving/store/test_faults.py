"""What goes wrong: the database restarts under load, is not there, its disk is full, many write at once, clocks jump."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event as sql_event
from sqlalchemy import func, select

from serving.store.rescoring import Refresher
from serving.store.scoring import StoredScorer
from serving.store.store import Store
from serving.store.tables import attribute_changes, interactions
from tests import postgres
from tests.serving.store.world import CREATED, World, event


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def stored(store: Store) -> set[str]:
    with store.read() as connection:
        return set(connection.execute(select(interactions.c.event_id)).scalars())


@pytest.mark.skipif(postgres.binaries() is None, reason="no PostgreSQL on this machine")
def test_a_restart_of_the_database_loses_nothing_that_was_acknowledged() -> None:
    """It is killed while four clients write; they send again what was not acknowledged, and everything is there once."""
    with postgres.cluster(safe=True) as cluster:
        store = Store.from_address(cluster.address, {})
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
            time.sleep(1.0)
            before = len(acknowledged)
            cluster.stop()
            time.sleep(0.5)
            cluster.start()
            time.sleep(2.5)
            stop.set()
            for one in running:
                one.result()
        assert refused == {503}
        assert len(acknowledged) > before > 0
        # what was sent and not acknowledged may be there too; sending it again would have made it known
        assert acknowledged <= stored(store)
        assert world.client.get("/readyz").json().get("troubles") is None
        store.close()


@pytest.mark.skipif(postgres.binaries() is None, reason="no PostgreSQL on this machine")
def test_without_its_database_the_server_scores_and_the_store_comes_back_by_itself() -> None:
    with postgres.cluster() as cluster:
        cluster.stop()
        store = Store.from_address(cluster.address, {})
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
    store = Store.from_address(f"sqlite:///{tmp_path}/leads.db", {})
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


def test_many_write_one_lead_and_nothing_is_lost_or_written_over(world: World) -> None:
    """Who has seen an older version is told; who does not care writes after the other."""
    world.put("L-1")
    with ThreadPoolExecutor(8) as pool:
        blind = list(pool.map(lambda i: world.put("L-1", {"attributes": {f"a{i}": i}}).status_code, range(16)))
    assert blind == [200] * 16
    assert world.put("L-1", {}).json()["version"] == 17
    world.later(seconds=1)
    assert world.get("/v1/leads/L-1")["leads"][0]["attributes"] == {f"a{i}": i for i in range(16)}
    with ThreadPoolExecutor(8) as pool:
        seen = [
            answer.status_code
            for answer in pool.map(lambda i: world.put("L-1", {"attributes": {"b": i}}, **{"If-Match": '"v17"'}), range(8))
        ]
    assert sorted(seen) == [200] + [412] * 7
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: world.put("new", None, **{"If-None-Match": "*"}).status_code, range(8)))
    assert sorted(made) == [201] + [412] * 7


def test_the_same_events_from_many_at_once_are_there_once(world: World) -> None:
    world.put("L-1")
    batch = [event(i) for i in range(200)]
    with ThreadPoolExecutor(6) as pool:
        told = [
            answer.json() for answer in pool.map(lambda i: world.happened(*(batch if i % 2 else reversed(batch))), range(6))
        ]
    assert sum(one["new"] for one in told) == 200
    assert sum(one["known"] for one in told) == 1_000


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


def test_several_workers_share_the_queue(world: World) -> None:
    """Each lead is scored, none by two at a time for long; SQLite has one worker."""
    if world.store.engine.dialect.name == "sqlite":
        pytest.skip("one worker on SQLite")
    for number in range(60):
        world.put(f"L-{number}")
    others = [Store(world.store.url) for _ in range(3)]
    for other in others:
        other.open()
    workers = [Refresher(other, lambda: world.scorer, world.refresher._clock) for other in (world.store, *others)]

    def until_done(worker: Refresher) -> int:
        done = 0
        while more := worker.work():
            done += more
        return done

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(until_done, workers))
    assert world.get("/v1/leads")["total"] == 60
    assert world.get("/v1/leads")["waiting"] == 0
    for other in others:
        other.close()


def test_a_lead_that_cannot_be_scored_stops_nobody_else(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(5):
        world.put(f"L-{number}")
    usual = StoredScorer.rows

    def rows(self: StoredScorer, leads: Any, *more: Any) -> Any:
        assert all(lead.lead_id != "L-2" for lead in leads), "trouble"
        return usual(self, leads, *more)

    monkeypatch.setattr(StoredScorer, "rows", rows)
    for _ in range(20):
        world.refresher._run_once()
    assert [row["lead_id"] for row in world.get("/v1/leads", sort="lead_id")["rows"]] == ["L-0", "L-1", "L-3", "L-4"]
    assert "a lead could not be scored (AssertionError: trouble" in capsys.readouterr().err


def test_changes_of_attributes_are_written_once(world: World) -> None:
    world.put("L-1", {"created_at": CREATED, "attributes": {"source": "ads"}})
    for _ in range(3):
        world.put("L-1", {"at": "2026-06-10T00:00:00Z", "attributes": {"source": "webinar"}})
    with world.store.read() as connection:
        rows = connection.execute(select(func.count()).select_from(attribute_changes)).scalar_one()
    assert rows == 2  # what it was from the beginning, and what it became
