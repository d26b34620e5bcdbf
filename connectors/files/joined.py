"""A file with the columns of others beside its own: each row has those of the row of the other file that has its key.

The rows stay those of the first file. Values of the other files have rows of their own, by which they are spoken of. The other
files are held in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from connectors.files.convert import has_point_zero
from connectors.files.reading import FIRST_ROW, ROW, RawFile, open_file
from connectors.files.settings import AttributesFile, FileOptions, JoinedFile, Scalar, ValueMap, words
from features.common.errors import DataError
from features.dataset.data_report import DataReport
from features.dataset.id_matches import mismatch


@dataclass(frozen=True)
class Key:
    """The column of the first file by which another is joined; `pointed`: whether all of it is written as 4711.0."""

    column: str
    pointed: bool

    def texts(self, block: pa.Table) -> pa.ChunkedArray:
        """The keys of the rows of a block, as text."""
        return _texts(block.column(self.column), self.pointed)


@dataclass(frozen=True)
class Matches:
    """Rows of the first file whose key is missing, or no key of the other file (how many, and one such key), and the places
    of the rows of the other file that match."""

    blank: int
    lonely: int
    example: str
    places: pa.Array


@dataclass(frozen=True)
class Side:
    """A file that is joined, read whole: its `rows`, one for each of its `keys` in their order.

    `columns`: what its columns are called in the joined file → their own names; `same_named`: those of them that had to be
    called otherwise. `row_name`: the column of the joined rows that tells which row of this file they have.
    """

    mapping: JoinedFile
    file: RawFile
    key: Key
    keys: pa.Array
    rows: pa.Table
    columns: Mapping[str, str]
    same_named: Mapping[str, str]
    row_name: str
    matches: Matches

    def table(self, names: Sequence[str], null_in: Mapping[str, Sequence[object]]) -> pa.Table:
        """The rows with these columns under their names in the joined file, and `__row__`."""
        cells = {}
        for name in names:
            markers = [word for marker in null_in.get(name, ()) for word in words(cast(Scalar, marker))]
            cells[name] = _without(self.rows.column(self.columns[name]), markers)
        return pa.table({**cells, ROW: self.rows.column(ROW)})


@dataclass(frozen=True)
class JoinedRawFile(RawFile):
    """As a file whose rows have further columns; those of a row whose key no other file has are missing."""

    first: RawFile | None = None
    sides: tuple[Side, ...] = ()

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

    @property
    def chosen(self) -> list[str]:
        """The columns that joined files name under their own `keep`."""
        return [name for side in self.sides if side.mapping.keep != "all" for name in side.columns]

    def value_maps(self, columns: Mapping[str, str]) -> dict[str, ValueMap]:
        """What joined files say under their own `values`, by the target of `columns` (target → column) or the column."""
        maps = {n: side.mapping.values[c] for side in self.sides for n, c in side.columns.items() if c in side.mapping.values}
        targets = [*columns.items(), *((name, name) for name in maps if name not in columns.values())]
        return {target: maps[column] for target, column in targets if column in maps}

    def columns_of(self, file: str) -> list[tuple[str, str]]:
        """The columns of a file of this name, each with what it is called here."""
        sides = [side for side in self.sides if Path(side.file.name) == Path(file)]
        return [*self._own.columns_of(file), *((c, n) for side in sides for n, c in side.columns.items())]

    def options_of(self, column: str) -> FileOptions:
        """How a column is written: as its own file is."""
        side = self._side(column)
        return side.file.options_of(side.columns[column]) if side else self._own.options_of(column)

    def together_with(self, column: str) -> tuple[str, ...]:
        """The columns that stand in the same file as this one."""
        side = self._side(column)
        return tuple(side.columns) if side else self._own.headers

    def title(self, column: str) -> str:
        """The file that a column stands in."""
        side = self._side(column)
        return side.file.name if side else self.name

    def in_own_rows(self, raw: pa.Table, column: str, values: pd.Series[Any]) -> pd.Series[Any]:
        """Values of a column of `raw`, whose index counts the rows of the first file, by the rows of the file that the column
        stands in: several may have the same one."""
        side = self._side(column)
        if side is None:
            return values
        rows = pd.Series(pc.fill_null(raw.column(side.row_name), -1).to_numpy(), index=raw.column(ROW).to_numpy())
        return values.set_axis(pd.Index(rows.reindex(values.index).to_numpy()))

    def matched(self, column: str, null_in: Mapping[str, Sequence[object]]) -> list[pa.Table]:
        """A column that is joined as it stands in its file: each row that is joined, once; nothing for others."""
        side = self._side(column)
        return [side.table([column], null_in).take(side.matches.places)] if side else []

    def all_rows(self, columns: Sequence[str], null_in: Mapping[str, Sequence[object]]) -> list[pa.Table]:
        """Columns of one joined file with all its rows, called `score of profiles.csv`; nothing for those of the first file."""
        side = self._side(columns[0]) if columns else None
        if side is None:
            return []
        names = [f"{side.columns[name]} of {side.file.name}" for name in columns]
        return [side.table(columns, null_in).rename_columns([*names, ROW])]

    def markers(self, column: str, null_in: Mapping[str, Sequence[object]]) -> set[str]:
        """What means in a column that nothing is there."""
        side = self._side(column)
        return (side.file if side else self._own).markers(column, null_in)

    def blocks(self, columns: Sequence[str], null_in: Mapping[str, Sequence[object]]) -> Iterator[pa.Table]:
        """As of the first file, with the columns of the others beside, and those that tell their rows."""
        for column in null_in:
            self.require(column, "null_in")
        sides = [(side, names) for side in self.sides if (names := [n for n in columns if n in side.columns])]
        tables = [side.table(names, null_in).rename_columns([*names, side.row_name]) for side, names in sides]
        own = dict.fromkeys([*(c for c in columns if self._side(c) is None), *(side.key.column for side, _ in sides)])
        missing_words = {column: markers for column, markers in null_in.items() if self._side(column) is None}
        for block in self._own.blocks(list(own), missing_words):
            cells = {name: block.column(name) for name in [*own, ROW]}
            for (side, _), table in zip(sides, tables, strict=True):
                joined = table.take(pc.index_in(side.key.texts(block), value_set=side.keys))
                cells |= {name: joined.column(name) for name in joined.column_names}
            yield pa.table({name: cells[name] for name in [*columns, *(side.row_name for side, _ in sides), ROW]})

    def tell(self, table: str, report: DataReport) -> None:
        """Note what the files hold that is no row, which rows of either have no row in the other, and names of both."""
        self._own.tell(table, report)
        for row_filter in self.filters:
            row_filter.tell(table, self.title(row_filter.column), report)
        for side in self.sides:
            side.file.tell(table, report)
            matches, name = side.matches, side.file.name
            reason = mismatch(matches.example, _series(side.keys), name) if matches.lonely else ""
            (report.warn if reason else report.note)(
                table, f"rows of {self.name} that {name} says nothing of", matches.lonely,
                f"{matches.example}; {reason}" if reason else matches.example, "its columns are missing",
            )  # fmt: skip
            blank = f"rows of {self.name} without a {side.key.column!r}, by which {name} is joined"
            report.note(table, blank, matches.blank, done="its columns are missing")
            strangers = pc.is_in(pa.array(np.arange(len(side.keys))), value_set=matches.places)
            first_stranger = pc.index(strangers, False).as_py()
            example = side.keys[first_stranger].as_py() if first_stranger >= 0 else ""
            unasked = len(side.keys) - len(matches.places)
            report.note(table, f"rows of {name} that no row of {self.name} names", unasked, example, "left out")
            renamed = ", ".join(side.same_named)
            action = "told apart by the name of the file"
            report.note(table, f"columns of {name} with the name of another", len(side.same_named), renamed, action)


def join(first: RawFile, mapping: AttributesFile, options: Sequence[FileOptions], folder: Path) -> RawFile:
    """The file with the columns of those that `mapping` joins to it; `options` (joins) are those of each, completed.

    Raises
    ------
    DataError
        for a file or column that is not there, a key that has several rows in a joined file, or a joined file none of whose
        keys the first file has.
    """
    headers, sides = list(first.headers), list[Side]()
    for joined, its_options in zip(mapping.join, options, strict=True):
        name, its_name = joined.keys
        column = name if name in first.headers else mapping.columns.get(name, name)
        _require_key(first, column, joined, sides)
        file = open_file(folder, joined.file, its_options)
        file.require(its_name, f"the join with {first.name}")
        chosen = joined.keep if joined.keep != "all" else []
        for other in [*joined.exclude, *chosen, *joined.only, *joined.skip, *joined.values]:
            file.require(other, "keep/exclude/only/skip/values")
        names = [n for n in (file.headers if joined.keep == "all" else chosen) if n != its_name and n not in joined.exclude]
        columns = {_free_name(n, joined.file, headers): n for n in dict.fromkeys(names)}
        blocks = file.filtered_blocks(list(dict.fromkeys([its_name, *names])), joined.null_in, joined.only, joined.skip)
        rows = pa.concat_tables(blocks).combine_chunks()
        rows = rows.filter(pc.is_valid(rows.column(its_name)))
        keys = _texts(rows.column(its_name), _pointed(rows.column(its_name)))
        rows = _one_row_each(rows.set_column(rows.column_names.index(its_name), its_name, keys), its_name, joined, first.name)
        keys = pa.array(rows.column(its_name).to_pylist(), pa.string())
        key, matches = _match(first, column, keys, mapping, joined)
        same_named = {n: c for n, c in columns.items() if n != c}
        sides.append(Side(joined, file, key, keys, rows, columns, same_named, f"{ROW}{len(sides) + 1}", matches))
        headers += list(columns)
    return JoinedRawFile(
        first.path, first.name, first.options, tuple(headers), first.parquet, first.gzipped, first.lines, first.above,
        first.repeated, first=first, sides=tuple(sides),
    )  # fmt: skip


def _require_key(first: RawFile, column: str, joined: JoinedFile, sides: Sequence[Side]) -> None:
    other = next((side.file.name for side in sides if column in side.columns), None)
    if other and column not in first.headers:
        raise DataError(
            f"{joined.file} is to be joined by {column!r}, which stands in {other}: files are joined to {first.name} alone.",
            f"Join {other} and {joined.file} before, or name a column of {first.name} under `on:`.",
        )
    first.require(column, f"the join of {joined.file}")


def _free_name(name: str, file: str, headers: Sequence[str]) -> str:
    """What a column is called beside others of these names."""
    candidates = [name, f"{name} ({file})", *(f"{name} ({file} {i})" for i in range(2, len(headers) + 3))]
    return next(candidate for candidate in candidates if candidate not in headers)


def _match(first: RawFile, column: str, keys: pa.Array, mapping: AttributesFile, joined: JoinedFile) -> tuple[Key, Matches]:
    """How the column of the first file matches the keys of a joined one."""
    markers = {name: values for name, values in mapping.null_in.items() if name == column}
    column_keys = pa.concat_tables(first.blocks([column], markers))
    key = Key(column, _pointed(column_keys.column(column)))
    texts = key.texts(column_keys)
    places = pc.index_in(texts, value_set=keys)
    without = pc.and_(pc.is_valid(texts), pc.is_null(places))
    lonely = pc.sum(without).as_py() or 0
    example = str(texts.filter(without)[0]) if lonely else ""
    matching = pa.array(np.unique(places.drop_null().to_numpy()), pa.int64())
    if lonely and not len(matching):
        why = mismatch(example, _series(keys), joined.file) if len(keys) else f"{joined.file} has no row with a key"
        other = f", {joined.file} for example {keys[0].as_py()!r}" if len(keys) else ""
        raise DataError(
            f"No row of {joined.file} has a key that {first.name} names in {column!r}, such as {example!r}{other}"
            + (f": {why}." if why else "."),
            "Say by `on:` which columns hold the same: `on: {column of the first file: column of the joined one}`.",
        )
    return key, Matches(texts.null_count, lonely, example, matching)


def _pointed(column: pa.ChunkedArray) -> bool:
    """Are all of these keys written as 4711.0, as software does that took them for numbers?"""
    return pa.types.is_string(column.type) and bool(has_point_zero(column))


def _texts(column: pa.ChunkedArray, pointed: bool) -> pa.ChunkedArray:
    return pc.utf8_slice_codeunits(column, 0, -2) if pointed else column.cast(pa.string())


def _series(keys: pa.Array) -> pd.Series[str]:
    return pd.Series(keys.to_pylist(), dtype="str")


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
