"""Rows taken out of a file by `only` and `skip`, and which of the values named there no row has.

A value that is nowhere in its column is a slip of the mapping (`test` for `Test`) as often as a precaution; it is told with
what the column holds, since else the rows that were meant stay in silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from connectors.files.settings import Scalar, words
from features.attributes.values import read_flag
from features.common.errors import nearest
from features.common.persons.texts import masked
from features.dataset.data_report import DataReport

MOST_REMEMBERED = 1_000  # values of a column among which the nearest is looked for
SHOWN = 3


@dataclass
class RowFilter:
    """The rows whose `column` has one of `values`: these alone (`only`), or all others (`skip`). `blanks`: what means in the
    column that nothing is there. `absent`: which of the values no row had so far, as they are written in the mapping."""

    key: Literal["only", "skip"]
    column: str
    values: Sequence[Scalar]
    blanks: frozenset[str]
    absent: dict[str, frozenset[str]] = field(init=False)
    distinct: dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        spellings = {str(value): frozenset(words(value)) for value in self.values}
        self._sought = frozenset().union(*spellings.values())
        for flag in (0, 1):  # [true, 1] is one wish in two spellings
            if labels := [label for label in spellings if read_flag(label) == flag]:
                spellings[labels[0]] = frozenset().union(*(spellings.pop(label) for label in labels))
        self.absent = {label: of_it for label, of_it in spellings.items() if not of_it & self.blanks}

    def mask(self, table: pa.Table) -> pa.ChunkedArray:
        """Which rows have one of the values; one that means "nothing there" is that of blank ones."""
        texts = table.column(self.column).cast(pa.string())
        mask = pc.fill_null(pc.is_in(texts, value_set=pa.array(sorted(self._sought), pa.string())), False)
        if self.absent:
            hits = set(pc.unique(texts.filter(mask)).to_pylist())
            self.absent = {label: of_it for label, of_it in self.absent.items() if not of_it & hits}
        if self.absent and len(self.distinct) < MOST_REMEMBERED:
            self.distinct.update(dict.fromkeys(pc.unique(texts.drop_null()).slice(0, MOST_REMEMBERED).to_pylist()))
        return pc.or_(mask, pc.is_null(texts)) if self._sought & self.blanks else mask

    def tell(self, table: str, file: str, report: DataReport) -> None:
        """Warn of values that no row of the file has, once all were read."""
        speaking = [value for value in self.distinct if masked(value, self.column) == repr(value)]
        by_case = {value.casefold(): value for value in speaking}
        hints = []
        for label in list(self.absent)[:SHOWN]:
            same = by_case.get(label.casefold())
            hints.append(f"{label!r}: did you mean {same!r}?" if same else f"{label!r}: {nearest(label, speaking)}")
        what = f"values under `{self.key}:` that the column {self.column!r} of {file} never has"
        action = f"no row is {'kept' if self.key == 'only' else 'left out'} for them"
        report.warn(table, what, len(self.absent), "; ".join(hints), action)


def filtered(table: pa.Table, filters: Sequence[RowFilter]) -> pa.Table:
    """The rows that all filters leave."""
    masks = [pc.invert(mask) if f.key == "skip" else mask for f, mask in ((f, f.mask(table)) for f in filters)]
    return table.filter(reduce(pc.and_, masks)) if masks else table
