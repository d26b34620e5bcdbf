"""Compile a list of features into the few tables the kernel reads: channels, windows, and one instruction per column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from features.common.clock import DAY
from features.common.compiled import packed
from features.engine.index import INBOUND, OUTBOUND, UNDIRECTED
from features.spec import (
    Acts,
    Age,
    ColleaguesActive,
    ColleaguesCount,
    ColleaguesSilence,
    Count,
    CreatedOn,
    DaysSince,
    Decayed,
    Feature,
    Gap,
    GroupSize,
    InStage,
    Share,
    Silence,
    Topics,
    Total,
    Trend,
    Variety,
)

_DIRECTION = {"in": INBOUND, "out": OUTBOUND}
VISIT, ACTIVE_DAY = Acts("visit", mark="visit"), Acts("active_day", mark="active_day")
EVER = 2**62  # a window longer than any history

# what an instruction does with its three numbers; the kernel has a branch for each
(
    COUNT, SHARE, TREND, VARIETY, LAST, FIRST, DECAYED, TOTAL, GAP, GAP_SPREAD, SILENCE, BREADTH, DEPTH,
    AGE, STAGE_AGE, IN_STAGE, WEEKDAY, HOUR, GROUP_SIZE, ACTIVE, QUIET, COLLEAGUES,
) = range(22)  # fmt: skip

Instruction = tuple[int, ...]


def window(days: float | None) -> int:
    """A window in microseconds; None is ever."""
    return EVER if days is None else round(days * DAY)


@dataclass
class Bank:
    """Channels (which interactions) and windows (how far back); each pair has one place, however many features ask for it.

    The shortest window has a place for each channel, then the next one, and at last all that is older.
    """

    channels: dict[Acts, int] = field(default_factory=dict)
    windows: dict[int, int] = field(default_factory=dict)

    def channel(self, what: Acts) -> int:
        return self.channels.setdefault(what, len(self.channels))

    def window(self, days: float | None) -> int:
        """The rank of the window; it is right once all windows are known and `ranked`."""
        return self.windows.setdefault(window(days), len(self.windows))

    def place(self, what: Acts, days: float | None) -> int:
        channel, rank = self.channel(what), self.window(days)
        return rank * len(self.channels) + channel

    def ranked(self) -> None:
        self.windows = {span: rank for rank, span in enumerate(sorted(self.windows))}

    def members(self, types: Sequence[str]) -> list[list[int]]:
        """For each kind of interaction, 3 × (types + 1) with "unknown" last, the channels it belongs to. Marks are no kinds."""
        code = {name: i for i, name in enumerate(types)}
        found: list[list[int]] = [[] for _ in range(3 * (len(types) + 1))]
        for what, channel in self.channels.items():
            if what.mark:
                continue
            directions = [_DIRECTION[what.direction]] if what.direction else [UNDIRECTED, INBOUND, OUTBOUND]
            for kind in sorted({code[t] for t in what.types if t in code}) if what.types else range(len(types) + 1):
                for direction in directions:
                    found[3 * kind + direction].append(channel)
        return found


@dataclass
class _Making:
    """Tables being made. The forms run twice: what the first run finds decides the places that the second one gives."""

    types: tuple[str, ...]
    own: Bank = field(default_factory=Bank)
    shared: Bank = field(default_factory=Bank)  # of the whole account
    faded: dict[int, int] = field(default_factory=dict)  # channel → its place among those with a fading sum
    summed: dict[int, int] = field(default_factory=dict)  # channel → its place among those whose values are summed
    lives: dict[float, int] = field(default_factory=dict)
    several: list[int] = field(default_factory=list)  # places, for features that look at many
    days: list[float] = field(default_factory=list)

    def fading(self, f: Decayed) -> int:
        place = self.faded.setdefault(self.own.channel(f.what), len(self.faded))
        return self.lives.setdefault(f.half_life_days, len(self.lives)) + place * len(self.lives)

    def total(self, f: Total) -> int:
        place = self.summed.setdefault(self.own.channel(f.what), len(self.summed))
        return self.own.window(f.days) * len(self.summed) + place

    def variety(self, f: Variety) -> Instruction:
        begin = len(self.several)
        self.several += [self.own.place(Acts(name, (name,)), f.days) for name in self.types]
        return VARIETY, begin, len(self.several)

    def active(self, f: ColleaguesActive) -> Instruction:
        self.days.append(f.days)
        return ACTIVE, len(self.days) - 1


# one form per kind of feature: a new kind needs one here, and its branch in the kernel
_FORMS: dict[type[Feature], Callable[[_Making, Any], Instruction]] = {
    Count: lambda m, f: (COUNT, m.own.place(f.what, f.days)),
    Share: lambda m, f: (SHARE, m.own.place(f.what, f.days), m.own.place(f.of, f.days)),
    Trend: lambda m, f: (TREND, m.own.place(f.what, f.days), m.own.place(f.what, 2 * f.days)),
    Variety: _Making.variety,
    DaysSince: lambda m, f: (FIRST if f.first else LAST, m.own.channel(f.what)),
    Decayed: lambda m, f: (DECAYED, m.fading(f)),
    Total: lambda m, f: (TOTAL, m.total(f)),
    Gap: lambda m, f: (GAP_SPREAD if f.spread else GAP,),
    Silence: lambda m, f: (SILENCE,),
    Topics: lambda m, f: (DEPTH if f.deepest else BREADTH,),
    Age: lambda m, f: (STAGE_AGE if f.in_stage else AGE,),
    InStage: lambda m, f: (IN_STAGE, f.position),
    CreatedOn: lambda m, f: ({"weekday": WEEKDAY, "hour": HOUR}[f.field],),
    GroupSize: lambda m, f: (GROUP_SIZE,),
    ColleaguesActive: _Making.active,
    ColleaguesSilence: lambda m, f: (QUIET,),
    ColleaguesCount: lambda m, f: (
        COLLEAGUES, m.shared.channel(f.what), m.shared.window(f.days), m.own.place(f.what, f.days),
    ),
}  # fmt: skip
_OF_COLLEAGUES = (ColleaguesCount, ColleaguesActive, ColleaguesSilence, GroupSize)


class Tables(NamedTuple):
    """All tables in two packed arrays; `features.engine.kernel` takes them apart again."""

    whole: npt.NDArray[np.int64]
    real: npt.NDArray[np.float64]


def _rows(lists: Sequence[Sequence[int]]) -> tuple[list[int], list[int]]:
    """Lists of different lengths → where each begins, and all of them one after the other."""
    return np.cumsum([0, *map(len, lists)]).tolist(), [one for row in lists for one in row]


@dataclass(frozen=True)
class Plan:
    """The compiled features. Built once per model, used for every batch and request."""

    features: tuple[Feature, ...]
    types: tuple[str, ...]

    def compile(self) -> None:
        """Fill every table now, before threads could fill one twice."""
        for name, member in vars(type(self)).items():
            if isinstance(member, cached_property):
                getattr(self, name)

    @cached_property
    def tables(self) -> Tables:
        making = _Making(self.types)
        for f in self.features:
            _FORMS[type(f)](making, f)
        for bank in (making.own, making.shared):
            bank.ranked()
        making.several, making.days = [], []
        instructions = [(*_FORMS[type(f)](making, f), 0, 0, 0)[:4] for f in self.features]
        channels, own, shared = making.own.channels, making.own, making.shared
        first, members = _rows(own.members(self.types))
        shared_first, shared_members = _rows(shared.members(self.types))
        sizes = [
            len(channels), len(making.faded), len(making.summed), len(shared.channels),
            channels.get(VISIT, -1), channels.get(ACTIVE_DAY, -1), any(type(f) is Topics for f in self.features),
            self.asks_for_colleagues,
        ]  # fmt: skip
        whole = packed(
            [
                sizes,
                [number for instruction in instructions for number in instruction],
                list(own.windows), first, members,
                [making.faded.get(channel, -1) for channel in channels.values()],
                [making.summed.get(channel, -1) for channel in channels.values()],
                making.several, list(shared.windows), shared_first, shared_members,
            ],
            np.int64,
        )  # fmt: skip
        return Tables(whole, packed([list(making.lives), making.days], np.float64))

    @cached_property
    def type_codes(self) -> dict[str, int]:
        return {name: code for code, name in enumerate(self.types)}

    @cached_property
    def threefold_codes(self) -> dict[str, int]:
        """Three times the code of each type: the kind of its interactions without a direction."""
        return {name: 3 * code for code, name in enumerate(self.types)}

    @cached_property
    def asks_for_colleagues(self) -> bool:
        return any(isinstance(f, _OF_COLLEAGUES) for f in self.features)
