"""One group of whole accounts, cut out of the history, and what every feature of it starts from: positions and counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.batch import Looks, People
from features.clock import DAY, MINUTE, Moments
from features.index import OUTBOUND
from features.plan import Plan

VISIT_GAP = 30 * MINUTE

Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]


@dataclass
class Group:
    """Some accounts with their part of the history and of the looks, leads renumbered from 0."""

    start: Ints  # (leads + 1,) into the group's interactions
    at: Moments
    kind: npt.NDArray[np.int32]
    value: Ints
    content: npt.NDArray[np.int32]
    owner: Rows  # (interactions,) lead of each
    account: Ints  # (leads,)
    created: Moments
    lead: Rows  # (looks,)
    as_of: Moments
    stage: npt.NDArray[np.int32]
    entered: Moments

    @classmethod
    def cut(cls, people: People, looks: Looks, leads: slice, rows: slice) -> Group:
        history = people.history
        start = history.start[leads.start : leads.stop + 1]
        events = slice(int(start[0]), int(start[-1]))
        start = start - start[0]
        account = people.account[leads]
        return cls(
            start=start,
            at=history.at[events],
            kind=history.kind[events],
            value=history.value[events],
            content=history.content[events],
            owner=np.repeat(np.arange(len(account)), np.diff(start)),
            account=account.astype(np.int64) - int(account[0]),
            created=people.created[leads],
            lead=(looks.lead[rows] - leads.start).astype(np.intp),
            as_of=looks.as_of[rows],
            stage=looks.stage[rows],
            entered=looks.entered[rows],
        )

    @property
    def inbound(self) -> Rows:
        """Interactions that are not outbound."""
        return np.flatnonzero(self.kind % 3 != OUTBOUND)


MOST_KEY = 2**62  # (owner, moment) is searched as one 64-bit number


@dataclass
class Searcher:
    """Positions in interactions sorted by (owner, at): one 64-bit key for both.

    Where owners × span does not fit, as with tens of thousands of people behind one company id, `moments` holds the distinct
    moments and the key has their rank instead: slower, and as exact.
    """

    key: Ints
    origin: int
    span: int
    moments: Moments | None = None

    @classmethod
    def of(cls, owner: npt.NDArray[np.integer], at: Moments, latest: int) -> Searcher:
        if not len(at):
            return cls(np.zeros(0, np.int64), 0, 1)
        origin = int(at.min())
        span = max(int(at.max()), latest) - origin + 2
        if (int(owner.max()) + 2) * span < MOST_KEY:
            return cls(owner * np.int64(span) + (at - origin), origin, span)
        moments, rank = np.unique(at, return_inverse=True)
        span = len(moments) + 1
        return cls(owner * np.int64(span) + rank, 0, span, moments)

    def before(self, owner: npt.NDArray[np.integer], moment: Moments) -> Rows:
        """How many rows of the sorted interactions lie before `moment` of `owner`, all earlier owners' included.

        The two broadcast; (windows, looks) against (looks,) gives (windows, looks).
        """
        if self.moments is None:
            # not np.clip, which costs 4 µs more a call
            offset = np.minimum(np.maximum(moment - self.origin, 0), self.span - 1)
        else:
            offset = np.searchsorted(self.moments, moment)
        return np.searchsorted(self.key, owner * np.int64(self.span) + offset)


@dataclass
class Walk:
    """The passes that all features share, made once per group.

    `prefix` (channels, interactions + 1) counts a channel's interactions from the left; `position` (looks,) is where as_of lies
    among the interactions and `begin` (windows, looks) where each window begins; `counts` (pairs, looks) are the window counts.
    `entry` lists the interactions of each channel, one channel after the other from `offset` (channels + 1,) on.
    """

    group: Group
    search: Searcher
    start: Ints
    position: Rows
    begin: Rows
    prefix: Counts
    counts: Counts
    entry: Rows
    offset: Ints

    @classmethod
    def over(cls, plan: Plan, group: Group) -> Walk:
        search = Searcher.of(group.owner, group.at, int(group.as_of.max()))
        position = search.before(group.lead, group.as_of)
        begin = search.before(group.lead, group.as_of - plan.own_spans[:, None])
        member = _membership(plan, group)
        prefix = prefix_counts(member)
        offset = np.zeros(len(member) + 1, np.int64)
        np.cumsum(prefix[:, -1], out=offset[1:])
        counts = window_counts(prefix, position, begin, plan.own_pairs)
        return cls(group, search, group.start[group.lead], position, begin, prefix, counts, np.nonzero(member)[1], offset)


def _membership(plan: Plan, group: Group) -> Flags:
    """(channels, interactions): does the interaction belong to the channel?"""
    member = plan.own_lookup.take(group.kind, axis=1)
    for channel, mark in plan.marks:
        member[channel] = _opens_visit(group) if mark == "visit" else _opens_day(group)
    return member


def _opens_day(group: Group) -> Flags:
    """The first interaction of each UTC day of a lead."""
    day = group.at // DAY
    opens = np.ones(len(day), bool)
    opens[1:] = (day[1:] != day[:-1]) | (group.owner[1:] != group.owner[:-1])
    return opens


def _opens_visit(group: Group) -> Flags:
    """Interactions of the lead's own doing that come more than 30 minutes after its last such one."""
    opens = np.zeros(len(group.at), bool)
    inbound = group.inbound
    if len(inbound):
        at, owner = group.at[inbound], group.owner[inbound]
        first = np.ones(len(inbound), bool)
        first[1:] = (at[1:] - at[:-1] > VISIT_GAP) | (owner[1:] != owner[:-1])
        opens[inbound] = first
    return opens


def prefix_counts(member: Flags) -> Counts:
    """(channels, n) → (channels, n + 1): how many belong to the channel before each place."""
    prefix = np.zeros((member.shape[0], member.shape[1] + 1), np.int32)
    np.cumsum(member, axis=1, out=prefix[:, 1:])
    return prefix


def window_counts(prefix: Counts, position: Rows, begin: Rows, pairs: tuple[Rows, Rows]) -> Counts:
    """(pairs, looks): interactions of the pair's channel between the begin of the pair's window and as_of."""
    channels, windows = pairs
    now = prefix.take(position, axis=1)
    then = prefix.take(begin.ravel(), axis=1).reshape(len(prefix), *begin.shape)
    return now[channels] - then[channels, windows]
