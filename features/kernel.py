"""The kernel: every feature of one group of whole accounts, in a fixed number of NumPy passes.

Counts are differences of prefix sums over the sorted interactions, at positions found by one binary search per boundary.
"Last" and "first" read the list of a channel's interactions at the same counts. Decayed sums add each interaction once, to
the next landmark of its lead, and carry over from landmark to landmark; unlike a difference of prefix sums of growing
exponentials, no digits are lost however long the history is.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from features.batch import Looks, People
from features.clock import DAY, MINUTE
from features.colleagues import Company, colleague_counts
from features.group import Flags, Floats, Group, Rows, Walk
from features.plan import VISIT, Plan
from features.rhythm import Visits, topics
from features.spec import Age, ColleaguesActive, ColleaguesSilence, CreatedOn, Gap, GroupSize, InStage, Silence, Topics

Matrix = npt.NDArray[np.floating]


def compute(plan: Plan, people: People, looks: Looks, leads: slice, rows: slice, out: Matrix) -> None:
    """Fill `out[:, rows]`, shape (features, looks), for the accounts `leads`."""
    group = Group.cut(people, looks, leads, rows)
    walk = Walk.over(plan, group)
    target = out[:, rows]
    _from_counts(plan, walk, target)
    _recencies(plan, walk, target)
    if plan.decays:
        _decays(plan, walk, target)
    _timing(plan, group, target)
    _totals(plan, walk, target)
    _rhythm(plan, walk, target)
    if plan.asks_for_colleagues:
        _colleagues(plan, walk, target)


def _from_counts(plan: Plan, walk: Walk, target: Matrix) -> None:
    counts = walk.counts
    columns, bank = plan.counts
    target[columns] = counts[bank]
    columns, part, of = plan.shares
    if len(columns):
        whole = counts[of]
        target[columns] = np.where(whole > 0, counts[part] / np.maximum(whole, 1), np.nan)
    columns, recent, both = plan.trends
    if len(columns):
        late = counts[recent]
        target[columns] = np.log2((1.0 + late) / (1.0 + counts[both] - late))
    for column, kinds in plan.varieties:
        target[column] = np.count_nonzero(counts[kinds], axis=0)


def _recencies(plan: Plan, walk: Walk, target: Matrix) -> None:
    columns, channels, first = plan.recencies
    if not len(columns) or not len(walk.entry):
        target[columns] = np.nan
        return
    since = walk.prefix[channels[:, None], walk.start]
    until = walk.prefix[channels[:, None], walk.position]
    entry = walk.offset[channels, None] + np.where(first[:, None], since, until - 1)
    at = walk.group.at[walk.entry[np.minimum(np.maximum(entry, 0), len(walk.entry) - 1)]]
    target[columns] = np.where(until > since, (walk.group.as_of - at) / DAY, np.nan)


def _decays(plan: Plan, walk: Walk, target: Matrix) -> None:
    """Each interaction is added to the next look of its lead; a look then inherits the faded sum of the look before."""
    group, position = walk.group, walk.position
    looks, channels = len(position), plan.decayed_channels
    follows = np.zeros(looks, bool)
    np.equal(group.lead[1:], group.lead[:-1], out=follows[1:])
    begin = walk.start.copy()
    begin[1:] = np.where(follows[1:], position[:-1], begin[1:])
    rows = walk.entry[: walk.offset[channels]]
    bounds = np.empty((channels, looks, 2), np.int64)
    bounds[:, :, 0] = walk.prefix[:channels].take(begin, axis=1)
    bounds[:, :, 1] = walk.prefix[:channels].take(position, axis=1)
    bounds += walk.offset[:channels, None, None]
    empty = bounds[:, :, 0] == bounds[:, :, 1]
    age = _ages(group, begin, position)
    ranks = _ranks(follows)
    for life, columns, wanted in plan.decays:
        weight = np.append(np.exp2(age * (-1.0 / life))[rows], 0.0)
        faded = np.add.reduceat(weight, bounds.ravel())[::2].reshape(channels, looks)
        faded[empty] = 0.0
        if ranks:
            fade = np.exp2((group.as_of[:-1] - group.as_of[1:]) / (DAY * life))
            for later in ranks:
                faded[:, later] += faded[:, later - 1] * fade[later - 1]
        target[columns] = faded[wanted]


def _ages(group: Group, begin: Rows, position: Rows) -> Floats:
    """Days from each interaction to the next look of its lead; endless after the last look, so that its weight is 0."""
    edges = np.empty((len(position), 2), np.int64)
    edges[:, 0], edges[:, 1] = begin, position
    moment = np.full(edges.shape, np.inf)
    moment[:, 0] = group.as_of
    lengths = np.diff(edges.ravel(), append=len(group.at))
    due = np.full(len(group.at), np.inf)
    due[int(begin[0]) :] = np.repeat(moment.ravel(), lengths)
    return (due - group.at) / DAY


def _ranks(follows: Flags) -> list[Rows]:
    """Looks by their place among the looks of their lead: all second ones, all third ones, …"""
    if not follows.any():
        return []
    index = np.arange(len(follows))
    rank = index - np.maximum.accumulate(np.where(follows, 0, index))
    order = np.argsort(rank, kind="stable")
    ends = np.cumsum(np.bincount(rank))
    return [order[a:b] for a, b in pairwise(ends)]


_TIMING: dict[str, Callable[[Group], npt.NDArray[np.generic]]] = {
    # 1970-01-01 was a Thursday, hence + 3
    "weekday": lambda group: (group.created[group.lead] // DAY + 3) % 7,
    "hour": lambda group: group.created[group.lead] // (60 * MINUTE) % 24,
}


def _timing(plan: Plan, group: Group, target: Matrix) -> None:
    for column, age in plan.of(Age):
        since = group.entered if age.in_stage else group.created[group.lead]
        target[column] = (group.as_of - since) / DAY
    for column, stage in plan.of(InStage):
        target[column] = group.stage == stage.position
    for column, created in plan.of(CreatedOn):
        target[column] = _TIMING[created.field](group)


def _totals(plan: Plan, walk: Walk, target: Matrix) -> None:
    """All sums of values at once; the values are whole thousandths, so prefix sums are exact."""
    columns, _, windows = plan.totals
    if not len(columns):
        return
    distinct, of = plan.total_channels
    value = walk.group.value
    sums = np.zeros((len(distinct), len(value) + 1), np.int64)
    np.cumsum(plan.own_lookup[distinct].take(walk.group.kind, axis=1) * value, axis=1, out=sums[:, 1:])
    now, then = sums.take(walk.position, axis=1), sums[of[:, None], walk.begin[windows]]
    target[columns] = (now[of] - then) / 1000.0


def _rhythm(plan: Plan, walk: Walk, target: Matrix) -> None:
    gaps, silences = plan.of(Gap), plan.of(Silence)
    if gaps or silences:
        visits = Visits.of(walk, plan.own.channel(VISIT))
        for column, gap in gaps:
            target[column] = visits.spread_days if gap.spread else visits.mean_days
        for column, _ in silences:
            target[column] = visits.silence
    asked = plan.of(Topics)
    if asked:
        both = topics(walk.group, walk.start, walk.position)
        for column, topic in asked:
            target[column] = both[topic.deepest]


def _colleagues(plan: Plan, walk: Walk, target: Matrix) -> None:
    size = np.bincount(walk.group.account)
    columns, account, own = plan.colleagues
    if len(columns):
        alone = size[walk.group.account[walk.group.lead]] == 1
        counts = colleague_counts(plan, walk, size)[account] - walk.counts[own]
        target[columns] = np.where(alone, 0, counts)
    company = Company.of(walk, size)
    for column, _ in plan.of(GroupSize):
        target[column] = company.known
    for column, active in plan.of(ColleaguesActive):
        target[column] = company.active(active.days)
    for column, _ in plan.of(ColleaguesSilence):
        target[column] = company.silence
