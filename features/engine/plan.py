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
from features.feature import ACTIVE_DAYS, TURNED_AWAY, VISITS, Feature, InteractionFilter
from features.spec import Age, Count, CreatedOn, DaysSince, Decayed, Gap, InStage, Share, Silence, Topics, Total, Trend, Variety
from features.spec_accounts import ColleaguesActive, ColleaguesCount, ColleaguesSilence, GroupSize
from features.turning_away import BY_NAME, TurningAway

_DIRECTION = {"in": INBOUND, "out": OUTBOUND}
UNBOUNDED = 2**62  # a window longer than any history

# what an instruction does with its three numbers; the kernel has a branch for each
(
    COUNT, SHARE, TREND, VARIETY, DAYS_SINCE_LAST, DAYS_SINCE_FIRST, DECAYED, TOTAL, GAP, GAP_SPREAD, SILENCE, BREADTH, DEPTH,
    AGE, STAGE_AGE, IN_STAGE, WEEKDAY, HOUR, GROUP_SIZE, ACTIVE, QUIET, COLLEAGUES,
) = range(22)  # fmt: skip

Instruction = tuple[int, ...]


def window(days: float | None) -> int:
    """A window in microseconds; None is ever."""
    return UNBOUNDED if days is None else round(days * DAY)


@dataclass
class Bank:
    """Channels (which interactions) and windows (how far back); each pair has one place, however many features ask for it.

    The shortest window has a place for each channel, then the next one, and at last all that is older.
    """

    channels: dict[InteractionFilter, int] = field(default_factory=dict)
    windows: dict[int, int] = field(default_factory=dict)

    def channel(self, interactions: InteractionFilter) -> int:
        return self.channels.setdefault(interactions, len(self.channels))

    def window(self, days: float | None) -> int:
        """The rank of the window; it is right once all windows are known and `ranked`."""
        return self.windows.setdefault(window(days), len(self.windows))

    def cell(self, interactions: InteractionFilter, days: float | None) -> int:
        channel, rank = self.channel(interactions), self.window(days)
        return rank * len(self.channels) + channel

    def ranked(self) -> None:
        self.windows = {span: rank for rank, span in enumerate(sorted(self.windows))}

    def members(self, types: Sequence[str], away: Sequence[bool]) -> list[list[int]]:
        """For each kind of interaction, 3 × len(away), the channels it belongs to; `away` as `Plan.away`. Visits and active
        days are no kinds."""
        code = {name: i for i, name in enumerate(types)}
        channel_lists: list[list[int]] = [[] for _ in range(3 * len(away))]
        for interactions, channel in self.channels.items():
            if interactions.types:
                kinds = sorted({code[t] for t in interactions.types if t in code})
            elif interactions.mark in (None, TURNED_AWAY.mark):
                kinds = [kind for kind, turns in enumerate(away) if turns == (interactions.mark is not None)]
            else:
                kinds = []
            directions = [_DIRECTION[interactions.direction]] if interactions.direction else [UNDIRECTED, INBOUND, OUTBOUND]
            for kind in kinds:
                for direction in directions:
                    channel_lists[3 * kind + direction].append(channel)
        return channel_lists


@dataclass
class _TableBuilder:
    """Tables being made. The forms run twice: what the first run finds decides the places that the second one gives."""

    activity: tuple[str, ...]  # the types that are
    lead_bank: Bank = field(default_factory=Bank)
    shared: Bank = field(default_factory=Bank)  # of the whole account
    faded: dict[int, int] = field(default_factory=dict)  # channel → its place among those with a fading sum
    summed: dict[int, int] = field(default_factory=dict)  # channel → its place among those whose values are summed
    lives: dict[float, int] = field(default_factory=dict)
    cells: list[int] = field(default_factory=list)  # places, for features that look at many
    days: list[float] = field(default_factory=list)

    def fading(self, f: Decayed) -> int:
        position = self.faded.setdefault(self.lead_bank.channel(f.what), len(self.faded))
        return self.lives.setdefault(f.half_life_days, len(self.lives)) + position * len(self.lives)

    def total(self, f: Total) -> int:
        position = self.summed.setdefault(self.lead_bank.channel(f.what), len(self.summed))
        return self.lead_bank.window(f.days) * len(self.summed) + position

    def variety(self, f: Variety) -> Instruction:
        begin = len(self.cells)
        self.cells += [self.lead_bank.cell(InteractionFilter(name, (name,)), f.days) for name in self.activity]
        return VARIETY, begin, len(self.cells)

    def active(self, f: ColleaguesActive) -> Instruction:
        self.days.append(f.days)
        return ACTIVE, len(self.days) - 1


