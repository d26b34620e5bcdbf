"""Who writes at the same time shares a transaction: each is answered for itself, when it is on disk, and harms nobody else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import event as sql_event
from sqlalchemy import select

from features.common.errors import RequestError
from serving.store.connect import StoreError
from serving.store.group_commit import GroupCommit, Outcome, Task, Write
from serving.store.store import Store
from serving.store.tables import facts, interactions
from tests.serving.store.world import CREATED, World, event


class Gate:
    """A commit that waits until it is opened, and notes the groups that it was asked for."""

    def __init__(self, commit: Callable[[Sequence[Write]], list[Outcome]]) -> None:
        self.commit, self.groups, self.opened = commit, list[int](), threading.Event()

    def __call__(self, items: Sequence[Write]) -> list[Outcome]:
        self.groups.append(len(items))
        assert self.opened.wait(10)
        return self.commit(items)


def task(answer: object) -> Task:
    return Task(lambda _connection: answer, str(answer), 1)


def outcomes(gate: Gate, items: Sequence[Write]) -> list[Any]:
    """What becomes of the first, which is on its way, and of all others, who come meanwhile."""

    async def story() -> list[Any]:
        writers = GroupCommit(gate, 1)
        waiting: list[Awaitable[Any]] = [writers.write(items[0])]
        while not gate.groups:
            await asyncio.sleep(0.001)
        waiting += [writers.write(item) for item in items[1:]]
        gate.opened.set()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        await asyncio.to_thread(writers.close)
        return answers

    return asyncio.run(story())


def run_all(items: Sequence[Write]) -> list[Outcome]:
    return [item.run(None) for item in items if isinstance(item, Task)]  # type: ignore[arg-type]


def test_who_comes_while_one_is_on_its_way_goes_together() -> None:
    gate = Gate(run_all)
    assert outcomes(gate, [task(number) for number in range(20)]) == list(range(20))
    assert gate.groups == [1, 19]


def test_where_a_group_fails_by_what_is_in_it_each_goes_alone() -> None:
    def commit(items: Sequence[Write]) -> list[Outcome]:
        if any(item.lead_id == "7" for item in items if isinstance(item, Task)):
            raise ValueError("poison")
        return run_all(items)

    answers = outcomes(Gate(commit), [task(number) for number in range(12)])
    assert [answer for answer in answers if isinstance(answer, int)] == [n for n in range(12) if n != 7]
    assert isinstance(answers[7], ValueError)


def test_where_the_database_is_away_all_are_told_so_and_nobody_tries_alone() -> None:
    def commit(_items: Sequence[Write]) -> list[Outcome]:
        raise StoreError("The store cannot be asked: disk full", "")

    gate = Gate(commit)
    answers = outcomes(gate, [task(number) for number in range(30)])
    assert all(isinstance(answer, StoreError) for answer in answers)
    assert gate.groups == [1, 29]


def test_who_waits_too_long_for_one_row_keeps_nobody_else_out() -> None:
    def commit(items: Sequence[Write]) -> list[Outcome]:
        if any(item.lead_id == "3" for item in items if isinstance(item, Task)):
            raise StoreError("The store cannot be asked: canceling statement due to lock timeout", "")
        return run_all(items)

    answers = outcomes(Gate(commit), [task(number) for number in range(5)])
    assert [isinstance(answer, StoreError) for answer in answers] == [False, False, False, True, False]


def test_who_goes_away_undoes_nothing_and_stops_nobody() -> None:
    gate, written = Gate(run_all), []

    async def story() -> list[Any]:
        writers = GroupCommit(gate, 1)
        first = writers.write(Task(lambda _c: written.append("first"), "a", 1))
        gone = asyncio.ensure_future(writers.write(Task(lambda _c: written.append("gone"), "b", 1)))
        stays = writers.write(Task(lambda _c: written.append("stays"), "c", 1))
        gone.cancel()
        gate.opened.set()
        await asyncio.gather(first, stays)
        writers.close()
        return written

    assert asyncio.run(story()) == ["first", "gone", "stays"]


def test_closing_writes_what_waits_and_takes_nothing_more() -> None:
    gate = Gate(run_all)

    async def story() -> tuple[list[Any], Any]:
        writers = GroupCommit(gate, 2)
        waiting = [writers.write(task(number)) for number in range(9)]
        closing = threading.Thread(target=writers.close)
        closing.start()
        gate.opened.set()
        answers = await asyncio.gather(*waiting)
        await asyncio.to_thread(closing.join)
        late = await asyncio.gather(writers.write(task("late")), return_exceptions=True)
        return answers, late[0]

    answers, late = asyncio.run(story())
    assert answers == list(range(9))
    assert isinstance(late, StoreError)


async def _at_once(world: World, requests: Sequence[tuple[str, str, Any, dict[str, str]]]) -> list[httpx.Response]:
    transport = httpx.ASGITransport(world.client.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        return await asyncio.gather(
            *(client.request(method, path, json=body, headers=headers) for method, path, body, headers in requests)
        )


def test_writes_of_all_kinds_at_once_are_each_answered_for_themselves(world: World) -> None:
    """Events new, sent twice, with other content, unreadable; leads new and of another version: in few transactions."""
    world.put("L-0")
    world.happened(event("old"))
    begun: list[object] = []
    sql_event.listen(world.store.engine, "commit", begun.append)
    happened = [[event(n, f"L-{n % 5}")] for n in range(40)]
    happened += [[event("old")], [event("old", type="other")], [event("twice")], [event("twice", content="b")]]
    requests: list[tuple[str, str, Any, dict[str, str]]] = [
        ("POST", "/v1/interactions", {"interactions": events}, {}) for events in happened
    ]
    requests += [("PUT", f"/v1/leads/N-{n}", {"created_at": CREATED}, {}) for n in range(10)]
    requests += [("PUT", "/v1/leads/L-0", {"opted_out": True}, {"if-match": '"v7"'})]
    requests += [("POST", "/v1/interactions", {"interactions": [event("bad", at="soon")]}, {})]
    answers = asyncio.run(_at_once(world, requests))
    told = [answer.json() for answer in answers]
    assert [one["new"] for one in told[:40]] == [1] * 40
    assert sum(one["waiting"] for one in told[:40]) == 32  # of L-1 to L-4, whom nobody knows
    assert (told[40]["known"], told[41]["refused"][0]["detail"][:41]) == (1, "This event_id is known with another type:")
    assert sorted((one["new"], len(one["refused"])) for one in told[42:44]) == [(0, 1), (1, 0)]
    assert [answer.status_code for answer in answers[44:]] == [201] * 10 + [412, 422]
    assert len(begun) < len(requests) / 2
    with world.store.read() as connection:
        assert len(connection.execute(select(interactions.c.event_id)).all()) == 42


def test_a_row_that_the_database_does_not_take_spoils_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault that nobody foresaw: the request with it fails, those beside it do not."""
    monkeypatch.setattr("serving.api.lead_requests.microseconds", lambda moment: 2**70 if moment.year == 2025 else 5)
    bodies = [{"interactions": [event(n, at="2025-06-20T10:00:00Z" if n == 3 else "2026-06-20T10:00:00Z")]} for n in range(8)]
    answers = asyncio.run(_at_once(world, [("POST", "/v1/interactions", body, {}) for body in bodies]))
    assert [answer.status_code for answer in answers] == [200, 200, 200, 500, 200, 200, 200, 200]
    with world.store.read() as connection:
        assert len(connection.execute(select(interactions.c.event_id)).all()) == 7


