"""Small hostile worlds for the contracts: accounts of people with interactions, and their way into the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from features.catalogue import DataProfile, catalogue
from features.common.clock import DAY, MINUTE
from features.dataset.funnel import Funnel
from features.engine.evaluate import evaluate
from features.engine.index import HistoryIndex
from features.engine.people import LandmarkArrays, People
from features.engine.plan import Plan
from features.turning_away import TurningAway
from tests.features.oracles import Event, Person, Situation

TYPES = (
    "email_sent", "email_opened", "page_view", "email_clicked", "blog_view", "product_page_view", "pricing_page_view",
    "form_submitted", "whitepaper_download", "product_video", "webinar_registered", "webinar_attended", "case_study_download",
    "newsletter_subscribed", "trial_requested", "demo_requested", "call_made", "call_answered", "meeting", "chat",
    "unsubscribed", "event_attended", "email_bounced",
)  # fmt: skip
OTHERS = (None, "spam_complaint")  # types without features of their own: one that is activity, one that turns away
SEEN = DataProfile(
    TYPES, ("product_video", "page_view", "unsubscribed"), frozenset(("in", "out")), contents=True, accounts=True,
    turning_away=TurningAway.among(TYPES), away_together=True,
)  # fmt: skip
PLAN = Plan(tuple(catalogue(SEEN, Funnel())), TYPES, SEEN.turning_away)
DIRECTIONS = (None, "in", "out")
START = 20 * 365 * DAY


@dataclass(frozen=True)
class Look:
    account: int
    person: int
    as_of: int
    stage: int
    entered: int


@dataclass(frozen=True)
class World:
    accounts: Sequence[Sequence[Person]]
    looks: Sequence[Look]  # sorted by (account, person, as_of)

    def situation(self, look: Look) -> Situation:
        people = self.accounts[look.account]
        colleagues = [p for i, p in enumerate(people) if i != look.person]
        return Situation(people[look.person], colleagues, look.as_of, look.stage, look.entered)


def matrix(world: World, seed: int = 0, threads: int = 1, dtype: type = np.float64) -> np.ndarray:
    """(features, looks) by the engine, the interactions shuffled by `seed`."""
    first = np.cumsum([0, *(len(people) for people in world.accounts)])
    rows = [
        (
            first[a] + p,
            e.at,
            (*TYPES, *OTHERS).index(e.type) * 3 + DIRECTIONS.index(e.direction),
            e.value,
            e.content,
        )
        for a, people in enumerate(world.accounts)
        for p, person in enumerate(people)
        for e in person.events
    ]
    order = np.random.default_rng(seed).permutation(len(rows))
    lead, at, kind, value, content = np.array(rows, object).reshape(-1, 5)[order].T
    leads = int(first[-1])
    history = HistoryIndex.build(
        leads,
        lead.astype(np.int32),
        at.astype(np.int64),
        kind.astype(np.int32),
        value.astype(np.float64),
        content.astype(np.int32),
    )
    account = np.repeat(np.arange(len(world.accounts)), np.diff(first)).astype(np.int32)
    created = np.array([person.created for people in world.accounts for person in people], np.int64)
    looks = LandmarkArrays(
        np.array([first[k.account] + k.person for k in world.looks], np.int32),
        np.array([k.as_of for k in world.looks], np.int64),
        np.array([k.stage for k in world.looks], np.int32),
        np.array([k.entered for k in world.looks], np.int64),
    )
    out = np.empty((len(PLAN.features), len(looks)), dtype)
    return evaluate(PLAN, People(account, created, history), looks, out=out, threads=threads)


def random_world(seed: int, sizes: Sequence[int] = (1, 1, 2, 3, 6), busiest: int = 60) -> World:
    """Equal moments, interactions exactly at as_of and at the edges of windows, 1 µs apart, unknown types, empty histories."""
    random = np.random.default_rng(seed)
    accounts, looks = [], []
    for a, size in enumerate(sizes):
        people = []
        for p in range(size):
            created = START + int(random.integers(0, 200 * DAY))
            as_of = sorted(created + 1 + int(x) for x in random.integers(0, 400 * DAY, random.integers(1, 4)))
            looks += [Look(a, p, moment, int(random.integers(0, 3)), created + (moment - created) // 2) for moment in as_of]
            people.append(Person(created, _events(random, created, as_of, int(random.integers(0, busiest)))))
        accounts.append(people)
    return World(accounts, sorted(looks, key=lambda k: (k.account, k.person, k.as_of)))


def _events(random: np.random.Generator, created: int, as_of: Sequence[int], count: int) -> list[Event]:
    edges = [moment - int(days * DAY) for moment in as_of for days in (0, 1, 7, 14, 30, 60, 90)]
    moments = [created + int(x) for x in random.integers(0, 500 * DAY, count)]
    moments += [int(random.choice(edges)) + int(random.integers(-1, 2)) for _ in range(count // 4)]
    moments += [m + int(random.choice([0, 1, 30 * MINUTE, 30 * MINUTE + 1])) for m in moments[: count // 3]]
    found = []
    for at in moments:
        kind = int(random.integers(0, len(TYPES) + 2))
        found.append(
            Event(
                at,
                (*TYPES, *OTHERS)[kind],
                DIRECTIONS[int(random.integers(0, 3))],
                float(np.round(random.random() * 100, 3)),
                int(random.integers(-1, 5)),
            )
        )
    return found + found[: count // 10]  # some twice, to the last detail


def without_future(world: World) -> World:
    """Every person keeps only what lies before the account's first look."""
    first = {k.account: min(x.as_of for x in world.looks if x.account == k.account) for k in world.looks}
    accounts = [
        [replace(p, events=[e for e in p.events if e.at < first.get(a, 0)]) for p in people]
        for a, people in enumerate(world.accounts)
    ]
    return World(accounts, [k for k in world.looks if k.as_of == first[k.account]])
