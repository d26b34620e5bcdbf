"""What one pass over interactions tells of them, in a form that adds up over parts of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from features.common.clock import microseconds

DIRECTIONS = ("in", "out")


@dataclass(frozen=True)
class Tally:
    """Of some interactions: `types` and `valued`, rows (and rows with a value) of each type; `directions`; the first and the
    last of the `contents` in their order, which tells whether there is more than one; `odd` rows per direction that is neither
    in nor out; the `first` and `last` moment (µs). `repeated` rows were identical to others and are not among them, `same_day`
    ones are (`features.dataset.repeats`)."""

    types: dict[str, int] = field(default_factory=dict)
    valued: dict[str, int] = field(default_factory=dict)
    directions: tuple[str, ...] = ()
    contents: tuple[str, ...] = ()
    odd: dict[str, int] = field(default_factory=dict)
    first: int | None = None
    last: int | None = None
    repeated: int = 0
    same_day: int = 0

    @classmethod
    def of_frame(cls, rows: pd.DataFrame) -> Tally:
        """Of a table of interactions."""
        moments = microseconds(rows["at"])
        directions = _counted(rows["direction"])
        contents = [str(name) for name in rows["content"].dropna().unique()]
        return cls(
            _counted(rows["type"]),
            _counted(rows["type"][rows["value"].notna()]),
            tuple(sorted(way for way in directions if way in DIRECTIONS)),
            tuple(dict.fromkeys((min(contents), max(contents)))) if contents else (),
            {way: count for way, count in directions.items() if way not in DIRECTIONS},
            int(moments.min()) if len(moments) else None,
            int(moments.max()) if len(moments) else None,
        )

    @property
    def rows(self) -> int:
        return sum(self.types.values())

    @classmethod
    def merged(cls, parts: Iterable[Tally]) -> Tally:
        """One tally of all; the order of the parts makes no difference."""
        types: Counter[str] = Counter()
        valued: Counter[str] = Counter()
        odd: Counter[str] = Counter()
        directions: set[str] = set()
        contents: set[str] = set()
        moments = []
        repeated = same_day = 0
        for part in parts:
            repeated, same_day = repeated + part.repeated, same_day + part.same_day
            types.update(part.types)
            valued.update(part.valued)
            odd.update(part.odd)
            directions |= set(part.directions)
            contents |= set(part.contents)
            moments += [m for m in (part.first, part.last) if m is not None]
        return cls(
            dict(sorted(types.items())),
            dict(sorted(valued.items())),
            tuple(sorted(directions)),
            tuple(dict.fromkeys((min(contents), max(contents)))) if contents else (),
            dict(sorted(odd.items())),
            min(moments, default=None),
            max(moments, default=None),
            repeated,
            same_day,
        )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Tally:
        return cls(**{**saved, "directions": tuple(saved["directions"]), "contents": tuple(saved["contents"])})


def _counted(names: pd.Series[str]) -> dict[str, int]:
    """How many rows have each name, sorted; of a category by its codes, which is a hundred times faster than by its text."""
    return dict(sorted((str(name), int(rows)) for name, rows in names.value_counts().items() if rows))
