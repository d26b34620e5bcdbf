"""Days and moments: every lead has its own clock, whose days begin at the time of day at which it was created."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from connectors.simulator.kinds import Array

SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR

# Mixture of the hours (UTC) at which people in Europe act: mornings, afternoons, evenings.
_PEAKS = np.array([8.6, 13.2, 19.0])
_SPREADS = np.array([1.3, 1.5, 1.2])
_SHARES = np.array([0.45, 0.42, 0.13])


def stream(seed: int, name: str) -> np.random.Generator:
    """The random numbers of one part of the simulation, so that a change in one part leaves the others as they were."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def waking_time(rng: np.random.Generator, size: int, peaks: Sequence[int] = (0, 1, 2)) -> Array:
    """Times of day in µs after midnight UTC, shape (size,), between 05:00 and 22:00."""
    use = np.asarray(peaks)
    shares = _SHARES[use] / _SHARES[use].sum()
    peak = use[np.searchsorted(np.cumsum(shares)[:-1], rng.random(size), side="right")]
    hours = _PEAKS[peak] + _SPREADS[peak] * rng.standard_normal(size)
    time_of_day: Array = (np.clip(hours, 5.0, 21.99) * HOUR).astype(np.int64) + rng.integers(1, 30 * SECOND, size)
    return time_of_day


@dataclass(frozen=True)
class Clock:
    """`start`: µs since 1970 of day 0; `offset`: each lead's time of day in µs, shape (leads,).

    Day n of a lead is [start + n days + offset, start + (n + 1) days + offset); its lead stage changes only where a day begins.
    """

    start: int
    offset: Array

    def moment(self, lead: Array, day: Array) -> Array:
        """The µs since 1970 at which these days of these leads begin."""
        return self.start + day.astype(np.int64) * DAY + self.offset[lead]

    def moment_at(self, lead: Array, day: Array, time_of_day: Array) -> Array:
        """The µs since 1970 at which, in these days of these leads, it is that time of day."""
        moments: Array = self.moment(lead, day) + (time_of_day - self.offset[lead]) % DAY
        return moments

    def day_of(self, lead: Array, moment: Array) -> Array:
        """The day of each lead's own clock into which the moment (µs since 1970) falls."""
        day: Array = (moment - self.start - self.offset[lead]) // DAY
        return day


def weekend(moments: Array) -> Array:
    """Whether the moment (µs since 1970) is on a Saturday or Sunday, UTC."""
    return (moments // DAY + 3) % 7 >= 5


def times(moments: Array) -> pd.Series:
    """µs since 1970 → a column of UTC times."""
    return pd.Series(pd.DatetimeIndex(moments.astype("datetime64[us]"), tz="UTC"))
