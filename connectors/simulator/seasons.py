"""The calendar of the business: weekdays, seasons, campaigns and slow drift. It is known for any day, also after extraction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from connectors.simulator.clock import stream
from connectors.simulator.kinds import Array

_THEMES = ("launch", "webinar-series", "trade-fair", "switch-offer", "benchmark-report", "roadshow")
_FAIRS = ("trade-fair", "roadshow")
_DRIFT_A_YEAR = -0.15  # leads become a little harder to win


@dataclass(frozen=True)
class Calendar:
    """Per day, each of shape (days,): `touch` multiplies the chance of a touch, `hazard` is added to the log-odds of a step,
    `arrivals` weighs new leads, `campaign` is the index into `campaigns` or -1, `fair` says whether one can meet in person.
    """

    touch: Array
    hazard: Array
    arrivals: Array
    campaign: Array
    fair: Array
    campaigns: tuple[str, ...]


def calendar(first_day: date, days: int, seed: int) -> Calendar:
    """The calendar of `days` days from `first_day`; a longer one begins with the same days."""
    day = np.arange(days)
    day_of_year = (first_day.timetuple().tm_yday + day) % 365.25
    weekend = (first_day.weekday() + day) % 7 >= 5
    step_on_weekend = (first_day.weekday() + day + 1) % 7 >= 5  # the step that ends day n stands at the begin of day n + 1
    holidays = _bump(day_of_year, 222, 18) + _bump(day_of_year, 361, 7) + _bump(day_of_year, -4, 7)
    campaign, strength, quality, names = _campaigns(first_day, days, seed)
    return Calendar(
        touch=np.where(weekend, 0.1, 1.36) * (1 - 0.5 * holidays) * (1 + strength),
        hazard=0.2 * np.cos(2 * np.pi * (day_of_year - 80) / 365.25)
        - 0.7 * holidays
        - 1.6 * step_on_weekend
        + quality
        + _DRIFT_A_YEAR * day / 365.25,
        arrivals=np.where(weekend, 0.3, 1.0) * (1 - 0.6 * holidays) * (1 + strength) * np.exp(0.35 * day / 365.25),
        campaign=campaign,
        fair=np.array([i >= 0 and names[i].startswith(_FAIRS) for i in campaign]),
        campaigns=names,
    )


def _bump(day_of_year: Array, centre: float, width: float) -> Array:
    return np.exp(-0.5 * ((day_of_year - centre) / width) ** 2)


def _campaigns(first_day: date, days: int, seed: int) -> tuple[Array, Array, Array, tuple[str, ...]]:
    """Per day the running campaign, its effects on touches and arrivals and on progress; then the names of all."""
    rng = stream(seed, "campaigns")
    running, strength, quality = np.full(days, -1), np.zeros(days), np.zeros(days)
    names: list[str] = []
    begin = int(rng.integers(5, 40))
    while begin < days:
        length, gap, theme = (int(x) for x in rng.integers([14, 15, 0], [36, 50, len(_THEMES)]))
        loud, progress = rng.uniform([0.3, -0.35], [1.1, 0.45])
        span = slice(begin, begin + length)
        running[span], strength[span], quality[span] = len(names), loud, progress
        year = first_day.year + (first_day.timetuple().tm_yday + begin) // 366
        names.append(f"{_THEMES[theme]}-{year}-{len(names) + 1:02d}")
        begin += length + gap
    return running, strength, quality, tuple(names)
