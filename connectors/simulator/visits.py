"""Visits to the website: sessions of pages, videos, downloads and forms, and the webinars registered for there."""

from __future__ import annotations

import numpy as np

from connectors.simulator.clock import DAY, HOUR, SECOND, waking_time, weekend
from connectors.simulator.days import LeadDays, shown_level
from connectors.simulator.interest import LEVELS
from connectors.simulator.kinds import Array
from connectors.simulator.paths import Paths
from connectors.simulator.rows import Rows
from connectors.simulator.seasons import Calendar
from connectors.simulator.vocabulary import PRICING, TOPICS, TYPE
from connectors.simulator.world import World

# Chance of a session on a day, pages of a session and share of the favourite topic, by level.
_SESSION = np.array([0.005, 0.014, 0.040, 0.090, 0.160, 0.250])
_WARM_SESSION = 2.2
_PAGES = np.array([1.2, 1.3, 1.45, 1.6, 1.8, 2.0])
_FAVOURITE = np.array([0.15, 0.20, 0.30, 0.40, 0.50, 0.60])
_FIRST_SESSION = np.array([0.20, 0.35, 0.50, 0.65, 0.80, 0.90])
_WEEKEND = 0.4
_SESSION_OF_CAMPAIGN = 0.3

# What a page is, in per mille, at the lowest and the highest level; in between it is in proportion.
_PAGES_OF: dict[str, tuple[int, int]] = {
    "page_view": (520, 300),
    "blog_view": (330, 90),
    "product_page_view": (80, 270),
    "pricing_page_view": (10, 120),
    "product_video": (12, 65),
    "form_submitted": (8, 30),
    "whitepaper_download": (14, 30),
    "case_study_download": (5, 40),
    "webinar_registered": (8, 22),
    "newsletter_subscribed": (10, 4),
    "chat": (2, 12),
    "trial_requested": (1, 10),
    "demo_requested": (0, 7),
}
# How a lead came into the CRM, in per cent.
_CREATION_TYPES: dict[str, tuple[int, int]] = {
    "form_submitted": (17, 15),
    "newsletter_subscribed": (45, 0),
    "whitepaper_download": (26, 8),
    "webinar_registered": (8, 14),
    "event_attended": (3, 7),
    "chat": (1, 9),
    "trial_requested": (0, 29),
    "demo_requested": (0, 18),
}
_ATTENDS = np.array([0.22, 0.32, 0.42, 0.52, 0.62, 0.72])


def _draw(rng: np.random.Generator, shares: dict[str, tuple[int, int]], level: Array) -> Array:
    """Codes of interaction types for these levels."""
    low, high = np.array(list(shares.values()), dtype=float).T
    part = np.linspace(0, 1, LEVELS)[:, None]
    weights = (1 - part) * low / low.sum() + part * high / high.sum()
    edges = np.cumsum(weights, axis=1)[:, :-1]
    index = (rng.random(len(level))[:, None] >= edges[level]).sum(axis=1)
    codes: Array = np.array([TYPE[name] for name in shares], dtype=np.int8)[index]
    return codes


def _content(rng: np.random.Generator, kind: Array, favourite: Array, level: Array) -> Array:
    """The topic of each page; plain pages and forms have none."""
    topic = np.where(rng.random(len(kind)) < _FAVOURITE[level], favourite, rng.integers(0, len(TOPICS), len(kind)))
    bare = np.isin(kind, [TYPE[name] for name in ("page_view", "form_submitted", "chat", "newsletter_subscribed")])
    return np.where(kind == TYPE["pricing_page_view"], PRICING, np.where(bare, -1, topic))


def _seconds(rng: np.random.Generator, kind: Array, level: Array) -> Array:
    """How long a page or video was looked at, in seconds; NaN for acts that take no time."""
    lasting = [TYPE[name] for name in ("page_view", "blog_view", "product_page_view", "pricing_page_view", "product_video")]
    typical = np.where(kind == TYPE["product_video"], 70.0, 30.0) * (1 + 0.12 * level)
    seconds = np.round(typical * np.exp(0.7 * rng.standard_normal(len(kind))))
    return np.where(np.isin(kind, lasting), np.maximum(seconds, 1.0), np.nan)


