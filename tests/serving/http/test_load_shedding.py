"""Back-pressure: late is said at once and with a time to come again; whoever watches is always answered."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import httpx2 as httpx
import pytest

import serving.api.app
from serving.api.app import create_app
from serving.http.load_shedding import MOST_LAG, MOST_LARGE, BusyError, LoadShedder
from serving.schemas.score import EXAMPLE
from serving.scoring.scorer import Scorer
from tests.tiny import tiny_model


def client_of(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")


@pytest.fixture
def app() -> Any:
    scorer = Scorer(tiny_model())
    return create_app(lambda: scorer)


def test_a_late_loop_turns_questions_away_and_recovers(app: Any) -> None:
    async def story() -> list[tuple[int, str | None]]:
        async with client_of(app) as client:
            found = []
            for late in (False, True, False):
                if late:
                    time.sleep(MOST_LAG + 0.1)
                answers = [await client.post("/v1/score", json=EXAMPLE), await client.get("/livez")]
                found += [(answer.status_code, answer.headers.get("retry-after")) for answer in answers]
                await asyncio.sleep(0.1)
            return found

    assert asyncio.run(story()) == [(200, None), (200, None), (503, "1"), (200, None), (200, None), (200, None)]


def test_an_idle_loop_is_not_late() -> None:
    async def story() -> float:
        pressure = LoadShedder()
        pressure.lag()
        await asyncio.sleep(3 * MOST_LAG)
        return pressure.lag()

    assert asyncio.run(story()) < MOST_LAG


def test_only_so_many_large_ones_at_a_time() -> None:
    pressure = LoadShedder()
    entered = [pressure.large() for _ in range(MOST_LARGE)]
    for one in entered:
        one.__enter__()
    with pytest.raises(BusyError, match="come again"), pressure.large():
        pass
    entered[0].__exit__(None, None, None)
    with pressure.large():
        pass


def test_large_requests_beyond_that_get_503_while_small_ones_are_answered(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    real = serving.api.app._scored

    def slow(scorer: Scorer, body: bytes, now: Any) -> Any:
        if len(body) >= serving.api.app.INLINE_BYTES:
            gate.wait(10)
        return real(scorer, body, now)

    monkeypatch.setattr(serving.api.app, "_scored", slow)
    lead = EXAMPLE["leads"][0]
    large = {**EXAMPLE, "leads": [{**lead, "lead_id": str(n)} for n in range(60)]}

    async def story() -> tuple[list[int], int]:
        async with client_of(app) as client:
            waiting = [asyncio.create_task(client.post("/v1/score", json=large)) for _ in range(MOST_LARGE + 3)]
            await asyncio.sleep(0.3)
            small = (await client.post("/v1/score", json=EXAMPLE)).status_code
            gate.set()
            return sorted([(await one).status_code for one in waiting]), small

    assert asyncio.run(story()) == ([200] * MOST_LARGE + [503] * 3, 200)