def test_a_task_that_refuses_leaves_nothing_of_itself(own_sqlite: str) -> None:
    store = Store.from_address(own_sqlite)
    store.open()

    def refuses(connection: Any) -> None:
        connection.execute(facts.insert(), [{"name": "half", "value": "1"}])
        raise RequestError("No.", "")

    async def story() -> list[Any]:
        answers = await asyncio.gather(
            store.live(Task(lambda c: c.execute(facts.insert(), [{"name": "whole", "value": "1"}]) and 5, "a", 1)),
            store.live(Task(refuses, "b", 1)),
            return_exceptions=True,
        )
        return list(answers)

    answers = asyncio.run(story())
    assert answers[0] == 5
    assert isinstance(answers[1], RequestError)
    with store.read() as connection:
        assert {"whole"} == set(connection.execute(select(facts.c.name)).scalars()) - {"live_at", "erased_key"}
    store.close()


def test_a_full_disk_is_the_answer_of_all_who_wait(tmp_path: Path) -> None:
    store = Store.from_address(f"sqlite:///{tmp_path}/leads.db")
    store.open()
    world = World(store)

    @sql_event.listens_for(store.engine, "connect")
    def _limit(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA max_page_count = 60")

    store.engine.dispose()
    events = [[event(f"{n}-{i}", content="x" * 400) for i in range(60)] for n in range(24)]
    answers = asyncio.run(_at_once(world, [("POST", "/v1/interactions", {"interactions": part}, {}) for part in events]))
    refused = [answer for answer in answers if answer.status_code != 200]
    assert refused
    assert {(answer.status_code, answer.headers["retry-after"]) for answer in refused} == {(503, "2")}
    assert world.happened(*(event(f"last-{i}", content="x" * 400) for i in range(300))).status_code == 503
    assert world.client.get("/v1/leads").status_code == 200
    world.refresher.work()  # that nothing is written is no proof
    assert "full" in world.client.get("/readyz").json()["troubles"]["lead store"]
    with store.read() as connection:
        stored = set(connection.execute(select(interactions.c.event_id)).scalars())
    assert stored == {f"e-{n}-{i}" for n, answer in enumerate(answers) if answer.status_code == 200 for i in range(60)}
    store.close()
