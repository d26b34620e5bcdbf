"""Told to stop: not ready first, then gone, once."""

from __future__ import annotations

import asyncio
import signal

from serving.server.shutdown import GracefulShutdown


def test_going_away_is_not_ready_first_and_stops_once() -> None:
    stopped: list[float] = []
    told: list[str] = []

    async def story() -> GracefulShutdown:
        drain, loop = GracefulShutdown(), asyncio.get_running_loop()
        signal.signal(signal.SIGTERM, lambda *_given: stopped.append(loop.time()))
        begun = loop.time()
        assert drain.at_signal(0.3, 1, told.append)
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert drain.started
        await asyncio.sleep(0.1)
        assert stopped == []
        await asyncio.sleep(0.4)
        assert len(stopped) == 1
        assert stopped[0] - begun >= 0.3
        return drain

    before = signal.getsignal(signal.SIGTERM)
    try:
        asyncio.run(story())
    finally:
        signal.signal(signal.SIGTERM, before)
    assert told == ["Going away: not ready from now on, stopping in 0.3 s."]
