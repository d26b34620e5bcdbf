"""Keeping within a vendor's rate limits before it says so: sliding windows of the calls that were granted."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Rate:
    """At most `calls` in any `seconds`."""

    calls: int
    seconds: float


@dataclass
class WindowLimiter:
    """Grants calls so that no window of any of its rates ever holds more than allowed; threads may share it."""

    rates: Sequence[Rate]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    waited: float = 0.0
    _granted: deque[float] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def acquire(self) -> None:
        """Return once a call may be made."""
        with self._lock:
            while (pause := self._pause(self.clock())) > 0:
                self.waited += pause
                self.sleep(pause)
            now = self.clock()
            self._granted.append(now)
            longest = max((rate.seconds for rate in self.rates), default=0.0)
            while self._granted and self._granted[0] <= now - longest:
                self._granted.popleft()

    def _pause(self, now: float) -> float:
        """Seconds until every rate has room."""
        pause = 0.0
        for rate in self.rates:
            if len(self._granted) >= rate.calls:
                pause = max(pause, self._granted[-rate.calls] + rate.seconds - now)
        return pause
