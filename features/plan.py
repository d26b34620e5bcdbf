"""Compile a list of features into the few tables the kernel needs: channels, windows, which row becomes which column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from features.clock import DAY
from features.index import INBOUND, OUTBOUND, UNDIRECTED
from features.spec import (
    Acts,
    ColleaguesActive,
    ColleaguesCount,
    ColleaguesSilence,
    Count,
    DaysSince,
    Decayed,
    Feature,
    Gap,
    GroupSize,
    Share,
    Silence,
    Total,
    Trend,
    Variety,
)

F = TypeVar("F", bound=Feature)
Rows = npt.NDArray[np.intp]
_DIRECTION = {"in": INBOUND, "out": OUTBOUND}
VISIT = Acts("visit", mark="visit")
EVER = np.int64(2**62)  # a window longer than any history


def window(days: float | None) -> np.int64:
    """A window in microseconds; None is ever."""
    return EVER if days is None else np.int64(round(days * DAY))


@dataclass
class Bank:
    """Distinct (channel, window) counts, each computed once however many features ask for it."""

    channels: dict[Acts, int] = field(default_factory=dict)
    windows: dict[np.int64, int] = field(default_factory=dict)
    pairs: dict[tuple[int, int], int] = field(default_factory=dict)

    def channel(self, what: Acts) -> int:
        return self.channels.setdefault(what, len(self.channels))

    def row(self, what: Acts, days: float | None) -> int:
        number = self.windows.setdefault(window(days), len(self.windows))
        return self.pairs.setdefault((self.channel(what), number), len(self.pairs))

    @property
    def pair_index(self) -> tuple[Rows, Rows]:
        pairs = np.array(list(self.pairs), dtype=np.intp).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]

    @property
    def spans(self) -> npt.NDArray[np.int64]:
        return np.array(list(self.windows), dtype=np.int64)

    def lookup(self, types: Sequence[str]) -> npt.NDArray[np.bool_]:
        """(channels, 3 × (types + 1)): does an interaction of this kind belong to the channel? The last type is "unknown"."""
        table = np.zeros((len(self.channels), len(types) + 1, 3), bool)
        code = {name: i for i, name in enumerate(types)}
        for what, row in self.channels.items():
            if what.mark:
                continue
            kinds = [code[t] for t in what.types if t in code] if what.types else list(range(len(types) + 1))
            directions = [_DIRECTION[what.direction]] if what.direction else [UNDIRECTED, INBOUND, OUTBOUND]
            table[np.ix_([row], kinds, directions)] = True
        return table.reshape(len(self.channels), 3 * (len(types) + 1))


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

    def _of(self, kind: type[F]) -> tuple[Rows, list[F]]:
        found = self.of(kind)
        return np.array([i for i, _ in found], np.intp), [f for _, f in found]

    @cached_property
    def own(self) -> Bank:
        return self._banks[0]

    @cached_property
    def shared(self) -> Bank:
        return self._banks[1]

    @cached_property
    def _banks(self) -> tuple[Bank, Bank]:
        own, shared = Bank(), Bank()
        for f in self.features:
            if isinstance(f, Decayed):
                own.channel(f.what)  # decayed channels come first: their entries are then one contiguous run
        for f in self.features:
            if isinstance(f, Count | Total):
                own.row(f.what, f.days)
            elif isinstance(f, Share):
                own.row(f.what, f.days), own.row(f.of, f.days)
            elif isinstance(f, Trend):
                own.row(f.what, f.days), own.row(f.what, 2 * f.days)
            elif isinstance(f, DaysSince):
                own.channel(f.what)
            elif isinstance(f, Gap | Silence):
                own.row(VISIT, None)
            elif isinstance(f, Variety):
                for name in self.types:
                    own.row(Acts(name, (name,)), f.days)
            elif isinstance(f, ColleaguesCount):
                own.row(f.what, f.days)
                shared.row(f.what, f.days)
        return own, shared

    @cached_property
    def own_lookup(self) -> npt.NDArray[np.bool_]:
        return self.own.lookup(self.types)

    @cached_property
    def shared_lookup(self) -> npt.NDArray[np.bool_]:
        return self.shared.lookup(self.types)

    @cached_property
    def own_pairs(self) -> tuple[Rows, Rows]:
        return self.own.pair_index

    @cached_property
    def shared_pairs(self) -> tuple[Rows, Rows]:
        return self.shared.pair_index

    @cached_property
    def own_spans(self) -> npt.NDArray[np.int64]:
        return self.own.spans

    @cached_property
    def shared_spans(self) -> npt.NDArray[np.int64]:
        return self.shared.spans

    @cached_property
    def marks(self) -> tuple[tuple[int, str], ...]:
        """Channels that are marks rather than kinds: (channel, mark)."""
        return tuple((row, what.mark) for what, row in self.own.channels.items() if what.mark)

    @cached_property
    def counts(self) -> tuple[Rows, Rows]:
        """(columns, bank rows)"""
        columns, found = self._of(Count)
        return columns, self._rows([(f.what, f.days) for f in found])

    def _rows(self, wanted: Sequence[tuple[Acts, float | None]]) -> Rows:
        return np.array([self.own.row(what, days) for what, days in wanted], np.intp)

    @cached_property
    def shares(self) -> tuple[Rows, Rows, Rows]:
        columns, shares = self._of(Share)
        return columns, self._rows([(f.what, f.days) for f in shares]), self._rows([(f.of, f.days) for f in shares])

    @cached_property
    def trends(self) -> tuple[Rows, Rows, Rows]:
        columns, trends = self._of(Trend)
        return columns, self._rows([(f.what, f.days) for f in trends]), self._rows([(f.what, 2 * f.days) for f in trends])

    @cached_property
    def varieties(self) -> tuple[tuple[int, Rows], ...]:
        return tuple((c, self._rows([(Acts(name, (name,)), f.days) for name in self.types])) for c, f in self.of(Variety))

    @cached_property
    def recencies(self) -> tuple[Rows, Rows, npt.NDArray[np.bool_]]:
        """(columns, channels, asks for the first)"""
        columns, since = self._of(DaysSince)
        channels = np.array([self.own.channel(f.what) for f in since], np.intp)
        return columns, channels, np.array([f.first for f in since], bool)

    @cached_property
    def decays(self) -> tuple[tuple[float, Rows, Rows], ...]:
        """For each half-life in days: (half-life, columns, channels)."""
        decayed = self.of(Decayed)
        lives = sorted({f.half_life_days for _, f in decayed})
        return tuple(
            (
                life,
                np.array([c for c, f in decayed if f.half_life_days == life], np.intp),
                np.array([self.own.channel(f.what) for _, f in decayed if f.half_life_days == life], np.intp),
            )
            for life in lives
        )

    @cached_property
    def decayed_channels(self) -> int:
        return len({f.what for _, f in self.of(Decayed)})

    @cached_property
    def colleagues(self) -> tuple[Rows, Rows, Rows]:
        """(columns, rows of the account's bank, rows of the lead's own bank)"""
        columns, counts = self._of(ColleaguesCount)
        account = np.array([self.shared.row(f.what, f.days) for f in counts], np.intp)
        return columns, account, self._rows([(f.what, f.days) for f in counts])

    @cached_property
    def type_codes(self) -> dict[str, int]:
        return {name: code for code, name in enumerate(self.types)}

    @cached_property
    def asks_for_colleagues(self) -> bool:
        return bool(self._by_kind.keys() & {ColleaguesCount, ColleaguesActive, ColleaguesSilence, GroupSize})

    @cached_property
    def _by_kind(self) -> dict[type[Feature], tuple[tuple[int, Feature], ...]]:
        found: dict[type[Feature], list[tuple[int, Feature]]] = {}
        for column, feature in enumerate(self.features):
            found.setdefault(type(feature), []).append((column, feature))
        return {kind: tuple(pairs) for kind, pairs in found.items()}

    def of(self, kind: type[F]) -> tuple[tuple[int, F], ...]:
        """All features of a kind: (column, feature)."""
        return self._by_kind.get(kind, ())  # type: ignore[return-value]

    @cached_property
    def totals(self) -> tuple[Rows, Rows, Rows]:
        """(columns, channels, windows)"""
        columns, found = self._of(Total)
        channels = np.array([self.own.channels[f.what] for f in found], np.intp)
        return columns, channels, np.array([self.own.windows[window(f.days)] for f in found], np.intp)

    @cached_property
    def total_channels(self) -> tuple[Rows, Rows]:
        """The channels that are summed, and for each total its place among them."""
        distinct, of = np.unique(self.totals[1], return_inverse=True)
        return distinct, of
