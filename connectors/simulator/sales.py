"""What sales does and meets: calls, meetings, and people at fairs."""

from __future__ import annotations

import numpy as np

from connectors.simulator.clock import SECOND, waking_time, weekend
from connectors.simulator.days import LeadDays
from connectors.simulator.rows import Rows
from connectors.simulator.seasons import Calendar
from connectors.simulator.world import World

# By lead stage (lead, mql, sql): chance of a call on a day; by lead stage and level: of a meeting.
_CALL = np.array([0.004, 0.050, 0.060])
_ANSWERS = np.array([0.08, 0.15, 0.26, 0.38, 0.52, 0.66])
_MEETING = np.array([[0.0] * 6, [0.001, 0.002, 0.005, 0.012, 0.025, 0.045], [0.002, 0.006, 0.015, 0.032, 0.060, 0.100]])
_AT_FAIR = np.array([0.0006, 0.0012, 0.0024, 0.0040, 0.0060, 0.0085])


def sales(rows: Rows, days: LeadDays, world: World, calendar: Calendar, rng: np.random.Generator) -> None:
    """Calls, meetings and fairs on these days, all in working hours of working days."""
    _calls(rows, days, world, rng)
    meeting = days.take(np.flatnonzero(rng.random(len(days.lead)) < _MEETING[days.stage, days.shown]))
    fair = np.flatnonzero(calendar.fair[days.day])
    met = days.take(fair[rng.random(len(fair)) < _AT_FAIR[days.level[fair]]])
    for kind, found, shortest, longest in (("meeting", meeting, 900, 5_400), ("event_attended", met, 300, 2_400)):
        at = world.clock.within(found.lead, found.day, waking_time(rng, len(found.lead), peaks=(0, 1)))
        seconds = np.round(rng.uniform(shortest, longest, len(at)))
        open_ = ~weekend(at)
        campaign = np.where(kind == "event_attended", calendar.campaign[found.day], -1)
        rows.add(kind, found.lead[open_], at[open_], value=seconds[open_], campaign=campaign[open_])


def _calls(rows: Rows, days: LeadDays, world: World, rng: np.random.Generator) -> None:
    called = days.take(np.flatnonzero(rng.random(len(days.lead)) < _CALL[days.stage]))
    at = world.clock.within(called.lead, called.day, waking_time(rng, len(called.lead), peaks=(0, 1)))
    kept = np.flatnonzero(~weekend(at))
    called, at = called.take(kept), at[kept]
    rows.add("call_made", called.lead, at)
    answered = np.flatnonzero(rng.random(len(at)) < _ANSWERS[called.shown])
    rings = rng.integers(4 * SECOND, 25 * SECOND, len(answered))
    seconds = np.round(150 * np.exp(0.8 * rng.standard_normal(len(answered))))
    rows.add("call_answered", called.lead[answered], at[answered] + rings, value=seconds)