# one form per kind of feature: a new kind needs one here, and its branch in the kernel
_FORMS: dict[type[Feature], Callable[[_TableBuilder, Any], Instruction]] = {
    Count: lambda m, f: (COUNT, m.lead_bank.cell(f.what, f.days)),
    Share: lambda m, f: (SHARE, m.lead_bank.cell(f.what, f.days), m.lead_bank.cell(f.of, f.days)),
    Trend: lambda m, f: (TREND, m.lead_bank.cell(f.what, f.days), m.lead_bank.cell(f.what, 2 * f.days)),
    Variety: _TableBuilder.variety,
    DaysSince: lambda m, f: (DAYS_SINCE_FIRST if f.first else DAYS_SINCE_LAST, m.lead_bank.channel(f.what)),
    Decayed: lambda m, f: (DECAYED, m.fading(f)),
    Total: lambda m, f: (TOTAL, m.total(f)),
    Gap: lambda m, f: (GAP_SPREAD if f.spread else GAP,),
    Silence: lambda m, f: (SILENCE,),
    Topics: lambda m, f: (DEPTH if f.deepest else BREADTH,),
    Age: lambda m, f: (STAGE_AGE if f.in_stage else AGE,),
    InStage: lambda m, f: (IN_STAGE, f.position),
    CreatedOn: lambda m, f: ({"weekday": WEEKDAY, "hour": HOUR}[f.field],),
    GroupSize: lambda m, f: (GROUP_SIZE,),
    ColleaguesActive: _TableBuilder.active,
    ColleaguesSilence: lambda m, f: (QUIET,),
    ColleaguesCount: lambda m, f: (
        COLLEAGUES, m.shared.channel(f.what), m.shared.window(f.days), m.lead_bank.cell(f.what, f.days),
    ),
}  # fmt: skip
_OF_COLLEAGUES = (ColleaguesCount, ColleaguesActive, ColleaguesSilence, GroupSize)


class Tables(NamedTuple):
    """All tables in two packed arrays; `features.engine.kernel` takes them apart again."""

    integers: npt.NDArray[np.int64]
    reals: npt.NDArray[np.float64]


def _rows(lists: Sequence[Sequence[int]]) -> tuple[list[int], list[int]]:
    """Lists of different lengths → where each begins, and all of them one after the other."""
    return np.cumsum([0, *map(len, lists)]).tolist(), [number for row in lists for number in row]


@dataclass(frozen=True)
class Plan:
    """The compiled features. Built once per model, used for every batch and request."""

    features: tuple[Feature, ...]
    types: tuple[str, ...]
    turning_away: TurningAway = BY_NAME

    def compile(self) -> None:
        """Fill every table now, before threads could fill one twice."""
        for name, member in vars(type(self)).items():
            if isinstance(member, cached_property):
                getattr(self, name)

    @cached_property
    def tables(self) -> Tables:
        builder = _TableBuilder(tuple(t for t, away in zip(self.types, self.away, strict=False) if not away))
        for f in self.features:
            _FORMS[type(f)](builder, f)
        for bank in (builder.lead_bank, builder.shared):
            bank.ranked()
        builder.cells, builder.days = [], []
        instructions = [(*_FORMS[type(f)](builder, f), 0, 0, 0)[:4] for f in self.features]
        channels, lead_bank, shared = builder.lead_bank.channels, builder.lead_bank, builder.shared
        first_member, members = _rows(lead_bank.members(self.types, self.away))
        shared_first, shared_members = _rows(shared.members(self.types, self.away))
        sizes = [
            len(channels), len(builder.faded), len(builder.summed), len(shared.channels),
            channels.get(VISITS, -1), channels.get(ACTIVE_DAYS, -1), any(type(f) is Topics for f in self.features),
            self.asks_for_colleagues,
        ]  # fmt: skip
        integers = packed(
            [
                sizes,
                [number for instruction in instructions for number in instruction],
                list(lead_bank.windows), first_member, members,
                [builder.faded.get(channel, -1) for channel in channels.values()],
                [builder.summed.get(channel, -1) for channel in channels.values()],
                builder.cells, list(shared.windows), shared_first, shared_members, self.away,
            ],
            np.int64,
        )  # fmt: skip
        return Tables(integers, packed([list(builder.lives), builder.days], np.float64))

    @cached_property
    def type_codes(self) -> dict[str, int]:
        return {name: code for code, name in enumerate(self.types)}

    @cached_property
    def threefold_codes(self) -> dict[str, int]:
        """Three times the code of each type: the kind of its interactions without a direction."""
        return {name: 3 * code for code, name in enumerate(self.types)}

    @cached_property
    def away(self) -> list[bool]:
        """Of each type, then of all others that turn away by no means, then of all others that do: whether it turns away."""
        return [*(name in self.turning_away.types for name in self.types), False, True]

    @cached_property
    def asks_for_colleagues(self) -> bool:
        return any(isinstance(f, _OF_COLLEAGUES) for f in self.features)
