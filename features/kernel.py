"""The kernel: every feature of one group of whole accounts, in a fixed number of NumPy passes.

Counts are differences of prefix sums over the sorted interactions, at positions found by one binary search per boundary.
"Last" and "first" read the list of a channel's interactions at the same counts. Decayed sums add each interaction once, to
the next landmark of its lead, and carry over from landmark to landmark; unlike a difference of prefix sums of growing
exponentials, no digits are lost however long the history is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.batch import Looks, People
from features.clock import DAY, MINUTE, Moments
from features.index import OUTBOUND
from features.plan import VISIT, Plan, window
from features.spec import (
    Age,
    ColleaguesActive,
    ColleaguesCount,
    ColleaguesSilence,
    CreatedOn,
    Feature,
    Gap,
    GroupSize,
    InStage,
    Silence,
    Topics,
    Total,
)

VISIT_GAP = 30 * MINUTE
LARGEST_GROUP = 50  # more people than this behind one company id are no buying group

Matrix = npt.NDArray[np.floating]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]


@dataclass
class Group:
    """One group of accounts: its part of the history and of the looks, leads renumbered from 0."""

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


@dataclass
class Searcher:
    """Positions in interactions sorted by (owner, at): one 64-bit key for both."""

    key: Ints
    origin: int
    span: int

    @classmethod
    def of(cls, owner: npt.NDArray[np.integer], at: Moments, latest: int) -> Searcher:
        if not len(at):
            return cls(np.zeros(0, np.int64), 0, 1)
        origin = int(at.min())
        span = max(int(at.max()), latest) - origin + 2
        return cls(owner * np.int64(span) + (at - origin), origin, span)

    def before(self, owner: npt.NDArray[np.integer], moment: Moments) -> Rows:
        """How many rows of the sorted interactions lie before `moment` of `owner` (all earlier owners' included)."""
        offset = np.clip(moment - self.origin, 0, self.span - 1)
        return np.searchsorted(self.key, owner * np.int64(self.span) + offset)


def compute(plan: Plan, people: People, looks: Looks, leads: slice, rows: slice, out: Matrix) -> None:
    """Fill `out[:, rows]`, shape (features, looks), for the accounts `leads`."""
    group = Group.cut(people, looks, leads, rows)
    target = out[:, rows]
    search = Searcher.of(group.owner, group.at, int(group.as_of.max()))
    start = group.start[group.lead]
    position = search.before(group.lead, group.as_of)
    member = _membership(plan, group)
    prefix = _prefix(member)
    counts = _window_counts(prefix, search, group.lead, group.as_of, plan.own_spans, plan.own_pairs)

    columns, bank = plan.counts
    target[columns] = counts[bank]
    columns, part, of = plan.shares
    with np.errstate(divide="ignore", invalid="ignore"):
        share = counts[part] / counts[of]
    target[columns] = np.where(counts[of] > 0, share, np.nan)
    columns, recent, both = plan.trends
    target[columns] = np.log2((1.0 + counts[recent]) / (1.0 + counts[both] - counts[recent]))
    for column, kinds in plan.varieties:
        target[column] = np.count_nonzero(counts[kinds], axis=0)

    entries = _Entries.of(member, prefix)
    _recencies(plan, group, prefix, entries, start, position, target)
    _decays(plan, group, prefix, entries, start, position, target)
    if ColleaguesCount in plan.needs:
        _colleague_counts(plan, group, counts, target)
    _singles(plan, group, search, prefix, entries, start, position, target)


@dataclass
class _Entries:
    """The interactions of each channel, one channel after the other: `row` into the group's interactions, `offset` per channel."""

    row: Rows
    offset: Ints

    @classmethod
    def of(cls, member: npt.NDArray[np.bool_], prefix: npt.NDArray[np.int32]) -> _Entries:
        offset = np.zeros(len(member) + 1, np.int64)
        np.cumsum(prefix[:, -1], out=offset[1:])
        return cls(np.nonzero(member)[1], offset)


def _membership(plan: Plan, group: Group) -> npt.NDArray[np.bool_]:
    """(channels, interactions): does the interaction belong to the channel?"""
    member = plan.own_lookup.take(group.kind, axis=1)
    for channel, mark in plan.marks:
        if mark == "visit":
            member[channel] = _opens_visit(group)
        else:
            day = group.at // DAY
            member[channel] = _changes(group.owner, day)
    return member


def _changes(owner: Rows, what: Ints) -> npt.NDArray[np.bool_]:
    opens = np.ones(len(owner), bool)
    np.not_equal(what[1:], what[:-1], out=opens[1:])
    opens[1:] |= owner[1:] != owner[:-1]
    return opens


def _opens_visit(group: Group) -> npt.NDArray[np.bool_]:
    """Inbound or undirected interactions that come more than 30 minutes after the lead's last such one."""
    opens = np.zeros(len(group.at), bool)
    inbound = np.flatnonzero(group.kind % 3 != OUTBOUND)
    if len(inbound):
        at, owner = group.at[inbound], group.owner[inbound]
        first = np.ones(len(inbound), bool)
        first[1:] = (at[1:] - at[:-1] > VISIT_GAP) | (owner[1:] != owner[:-1])
        opens[inbound] = first
    return opens


def _prefix(member: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    prefix = np.zeros((member.shape[0], member.shape[1] + 1), np.int32)
    np.cumsum(member, axis=1, out=prefix[:, 1:])
    return prefix


def _window_counts(
    prefix: npt.NDArray[np.int32], search: Searcher, owner: Rows, as_of: Moments, spans: Ints, pairs: tuple[Rows, Rows]
) -> npt.NDArray[np.int32]:
    """(pairs, looks): interactions of the pair's channel in [as_of - span, as_of)."""
    channels, windows = pairs
    now = prefix.take(search.before(owner, as_of), axis=1)
    begin = search.before(np.tile(owner, len(spans)), (as_of - spans[:, None]).ravel())
    then = prefix.take(begin, axis=1).reshape(len(prefix), len(spans), len(as_of))
    return now[channels] - then[channels, windows]


def _recencies(
    plan: Plan, group: Group, prefix: npt.NDArray[np.int32], entries: _Entries, start: Ints, position: Rows, target: Matrix
) -> None:
    columns, channels, first = plan.recencies
    if not len(columns) or not len(entries.row):
        target[columns] = np.nan
        return
    since = prefix[channels[:, None], start]
    until = prefix[channels[:, None], position]
    entry = entries.offset[channels, None] + np.where(first[:, None], since, until - 1)
    at = group.at[entries.row[np.clip(entry, 0, len(entries.row) - 1)]]
    target[columns] = np.where(until > since, (group.as_of - at) / DAY, np.nan)


def _decays(
    plan: Plan, group: Group, prefix: npt.NDArray[np.int32], entries: _Entries, start: Ints, position: Rows, target: Matrix
) -> None:
    """Each interaction is added to the next look of its lead; a look then inherits the faded sum of the look before."""
    if not plan.decays:
        return
    looks, channels = len(position), plan.decayed_channels
    follows = np.zeros(looks, bool)
    follows[1:] = group.lead[1:] == group.lead[:-1]
    begin = np.where(follows, np.concatenate(([0], position[:-1])), start)
    rows = entries.row[: entries.offset[channels]]
    lows = (entries.offset[:channels, None] + prefix[:channels].take(begin, axis=1)).ravel()
    highs = (entries.offset[:channels, None] + prefix[:channels].take(position, axis=1)).ravel()
    bounds = np.column_stack((lows, highs)).ravel()
    # the moment each interaction fades towards: its lead's next look; after the last look it is endless and the weight 0
    edges = np.column_stack((begin, position)).ravel()
    moment = np.column_stack((group.as_of.astype(np.float64), np.full(looks, np.inf))).ravel()
    lengths = np.diff(np.concatenate((edges, [len(group.at)])))
    head = np.full(int(edges[0]), np.inf)
    due = np.concatenate((head, np.repeat(moment, lengths)))
    age = (due - group.at) / DAY
    ranks = _ranks(follows)
    for life, columns, wanted in plan.decays:
        weight = np.append(np.exp2(-age / life)[rows], 0.0)
        sums = np.add.reduceat(weight, np.minimum(bounds, len(rows)))[::2]
        sums[lows == highs] = 0.0
        faded = sums.reshape(channels, looks)
        fade = np.zeros(looks)
        fade[1:] = np.exp2(-(group.as_of[1:] - group.as_of[:-1]) / DAY / life)
        for at_rank in ranks:
            faded[:, at_rank] += faded[:, at_rank - 1] * fade[at_rank]
        target[columns] = faded[wanted]


def _ranks(follows: npt.NDArray[np.bool_]) -> list[Rows]:
    """Looks by their place among the looks of their lead: all second ones, all third ones, …"""
    if not follows.any():
        return []
    index = np.arange(len(follows))
    rank = index - np.maximum.accumulate(np.where(follows, 0, index))
    order = np.argsort(rank, kind="stable")
    ends = np.cumsum(np.bincount(rank))
    return [order[a:b] for a, b in zip(ends[:-1], ends[1:], strict=True)]


def _colleague_counts(plan: Plan, group: Group, own: npt.NDArray[np.int32], target: Matrix) -> None:
    columns, bank, own_bank = plan.colleagues
    target[columns] = 0.0
    size = np.bincount(group.account)
    with_colleagues = np.flatnonzero(size[group.account[group.lead]] > 1)
    if not len(with_colleagues):
        return
    account = group.account[group.owner]
    events = np.flatnonzero(size[account] > 1)
    if not len(events):
        return
    latest = int(group.as_of.max())
    sorter = Searcher.of(account[events], group.at[events], latest)
    order = np.argsort(sorter.key)
    sorter.key = sorter.key[order]
    member = plan.shared_lookup.take(group.kind[events[order]], axis=1)
    who = group.account[group.lead[with_colleagues]]
    counts = _window_counts(_prefix(member), sorter, who, group.as_of[with_colleagues], plan.shared_spans, plan.shared_pairs)
    target[columns[:, None], with_colleagues] = counts[bank] - own[own_bank[:, None], with_colleagues]


def _singles(
    plan: Plan,
    group: Group,
    search: Searcher,
    prefix: npt.NDArray[np.int32],
    entries: _Entries,
    start: Ints,
    position: Rows,
    target: Matrix,
) -> None:
    visits = _Visits.of(plan, group, prefix, entries, start, position) if plan.needs & {Gap, Silence} else None
    topics = _topics(group, start, position) if Topics in plan.needs else None
    company = _company(group, search) if plan.needs & {ColleaguesActive, ColleaguesSilence, GroupSize} else None
    for column, feature in plan.singles:
        if isinstance(feature, Gap | Silence) and visits:
            target[column] = visits.value(feature)
        elif isinstance(feature, Topics) and topics:
            target[column] = topics[feature.deepest]
        elif isinstance(feature, ColleaguesActive | ColleaguesSilence | GroupSize) and company:
            target[column] = company.value(feature)
        elif isinstance(feature, Total):
            target[column] = _total(plan, group, search, feature, position)
        else:
            target[column] = _timing(group, feature)


def _timing(group: Group, feature: Feature) -> npt.NDArray[np.generic]:
    if isinstance(feature, Age):
        since = group.entered if feature.in_stage else group.created[group.lead]
        return (group.as_of - since) / DAY
    if isinstance(feature, InStage):
        return group.stage == group.stage.dtype.type(feature.position)
    assert isinstance(feature, CreatedOn)  # noqa: S101  the last kind there is
    days = group.created[group.lead] // DAY
    if feature.field == "weekday":
        return (days + 3) % 7  # 1970-01-01 was a Thursday
    return (group.created[group.lead] - days * DAY) // (60 * MINUTE)


def _total(plan: Plan, group: Group, search: Searcher, feature: Total, position: Rows) -> Floats:
    member = plan.own_lookup[plan.own.channel(feature.what)][group.kind]
    sums = np.zeros(len(member) + 1, np.int64)
    np.cumsum(np.where(member, group.value, 0), out=sums[1:])
    begin = search.before(group.lead, group.as_of - window(feature.days))
    return (sums[position] - sums[begin]) / 1000.0


@dataclass
class _Visits:
    """Number of gaps between visits, their mean in minutes, the sum of their squares, and minutes since the last visit."""

    gaps: Ints
    mean: Floats
    squares: Floats
    since: Floats

    @classmethod
    def of(
        cls, plan: Plan, group: Group, prefix: npt.NDArray[np.int32], entries: _Entries, start: Ints, position: Rows
    ) -> _Visits:
        channel = plan.own.channel(VISIT)
        rows = entries.row[entries.offset[channel] : entries.offset[channel + 1]]
        begin, end = prefix[channel, start].astype(np.int64), prefix[channel, position].astype(np.int64)
        gaps = end - begin - 1
        if not len(rows):
            nothing = np.full(len(start), np.nan)
            return cls(gaps, nothing, nothing, nothing)
        minute = group.at[rows] // MINUTE
        gap = np.zeros(len(rows) + 1, np.int64)
        same = group.owner[rows[1:]] == group.owner[rows[:-1]]
        gap[2:] = np.where(same, minute[1:] - minute[:-1], 0)
        squares = np.cumsum(gap * gap)
        last = np.clip(end - 1, 0, len(rows) - 1)
        first = np.clip(begin, 0, len(rows) - 1)
        mean = (minute[last] - minute[first]) / np.maximum(gaps, 1)
        return cls(
            gaps,
            np.where(gaps >= 1, mean, np.nan),
            (squares[end] - squares[begin]).astype(np.float64),
            np.where(gaps >= 0, (group.as_of - group.at[rows[last]]) / MINUTE, np.nan),
        )

    def value(self, feature: Gap | Silence) -> Floats:
        per_day = DAY // MINUTE
        if isinstance(feature, Silence):
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.where(self.mean >= 1, self.since / self.mean, np.nan)
        if not feature.spread:
            return self.mean / per_day
        variance = self.squares / np.maximum(self.gaps, 1) - self.mean**2
        return np.where(self.gaps >= 2, np.sqrt(np.maximum(variance, 0)), np.nan) / per_day


def _topics(group: Group, start: Ints, position: Rows) -> tuple[Ints, Ints]:
    """(different contents touched, interactions with the most touched one) before as_of; outbound ones do not count."""
    count = len(group.at)
    rows = np.flatnonzero((group.content >= 0) & (group.kind % 3 != OUTBOUND))
    fresh, depth = np.zeros(count + 1, np.int64), np.zeros(count, np.int64)
    if len(rows):
        owner, content = group.owner[rows], group.content[rows]
        key = owner * (np.int64(content.max()) + 1) + content
        order = np.argsort(key, kind="stable")
        ordered = key[order]
        index = np.arange(len(order))
        opens = np.ones(len(order), bool)
        opens[1:] = ordered[1:] != ordered[:-1]
        rank = index - np.maximum.accumulate(np.where(opens, index, 0)) + 1
        fresh[rows[order] + 1] = opens
        depth[rows[order]] = rank
    np.cumsum(fresh, out=fresh)
    lift = group.owner * np.int64(count + 1)  # separates the running maxima of neighbours
    deepest = np.zeros(count + 1, np.int64)
    deepest[1:] = np.maximum.accumulate(depth + lift) - lift
    return fresh[position] - fresh[start], np.where(position > start, deepest[position], 0)


@dataclass
class _Company:
    """For each look and each colleague (pairs, look after look): when was it last active before as_of?"""

    known: Ints  # (looks,) people of the account created before as_of, the lead included
    usual: npt.NDArray[np.bool_]  # (looks,) the account is small enough to be a buying group
    alone: npt.NDArray[np.bool_]  # (looks,) no pairs
    begin: Ints  # (looks,) first pair of the look
    last: Floats  # (pairs,) days before as_of, inf when never, inf for the lead itself

    def value(self, feature: Feature) -> npt.NDArray[np.generic]:
        if isinstance(feature, GroupSize):
            return self.known
        if isinstance(feature, ColleaguesActive):
            active = self._reduce(np.add, (self.last <= feature.days).astype(np.float64))
            return np.where(self.usual, np.where(self.alone, 0.0, active), np.nan)
        since = np.where(self.alone, np.inf, self._reduce(np.minimum, self.last))
        return np.where(np.isfinite(since), since, np.nan)

    def _reduce(self, operation: np.ufunc, pairs: Floats) -> Floats:
        if not len(pairs):
            return np.zeros(len(self.begin))
        return np.asarray(operation.reduceat(pairs, np.minimum(self.begin, len(pairs) - 1)), np.float64)


def _company(group: Group, search: Searcher) -> _Company:
    people = np.bincount(group.account)
    first = np.cumsum(people) - people
    account = group.account[group.lead]
    size = people[account]
    pairs = np.where((size > 1) & (size <= LARGEST_GROUP), size, 0)
    begin = np.cumsum(pairs) - pairs
    look = np.repeat(np.arange(len(size)), pairs)
    colleague = first[account[look]] + np.arange(len(look)) - begin[look]
    as_of = group.as_of[look]
    last = np.full(len(look), np.inf)
    if len(group.at):
        position = search.before(colleague, as_of)
        seen = (position > group.start[colleague]) & (colleague != group.lead[look])
        last = np.where(seen, (as_of - group.at[position - 1]) / DAY, np.inf)
    arrivals = Searcher.of(group.account, group.created, int(group.as_of.max()))
    arrivals.key = np.sort(arrivals.key)
    known = arrivals.before(account, group.as_of) - first[account]
    return _Company(np.maximum(known, 1), size <= LARGEST_GROUP, pairs == 0, begin, last)
