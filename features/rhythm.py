"""The rhythm of visits and the depth of topics: features that need more than counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.clock import DAY, MINUTE
from features.group import Floats, Group, Ints, Rows, Walk

PER_DAY = DAY // MINUTE


@dataclass
class Visits:
    """Per look: gaps between visits, their mean in minutes, the sum of their squares, minutes since the last visit."""

    gaps: Ints
    mean: Floats
    squares: Floats
    since: Floats

    @classmethod
    def of(cls, walk: Walk, channel: int) -> Visits:
        """`channel` holds the interactions that open a visit. Gaps are whole minutes, so that their prefix sums are exact."""
        group = walk.group
        rows = walk.entry[walk.offset[channel] : walk.offset[channel + 1]]
        begin, end = walk.prefix[channel, walk.start].astype(np.int64), walk.prefix[channel, walk.position].astype(np.int64)
        gaps = end - begin - 1
        if not len(rows):
            nothing = np.full(len(gaps), np.nan)
            return cls(gaps, nothing, nothing, nothing)
        minute = group.at[rows] // MINUTE
        gap = np.zeros(len(rows) + 1, np.int64)
        same = group.owner[rows[1:]] == group.owner[rows[:-1]]
        gap[2:] = (minute[1:] - minute[:-1]) * same
        squares = np.cumsum(gap * gap)
        last, first = np.maximum(end - 1, 0), np.minimum(begin, len(rows) - 1)
        mean = (minute[last] - minute[first]) / np.maximum(gaps, 1)
        return cls(
            gaps,
            np.where(gaps >= 1, mean, np.nan),
            (squares[end] - squares[begin]).astype(np.float64),
            np.where(gaps >= 0, (group.as_of - group.at[rows[last]]) / MINUTE, np.nan),
        )

    @property
    def mean_days(self) -> Floats:
        return self.mean / PER_DAY

    @property
    def spread_days(self) -> Floats:
        variance = self.squares / np.maximum(self.gaps, 1) - self.mean**2
        return np.where(self.gaps >= 2, np.sqrt(np.maximum(variance, 0)), np.nan) / PER_DAY

    @property
    def silence(self) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.mean >= 1, self.since / self.mean, np.nan)


def topics(group: Group, start: Ints, position: Rows) -> tuple[Ints, Ints]:
    """(different contents touched, interactions with the most touched one) before as_of; outbound ones do not count."""
    inbound = group.inbound
    rows = inbound[group.content[inbound] >= 0]
    count = len(group.at)
    if not len(rows):
        nothing = np.zeros(len(position), np.int64)
        return nothing, nothing
    owner, content = group.owner[rows], group.content[rows]
    key = owner * (np.int64(content.max()) + 1) + content
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    index = np.arange(len(order))
    opens = np.ones(len(order), bool)
    opens[1:] = ordered[1:] != ordered[:-1]
    rank = index - np.maximum.accumulate(index * opens) + 1
    fresh, deepest = np.zeros(count + 1, np.int64), np.zeros(count + 1, np.int64)
    fresh[rows[order] + 1] = opens
    deepest[rows[order] + 1] = rank
    np.cumsum(fresh, out=fresh)
    lift = group.owner * np.int64(count + 1)  # separates the running maxima of neighbours
    deepest[1:] = np.maximum.accumulate(deepest[1:] + lift) - lift
    return fresh[position] - fresh[start], deepest[position] * (position > start)
