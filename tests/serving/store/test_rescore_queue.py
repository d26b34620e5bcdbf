"""Several workers share what is to be scored again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from serving.store.rescoring import Refresher
from serving.store.store import Store
from tests.serving.store.world import World


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