def creation_interactions(rows: Rows, world: World, paths: Paths, rng: np.random.Generator) -> None:
    """The act by which each lead came into the CRM, at the moment it was created."""
    lead = np.arange(len(world.arrival))
    state = paths.state[world.arrival, lead]
    kind = _draw(rng, _CREATION_TYPES, shown_level(state))
    moments = world.clock.moment(lead, world.arrival)
    rows.add(kind, lead, moments, content=_content(rng, kind, world.topic, state % LEVELS))
    registered = np.flatnonzero(kind == TYPE["webinar_registered"])
    _attend(rows, world, paths, rng, lead[registered], moments[registered], state[registered] % LEVELS)


def visits(rows: Rows, days: LeadDays, world: World, paths: Paths, calendar: Calendar, rng: np.random.Generator) -> None:
    """Sessions on these days, likelier and longer the higher the level; likeliest on the day on which the lead arrives."""
    chance = _SESSION[days.level] * np.where(days.warm, _WARM_SESSION, 1.0) * world.activity[days.lead]
    on_arrival = days.day == world.arrival[days.lead]
    chance = np.where(on_arrival, _FIRST_SESSION[days.level], np.minimum(chance, 0.9))
    session_rows = np.flatnonzero(rng.random(len(chance)) < chance)
    on_arrival, session_days = on_arrival[session_rows], days.take(session_rows)
    begin = world.clock.moment_at(session_days.lead, session_days.day, waking_time(rng, len(session_days.lead)))
    begin[on_arrival] = world.clock.moment(session_days.lead[on_arrival], session_days.day[on_arrival]) + rng.integers(
        SECOND, 90 * SECOND, int(on_arrival.sum())
    )
    kept_rows = np.flatnonzero(on_arrival | ~weekend(begin) | (rng.random(len(begin)) < _WEEKEND))
    _sessions(rows, session_days.take(kept_rows), begin[kept_rows], world, paths, calendar, rng)


def _sessions(
    rows: Rows, session_days: LeadDays, begin: Array, world: World, paths: Paths, calendar: Calendar, rng: np.random.Generator
) -> None:
    """The pages of the sessions that begin at these moments."""
    campaign = np.where(rng.random(len(begin)) < _SESSION_OF_CAMPAIGN, calendar.campaign[session_days.day], -1)
    session = np.repeat(np.arange(len(begin)), rng.geometric(1 / _PAGES[session_days.level]))
    first_pages = np.flatnonzero(np.diff(session, prepend=-1))
    pause = np.cumsum(rng.exponential(55 * SECOND, len(session)).astype(np.int64) + SECOND)
    moments = begin[session] + pause - pause[first_pages][session]
    lead, level = session_days.lead[session], session_days.level[session]
    kind = _draw(rng, _PAGES_OF, session_days.shown_level[session])
    content = _content(rng, kind, world.topic[lead], level)
    rows.add(kind, lead, moments, value=_seconds(rng, kind, level), content=content, campaign=campaign[session])
    registered = np.flatnonzero(kind == TYPE["webinar_registered"])
    _attend(rows, world, paths, rng, lead[registered], moments[registered], level[registered])


def stray_visits(rows: Rows, days: LeadDays, world: World, rng: np.random.Generator) -> None:
    """One page on each of these days; what is left to see of customers and lost leads."""
    moments = world.clock.moment_at(days.lead, days.day, waking_time(rng, len(days.lead)))
    rows.add("page_view", days.lead, moments)


def _attend(
    rows: Rows, world: World, paths: Paths, rng: np.random.Generator, lead: Array, registered_at: Array, level: Array
) -> None:
    """Those registered who come to the webinar days later, unless they have left by then."""
    day = registered_at - registered_at % DAY + rng.integers(2, 15, len(registered_at)) * DAY
    day += np.where((day // DAY + 3) % 7 >= 5, 2 * DAY, 0)
    begin = day + 13 * HOUR + rng.integers(0, 600 * SECOND, len(registered_at))
    exited = paths.exit_day[lead] <= world.clock.day_of(lead, begin)
    attendees = np.flatnonzero((rng.random(len(registered_at)) < _ATTENDS[level]) & ~exited)
    seconds = np.round(rng.uniform(600, 3_600, len(attendees)))
    rows.add("webinar_attended", lead[attendees], begin[attendees], value=seconds, content=world.topic[lead[attendees]])
