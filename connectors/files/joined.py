"""A file with the columns of others beside its own: each row has those of the row of the other file that has its key.

The rows stay those of the first file, and so do their numbers. The other files are held in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from connectors.files.reading import FIRST_ROW, ROW, RawFile, open_file
from connectors.files.settings import FileOptions, JoinedFile, Scalar, words
from features.common.errors import DataError
from features.dataset.data_report import DataReport
from features.dataset.id_matches import mismatch


@dataclass(frozen=True)
class Side:
    """A file that is joined, read whole: its `rows`, one for each of its `keys` in their order; the column `key` of the first
    file holds them. `columns`: what its columns are called in the joined file → their own names.
    """

    file: RawFile
    key: str
    keys: pa.ChunkedArray
    rows: pa.Table
    columns: Mapping[str, str]


@dataclass(frozen=True)
class JoinedRawFile(RawFile):
    """As a file whose rows have further columns; those of a row whose key no other file has are missing."""

    first: RawFile | None = None
    sides: tuple[Side, ...] = ()
    unmatched: dict[str, tuple[set[str], int, set[str]]] = field(default_factory=dict)

    def _side(self, column: str) -> Side | None:
        return next((side for side in self.sides if column in side.columns), None)

    @property
    def _own(self) -> RawFile:
        assert self.first is not None  # noqa: S101  what `join` makes has one
        return self.first

    @property
    def numeric(self) -> frozenset[str]:
        """The columns that Parquet files store as numbers."""
        joined = (name for side in self.sides for name, column in side.columns.items() if column in side.file.numeric)
        return self._own.numeric | frozenset(joined)

    def options_of(self, column: str) -> FileOptions:
        """How a column is written: as its own file is."""
        side = self._side(column)
        return side.file.options_of(side.columns[column]) if side else self._own.options_of(column)

    def together_with(self, column: str) -> tuple[str, ...]:
        """The columns that stand in the same file as this one."""
        side = self._side(column)
        return tuple(side.columns) if side else self._own.headers

    def title(self, column: str) -> str:
        """What is said of a value: the file that it stands in, and the one whose rows are counted."""
        side = self._side(column)
        return f"{side.file.name}, joined to {self.name}" if side else self.name

    def markers(self, column: str, null_in: Mapping[str, Sequence[object]]) -> set[str]:
        """What means in a column that nothing is there."""
        side = self._side(column)
        return (side.file if side else self._own).markers(column, null_in)

    def blocks(self, columns: Sequence[str], null_in: Mapping[str, Sequence[object]]) -> Iterator[pa.Table]:
        """As of the first file, with the columns of the others beside."""
        for column in null_in:
            self.require(column, "null_in")
        sides = [side for side in self.sides if any(name in side.columns for name in columns)]
        own = dict.fromkeys([*(c for c in columns if self._side(c) is None), *(side.key for side in sides)])
        missing_words = {column: markers for column, markers in null_in.items() if self._side(column) is None}
        matched: dict[str, set[str]] = {side.file.name: set() for side in sides}
        lonely: dict[str, list[str]] = {side.file.name: [] for side in sides}
        counts = dict.fromkeys(matched, 0)
        for block in self._own.blocks(list(own), missing_words):
            cells = {name: block.column(name) for name in own}
            for side in sides:
                keys = block.column(side.key).cast(pa.string())
                places = pc.index_in(keys, value_set=side.keys)
                without = pc.and_(pc.is_valid(keys), pc.is_null(places))
                counts[side.file.name] += pc.sum(without).as_py() or 0
                lonely[side.file.name] += keys.filter(without).slice(0, 1).to_pylist()
                matched[side.file.name].update(side.keys.take(places.drop_null().unique()).to_pylist())
                for name, column in side.columns.items():
                    if name in columns:
                        values = side.rows.column(column).take(places)
                        cells[name] = _without(
                            values, [w for marker in null_in.get(name, ()) for w in words(cast(Scalar, marker))]
                        )
            yield pa.table({**{name: cells[name] for name in columns}, ROW: block.column(ROW)})
        for side in sides:
            name = side.file.name
            self.unmatched[name] = set(lonely[name][:1]), counts[name], matched[name]

    def tell(self, table: str, report: DataReport) -> None:
        """Note what the files hold that is no row, and which rows of either have no row in the other.

        Raises
        ------
        DataError
            where no row of a joined file is asked for.
        """
        self._own.tell(table, report)
        for side in self.sides:
            side.file.tell(table, report)
            examples, count, matched = self.unmatched.get(side.file.name, (set(), 0, set()))
            example = next(iter(examples), "")
            if count and not matched:
                why = mismatch(example, pd.Series(side.keys.to_pylist(), dtype="str"))
                raise DataError(
                    f"No row of {side.file.name} has a key that {self.name} names in {side.key!r}, such as {example!r}"
                    + (f": {why}." if why else "."),
                    "Say by `on:` which columns hold the same: `on: {column of the first file: column of the joined one}`.",
                )
            report.note(
                table, f"rows of {self.name} that {side.file.name} says nothing of", count, example, "its columns are missing"
            )
            unasked = len(side.keys) - len(matched) if matched else 0
            report.note(table, f"rows of {side.file.name} that no row of {self.name} names", unasked, done="left out")


def join(first: RawFile, joins: Sequence[JoinedFile], options: Sequence[FileOptions], folder: Path) -> RawFile:
    """The file with the columns of others; `options` (joins) are those of each, completed.

    Raises
    ------
    DataError
        for a file or column that is not there, or a key that has several rows in a joined file.
    """
    headers, sides = list(first.headers), []
    for joined, its_options in zip(joins, options, strict=True):
        key, its_key = joined.keys
        first.require(key, f"the join of {joined.file}")
        file = open_file(folder, joined.file, its_options)
        file.require(its_key, f"the join with {first.name}")
        for column in [*joined.exclude, *(joined.keep if joined.keep != "all" else []), *joined.only, *joined.skip]:
            file.require(column, "keep/exclude/only/skip")
        names = [n for n in (file.headers if joined.keep == "all" else joined.keep) if n != its_key and n not in joined.exclude]
        columns = {(f"{name} ({joined.file})" if name in headers else name): name for name in names}
        blocks = file.filtered_blocks(list(dict.fromkeys([its_key, *names])), joined.null_in, joined.only, joined.skip)
        rows = pa.concat_tables(blocks).combine_chunks()
        rows = _one_row_each(rows.filter(pc.is_valid(rows.column(its_key))), its_key, joined, first.name)
        sides.append(Side(file, key, rows.column(its_key).cast(pa.string()), rows, columns))
        headers += list(columns)
    return JoinedRawFile(
        first.path, first.name, first.options, tuple(headers), first.parquet, first.gzipped, first.lines, first.above,
        first.repeated, first=first, sides=tuple(sides),
    )  # fmt: skip


def _one_row_each(rows: pa.Table, key: str, joined: JoinedFile, first: str) -> pa.Table:
    """One row a key: where there are several, of each column the first or the last value that is there."""
    codes, keys = pd.factorize(np.asarray(rows.column(key).cast(pa.string()).to_pylist(), dtype=object))
    if len(keys) == len(codes):
        return rows
    if joined.repeated == "error":
        counts = np.bincount(codes)
        lines = (rows.column(ROW).to_numpy()[codes == int(np.argmax(counts > 1))] + FIRST_ROW)[:3]
        raise DataError(
            f"{joined.file} has {int((counts > 1).sum()):,} keys in several rows, such as {keys[np.argmax(counts > 1)]!r} "
            f"(rows {', '.join(map(str, lines))}): which one belongs to the row of {first}?",
            "Set `repeated: last` (or `first`) at the join; rows with a time of their own are interactions, map them as such.",
        )
    columns = {}
    for name in rows.column_names:
        there = np.flatnonzero(rows.column(name).is_valid().to_numpy())
        ordered = there if joined.repeated == "last" else there[::-1]
        position = np.full(len(keys), -1, np.int64)
        position[codes[ordered]] = ordered  # the last one written stays
        columns[name] = rows.column(name).take(pa.array(position, mask=position < 0))
    return pa.table(columns)


def _without(values: pa.ChunkedArray, markers: Sequence[str]) -> pa.ChunkedArray:
    """The values, those missing that mean nothing is there."""
    if not markers or not pa.types.is_string(values.type):
        return values
    return pc.if_else(pc.is_in(values, value_set=pa.array(markers)), pa.scalar(None, pa.string()), values)
