"""Graceful shutdown: at SIGTERM `/readyz` says so first, so that no new requests are sent here; then the server stops.

Requests that run are finished in either time. A second signal hurries nothing; SIGKILL does.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Mapping
from types import FrameType

import uvicorn

from features.common.errors import ConfigError

DRAIN_VARIABLE, STOP_VARIABLE = "RIPELINE_DRAIN", "RIPELINE_STOP"
USUAL_DRAIN, USUAL_STOP = 0.0, 30.0  # seconds of not being ready before; and for what still runs afterwards


def seconds(environment: Mapping[str, str], name: str, default: float, maximum: float = 3600.0) -> float:
    """A time of the environment.

    Raises
    ------
    ConfigError
        if it is no number of seconds.
    """
    text = environment.get(name, "").strip()
    try:
        value = float(text) if text else default
    except ValueError:
        value = -1.0
    if not 0 <= value <= maximum:
        raise ConfigError(f"{name}: {text!r} is no number of seconds.", f"Write one from 0 to {maximum:g}.")
    return value


def running_server() -> uvicorn.Server | None:
    """The server of this process, which has set itself to be told of SIGTERM; None in a test."""
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return server if isinstance(server, uvicorn.Server) else None


class GracefulShutdown:
    """Whether this process is on its way out. One per worker."""

    def __init__(self) -> None:
        self.started = False

    def at_signal(self, wait: float, stop: float, report: Callable[[str], None] = lambda _text: None) -> bool:
        """From now on SIGTERM means `wait` seconds of not being ready, then what it meant before, which is to finish what runs
        within `stop` seconds; whether that could be set.

        To be called on the running loop of the main thread, after the server has set its own.
        """
        previous_handler = signal.getsignal(signal.SIGTERM)
        if threading.current_thread() is not threading.main_thread() or not callable(previous_handler):
            return False
        loop = asyncio.get_running_loop()
        server = running_server()
        if server is not None:  # else it would wait for as long as somebody keeps a connection open
            server.config.timeout_graceful_shutdown = max(1, round(stop))

        def handle_signal(number: int, frame: FrameType | None) -> None:
            if self.started:
                return
            self.started = True
            loop.call_soon_threadsafe(report, f"Going away: not ready from now on, stopping in {wait:g} s.")
            loop.call_soon_threadsafe(loop.call_later, wait, previous_handler, number, frame)

        signal.signal(signal.SIGTERM, handle_signal)
        return True


def shutdown_seconds(environment: Mapping[str, str] = os.environ) -> tuple[float, float]:
    """Seconds of not being ready, and seconds for what still runs afterwards."""
    return (
        seconds(environment, DRAIN_VARIABLE, USUAL_DRAIN),
        seconds(environment, STOP_VARIABLE, USUAL_STOP),
    )
