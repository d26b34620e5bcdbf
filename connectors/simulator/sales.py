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
    meeting_days = days.take(np.flatnonzero(rng.random(len(days.lead)) < _MEETING[days.stage, days.shown_level]))
    fair = np.flatnonzero(calendar.fair[days.day])
    fair_days = days.take(fair[rng.random(len(fair)) < _AT_FAIR[days.level[fair]]])
    for kind, occasions, shortest, longest in (
        ("meeting", meeting_days, 900, 5_400),
        ("event_attended", fair_days, 300, 2_400),
    ):
        moments = world.clock.moment_at(occasions.lead, occasions.day, waking_time(rng, len(occasions.lead), peaks=(0, 1)))
        seconds = np.round(rng.uniform(shortest, longest, len(moments)))
        open_ = ~weekend(moments)
        campaign = np.where(kind == "event_attended", calendar.campaign[occasions.day], -1)
        rows.add(kind, occasions.lead[open_], moments[open_], value=seconds[open_], campaign=campaign[open_])


def _calls(rows: Rows, days: LeadDays, world: World, rng: np.random.Generator) -> None:
    call_days = days.take(np.flatnonzero(rng.random(len(days.lead)) < _CALL[days.stage]))
    moments = world.clock.moment_at(call_days.lead, call_days.day, waking_time(rng, len(call_days.lead), peaks=(0, 1)))
    kept_rows = np.flatnonzero(~weekend(moments))
    call_days, moments = call_days.take(kept_rows), moments[kept_rows]
    rows.add("call_made", call_days.lead, moments)
    answered = np.flatnonzero(rng.random(len(moments)) < _ANSWERS[call_days.shown_level])
    rings = rng.integers(4 * SECOND, 25 * SECOND, len(answered))
    seconds = np.round(150 * np.exp(0.8 * rng.standard_normal(len(answered))))
    rows.add("call_answered", call_days.lead[answered], moments[answered] + rings, value=seconds)
