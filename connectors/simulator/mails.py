"""Mails and what follows: opens, clicks, unsubscribing, and the mail scanners that open and click everything."""

from __future__ import annotations

import numpy as np

from connectors.simulator.clock import DAY, HOUR, SECOND, waking_time
from connectors.simulator.days import LeadDays
from connectors.simulator.kinds import Array
from connectors.simulator.rows import Rows
from connectors.simulator.seasons import Calendar
from connectors.simulator.vocabulary import TOPICS
from connectors.simulator.world import World

_MAIL_OF_TOUCH, _MAIL_WITHOUT = 0.85, 0.03
_FROM_CAMPAIGN = 0.5
# By level: the chances that a mail is opened, that an opened one is clicked, and that an opened one is the last.
_OPENS = np.array([0.10, 0.19, 0.32, 0.46, 0.60, 0.72])
_CLICKS = np.array([0.03, 0.07, 0.15, 0.25, 0.36, 0.46])
_UNSUBSCRIBES = np.array([0.110, 0.050, 0.022, 0.010, 0.005, 0.003])
_FAVOURITE = 0.4  # share of mails on the lead's favourite topic

NO_MOMENT = np.iinfo(np.int64).max


def mails(
    rows: Rows, days: LeadDays, world: World, calendar: Calendar, rng: np.random.Generator, bots: np.random.Generator
) -> Array:
    """Mails on these days → the µs since 1970 at which each lead unsubscribed, LATER if never; shape (leads,)."""
    sent = days.take(np.flatnonzero(rng.random(len(days.lead)) < np.where(days.touched, _MAIL_OF_TOUCH, _MAIL_WITHOUT)))
    count = len(sent.lead)
    sent_at = world.clock.moment_at(sent.lead, sent.day, waking_time(rng, count, peaks=(0, 1)))
    topic = np.where(rng.random(count) < _FAVOURITE, world.topic[sent.lead], rng.integers(0, len(TOPICS), count))
    running = calendar.campaign[sent.day]
    campaign = np.where((running >= 0) & (rng.random(count) < _FROM_CAMPAIGN), running, rows.nurture(topic))
    opened, clicked, ended = rng.random(count) < _OPENS[sent.shown_level], rng.random(count), rng.random(count)
    opened_at = _read_at(rng, sent_at)
    clicked_at = opened_at + rng.integers(4 * SECOND, 180 * SECOND, count)
    ended_at = clicked_at + rng.integers(SECOND, 60 * SECOND, count)
    unsubscribed = np.full(len(world.arrival), NO_MOMENT)
    last_mails = np.flatnonzero(opened & (ended < _UNSUBSCRIBES[sent.level]))
    np.minimum.at(unsubscribed, sent.lead[last_mails], ended_at[last_mails])
    delivered = sent_at < unsubscribed[sent.lead]

    def add(kind: str, selection: Array, moments: Array) -> None:
        rows.add(kind, sent.lead[selection], moments[selection], content=topic[selection], campaign=campaign[selection])

    add("email_sent", delivered, sent_at)
    add("email_opened", delivered & opened, opened_at)
    add("email_clicked", delivered & opened & (clicked < _CLICKS[sent.shown_level]), clicked_at)
    add("unsubscribed", last_mails[ended_at[last_mails] == unsubscribed[sent.lead[last_mails]]], ended_at)
    scanned = np.flatnonzero(delivered & world.scanned[sent.lead])
    _scan(rows, sent.lead[scanned], sent_at[scanned], topic[scanned], campaign[scanned], bots)
    return unsubscribed


def _read_at(rng: np.random.Generator, sent: Array) -> Array:
    """Some hours after it was sent; what would be read at night is read the next morning."""
    opened_at = sent + (np.exp(0.6 + 1.2 * rng.standard_normal(len(sent))) * HOUR).astype(np.int64) + 20 * SECOND
    hour = opened_at % DAY // HOUR
    return opened_at + np.where(hour >= 22, 9 * HOUR, np.where(hour < 5, 7 * HOUR, 0))


def _scan(rows: Rows, lead: Array, sent: Array, topic: Array, campaign: Array, rng: np.random.Generator) -> None:
    """A scanner opens the mail within seconds and clicks every link in it."""
    opened = sent + rng.integers(SECOND, 8 * SECOND, len(sent))
    rows.add("email_opened", lead, opened, content=topic, campaign=campaign, bot=True)
    mail = np.repeat(np.arange(len(sent)), rng.integers(1, 5, len(sent)))
    clicked = opened[mail] + rng.integers(SECOND // 10, 5 * SECOND, len(mail))
    rows.add("email_clicked", lead[mail], clicked, content=topic[mail], campaign=campaign[mail], bot=True)
