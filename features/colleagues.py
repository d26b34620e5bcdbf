"""The buying group: what the other people of the account have done before as_of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.clock import DAY
from features.group import Counts, Flags, Floats, Group, Ints, Searcher, Walk, prefix_counts, window_counts
from features.plan import Plan

LARGEST_GROUP = 50  # more people than this behind one company id are no buying group


def colleague_counts(plan: Plan, walk: Walk, size: Ints) -> Counts:
    """(pairs of the account's bank, looks): interactions of the account; the lead's own are still in them.

    `size` (accounts,) are the people of each account. Looks at leads without colleagues get 0.
    """
    group = walk.group
    out = np.zeros((len(plan.shared_pairs[0]), len(group.lead)), np.int32)
    looks = np.flatnonzero(size[group.account[group.lead]] > 1)
    account = group.account[group.owner]
    events = np.flatnonzero(size[account] > 1)
    if not len(looks) or not len(events):
        return out
    search = Searcher.of(account[events], group.at[events], int(group.as_of.max()))
    order = np.argsort(search.key)
    search.key = search.key[order]
    prefix = prefix_counts(plan.shared_lookup.take(group.kind[events[order]], axis=1))
    who, as_of = group.account[group.lead[looks]], group.as_of[looks]
    position = search.before(who, as_of)
    begin = search.before(who, as_of - plan.shared_spans[:, None])
    out[:, looks] = window_counts(prefix, position, begin, plan.shared_pairs)
    return out


@dataclass
class Company:
    """For each look and each colleague (pairs, look after look): when was it last active before as_of?"""

    known: Ints  # (looks,) people of the account created before as_of, the lead included
    usual: Flags  # (looks,) the account is small enough to be a buying group
    alone: Flags  # (looks,) no pairs
    begin: Ints  # (looks,) first pair of the look
    last: Floats  # (pairs,) days before as_of, inf when never, inf for the lead itself

    @classmethod
    def of(cls, walk: Walk, size: Ints) -> Company:
        group = walk.group
        looks = len(group.lead)
        account = group.account[group.lead]
        mine = size[account]
        if not (mine > 1).any():
            nothing = np.zeros(looks, np.int64)
            return cls(nothing + 1, np.ones(looks, bool), np.ones(looks, bool), nothing, np.zeros(0))
        first = np.cumsum(size) - size
        pairs = np.where((mine > 1) & (mine <= LARGEST_GROUP), mine, 0)
        begin = np.cumsum(pairs) - pairs
        look = np.repeat(np.arange(looks), pairs)
        colleague = first[account[look]] + np.arange(len(look)) - begin[look]
        return cls(_known(group, account, first), mine <= LARGEST_GROUP, pairs == 0, begin, _last(walk, look, colleague))

    def active(self, days: float) -> Floats:
        """Colleagues that did anything in the `days` before as_of; NaN for accounts over `LARGEST_GROUP` people."""
        count = self._reduce(np.add, (self.last <= days).astype(np.float64), nothing=0.0)
        return np.where(self.usual, np.where(self.alone, 0.0, count), np.nan)

    @property
    def silence(self) -> Floats:
        """Days since any colleague did anything; NaN when none ever did or the account is over `LARGEST_GROUP` people."""
        since = np.where(self.alone, np.inf, self._reduce(np.minimum, self.last, nothing=np.inf))
        return np.where(np.isfinite(since), since, np.nan)

    def _reduce(self, operation: np.ufunc, pairs: Floats, nothing: float) -> Floats:
        """One value per look; what it is for looks without pairs is for the caller to replace.

        Those at the end begin behind the last pair, so there is one more that changes `nothing`: without it they would have to
        begin at the last pair and take it away from the look it belongs to.
        """
        return np.asarray(operation.reduceat(np.append(pairs, nothing), self.begin), np.float64)


def _known(group: Group, account: Ints, first: Ints) -> Ints:
    arrivals = Searcher.of(group.account, group.created, int(group.as_of.max()))
    arrivals.key = np.sort(arrivals.key)
    known: Ints = arrivals.before(account, group.as_of) - first[account]
    return np.maximum(known, 1)


def _last(walk: Walk, look: npt.NDArray[np.intp], colleague: Ints) -> Floats:
    group = walk.group
    if not len(group.at):
        return np.full(len(look), np.inf)
    as_of = group.as_of[look]
    position = walk.search.before(colleague, as_of)
    seen = (position > group.start[colleague]) & (colleague != group.lead[look])
    return np.where(seen, (as_of - group.at[position - 1]) / DAY, np.inf)
