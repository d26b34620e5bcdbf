"""What one pass over interactions tells of them, in a form that adds up over buckets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from features.catalogue import DataProfile
from features.dataset.tables import MIN_TYPE_ROWS


@dataclass(frozen=True)
class Tally:
    """Of some interactions: `types` and `valued`, rows (and rows with a value) of each type; `directions`; the first and the
    last of the `contents` in their order, which tells whether there is more than one; `odd` rows per direction that is neither
    in nor out; the `first` and `last` moment (µs)."""

    types: dict[str, int] = field(default_factory=dict)
    valued: dict[str, int] = field(default_factory=dict)
    directions: tuple[str, ...] = ()
    contents: tuple[str, ...] = ()
    odd: dict[str, int] = field(default_factory=dict)
    first: int | None = None
    last: int | None = None

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
        for part in parts:
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
        )

    def observed(self, *, accounts: bool, dates: bool) -> DataProfile:
        """What features the data can carry: the same as `features.engine.histories.data_profile` says of all rows at once."""
        types = [name for name, rows in self.types.items() if rows >= MIN_TYPE_ROWS]
        return DataProfile(
            types=tuple(sorted(types, key=lambda name: (-self.types[name], name))),
            valued=tuple(sorted(name for name, rows in self.valued.items() if rows >= MIN_TYPE_ROWS and name in types)),
            directions=frozenset(self.directions),
            contents=len(self.contents) > 1,
            accounts=accounts,
            dates=dates,
        )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Tally:
        return cls(**{**saved, "directions": tuple(saved["directions"]), "contents": tuple(saved["contents"])})
