"""A file and its mapping → a frame with the columns of a table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from connectors.files.convert import Origin, Texts, as_kind, as_time, distinct_map, has_point_zero, translate
from connectors.files.infer import infer
from connectors.files.joined import join
from connectors.files.reading import FIRST_ROW, ROW, RawFile, is_moment, open_file
from connectors.files.settings import AttributesFile, FileOptions, FilesSource, LeadsFile, LeadStagesFile, TableFile, words
from connectors.files.writing import ColumnWriting, OtherColumns
from features.attributes.values import has_opted_out, read_flag
from features.common.errors import ConfigError, RowError, RowErrors, nearest
from features.common.persons.texts import mail_domain, masked
from features.dataset.data_report import DataReport
from features.dataset.persons import Screen, screen_table
from features.dataset.tables import INTERACTIONS, REPEATED, TABLES, Column, Table


class MappedFile:
    """One file opened with its mapping: knows which of its columns feeds which column of `table`."""

    def __init__(self, source: FilesSource, mapping: TableFile, table: str, folder: Path) -> None:
        self.mapping = mapping
        self.table = TABLES[table]
        self.file: RawFile = open_file(folder, mapping.file, source.options(mapping))
        if isinstance(mapping, AttributesFile) and mapping.join:
            self.file = join(self.file, mapping, [source.options(joined) for joined in mapping.join], folder)
        self._other_columns: dict[tuple[str, ...], OtherColumns] = {}
        for name in self.table.names:
            if name in self.file.repeated and name not in mapping.columns and name not in mapping.constants:
                self.file.require(name, f"{table}.{name}")
        same_named = {c: c for c in self.table.names if c in self.file.headers and c not in mapping.constants}
        excluded = mapping.exclude if isinstance(mapping, AttributesFile) else []
        reserved = {*mapping.columns.values(), *excluded}
        self.columns = {**{c: h for c, h in same_named.items() if h not in reserved}, **mapping.columns}
        for target, column in self.columns.items():
            self.file.require(column, f"{table}.{target}")
        for column in [*mapping.only, *mapping.skip]:
            self.file.require(column, "only/skip")
        if joined_values := self.file.value_maps(self.columns):
            self.mapping = mapping.model_copy(update={"values": {**joined_values, **mapping.values}})

    def origin(self, target: str) -> Origin:
        column = self.columns.get(target, target)
        return Origin(self.file.title(column), column, target)

    def custom(self) -> list[str]:
        """The columns that become custom attributes under their own name, personal ones still among them."""
        mapping = self.mapping
        if not isinstance(mapping, AttributesFile):
            return []
        for column in [*mapping.exclude, *(mapping.keep if mapping.keep != "all" else [])]:
            self.file.require(column, "keep/exclude")
        candidates = self.file.headers if mapping.keep == "all" else list(dict.fromkeys([*mapping.keep, *self.file.chosen]))
        excluded = {*self.columns.values(), *mapping.exclude, *mapping.constants}
        return [c for c in candidates if c not in excluded]

    @property
    def outcome(self) -> list[str]:
        """The columns of a flat file that say what came of its leads, and when."""
        outcome = self.mapping.outcome if isinstance(self.mapping, LeadsFile) else None
        return list(dict.fromkeys(c for c in (outcome.column, outcome.at) if c)) if outcome else []

    def options_of(self, column: str) -> FileOptions:
        """How a column is written."""
        return self.file.options_of(column)

    def other_columns(self, column: str) -> OtherColumns:
        """What the columns of the same file that are neither ids nor text say about how it is written."""
        headers = self.file.together_with(column)
        if headers not in self._other_columns:
            telling = telling_columns(self.table, headers, self.columns, self.file)
            joined = self.file.all_rows(telling, self.mapping.null_in)
            self._other_columns[headers] = OtherColumns(
                lambda: joined or (block.select([*telling, ROW]) for block in self.blocks(telling))
            )
        return self._other_columns[headers]

    def read(self, extra_columns: Sequence[str] = ()) -> pa.Table:
        """All of `blocks` as one."""
        return pa.concat_tables(self.blocks(extra_columns))

    def blocks(self, extra_columns: Sequence[str] = ()) -> Iterator[pa.Table]:
        """The mapped columns and `extra_columns`, some thousand rows at a time, the first block being empty; rows taken out by
        only and skip are gone, `__row__` counts the rows of the file."""
        mapping = self.mapping
        columns = dict.fromkeys([*self.columns.values(), *extra_columns])
        yield from self.file.filtered_blocks(list(columns), mapping.null_in, mapping.only, mapping.skip)


def telling_columns(table: Table, headers: Sequence[str], columns: Mapping[str, str], file: RawFile) -> list[str]:
    """Of these columns those that may say how dates and numbers of their file are written: neither ids nor texts of `table`."""
    kinds = {c.name: c.kind for c in table.columns}
    ids = {header for target, header in columns.items() if kinds.get(target) in ("id", "text", "flag")}
    return [header for header in headers if header not in ids | file.numeric]


def text_series(table: pa.Table, column: str, repeated: bool) -> Texts:
    """A column as pandas text, or a category where values repeat; the index counts the rows of the file from 0."""
    rows = pd.Index(table.column(ROW).to_numpy())
    values = table.column(column)
    if is_moment(values.type):
        return (
            pd.Series(values.to_pandas().to_numpy(), index=rows).astype("datetime64[us]")
            if _naive(values)
            else _zoned(values, rows)
        )
    if repeated:
        chunks = values.dictionary_encode().unify_dictionaries().chunks
        codes = [pc.fill_null(chunk.indices, -1).to_numpy(zero_copy_only=False) for chunk in chunks]
        levels = pd.Index(chunks[0].dictionary.to_pylist() if chunks else [], dtype="str")
        joined_codes = np.concatenate(codes) if codes else np.empty(0, np.int8)
        return pd.Series(pd.Categorical.from_codes(joined_codes, categories=levels), index=rows)
    return pd.Series(values.to_pandas().astype("str").array, index=rows)


def _naive(values: pa.ChunkedArray) -> bool:
    return not (pa.types.is_timestamp(values.type) and values.type.tz)


def _zoned(values: pa.ChunkedArray, rows: pd.Index) -> pd.Series[Any]:
    return as_time(pd.Series(values.to_pandas().dt.tz_convert("UTC").array, index=rows))


def frame_of(mapped: MappedFile, report: DataReport, raw: pa.Table | None = None) -> pd.DataFrame:
    """As `frames_of`, in one block (`raw`, the whole file)."""
    table = mapped.read() if raw is None else raw
    (frame,) = frames_of(mapped, report, lambda: [table])
    return frame


def frames_of(mapped: MappedFile, report: DataReport, blocks: Callable[[], Iterable[pa.Table]]) -> Iterator[pd.DataFrame]:
    """Blocks of a file → frames of the columns the mapping names, each of its kind; rows whose required value the value map
    drops are gone. Blocks are gone through twice where ids are written as 4711.0 in the first.

    What is wrong is told once all rows were seen, in the words in which one block of all of them would tell it.

    Raises
    ------
    ConfigError
        if a value map is of a column that is not mapped.
    DataError
        for a value that cannot be read or a required one that is missing.
    """
    mapping, targets = mapped.mapping, [*mapped.columns, *mapped.mapping.constants, *mapped.outcome]
    for name in mapping.values:
        if name not in targets and name not in mapped.custom():
            raise ConfigError(
                f"source.{mapped.table.name}.values: {name!r} is no column of the mapping of {mapping.file}.",
                nearest(name, [*targets, *mapped.custom()]),
            )
    pointed, errors, left_out, screen = _pointed(mapped, blocks), RowErrors(), 0, Screen(mapped.table.name)
    writings = _writings(mapped, blocks, pointed)
    for raw in blocks():
        frame, dropped = _block_frame(mapped, report, raw, pointed, errors, writings)
        left_out += int(dropped.sum())
        if not errors:
            yield screen_table(mapped.table.name, frame[~dropped], screen)
    errors.check()
    for target, writing in writings.items():
        remark(report, mapped.table.name, mapped.origin(target), writing)
    mapped.file.tell(mapped.table.name, report)
    screen.tell(report)
    report.note(mapped.table.name, f"rows of {mapping.file} left out", left_out, done="their value is mapped to null")


def remark(report: DataReport, table: str, origin: Origin, writing: ColumnWriting) -> None:
    """Say in the report what there is to say about how a column is written."""
    for about in writing.remarks:
        add = report.warn if about.level == "warning" else report.note
        add(table, about.what, 1, f"{origin.column!r} of {origin.file}: {about.example}", about.action)


def _writings(
    mapped: MappedFile, blocks: Callable[[], Iterable[pa.Table]], pointed: Collection[str]
) -> dict[str, ColumnWriting]:
    """Of each target, how its column is written, should anybody need to know."""

    def values_of(target: str) -> Callable[[], Iterator[Texts]]:
        return lambda: (
            _values(mapped, raw, target, pd.Index(raw.column(ROW).to_numpy()), pointed)[0]
            for raw in mapped.file.matched(mapped.columns[target], mapped.mapping.null_in) or blocks()
        )

    return {
        target: ColumnWriting(
            mapped.options_of(column), values_of(target), mapped.other_columns(column), column, counts=target == "employees",
            strict=target in mapped.table.names,
        )
        for target, column in mapped.columns.items()
    }  # fmt: skip


def _pointed(mapped: MappedFile, blocks: Callable[[], Iterable[pa.Table]]) -> set[str]:
    """The columns of the file that hold ids or names all of which are written as 4711.0."""
    text_columns = [c.name for c in mapped.table.columns if c.kind in ("id", "text") and c.name not in mapped.mapping.values]
    undecided = {mapped.columns[name] for name in text_columns if name in mapped.columns}
    pointed: set[str] = set()
    for raw in blocks():
        for column in list(undecided | pointed):
            values = raw.column(column)
            all_pointed = None if is_moment(values.type) else has_point_zero(values)
            if all_pointed is not None:
                undecided.discard(column)
                (pointed.add if all_pointed else pointed.discard)(column)
        if not undecided and not pointed:
            break
    return pointed


def _block_frame(
    mapped: MappedFile,
    report: DataReport,
    raw: pa.Table,
    pointed: Collection[str],
    errors: RowErrors,
    writings: Mapping[str, ColumnWriting],
) -> tuple[pd.DataFrame, npt.NDArray[np.bool_]]:
    """The mapped columns of a block, and which of its rows are dropped; what cannot be read is missing, and in `errors`."""
    index = pd.Index(raw.column(ROW).to_numpy())
    dropped = np.zeros(len(index), dtype=bool)
    columns: dict[str, pd.Series[Any]] = {}
    table_columns = {c.name: c for c in mapped.table.columns}
    for number, target in enumerate([*mapped.columns, *mapped.mapping.constants]):
        values, is_dropped = _values(mapped, raw, target, index, pointed)
        column = table_columns.get(target)
        if column is not None and column.required:
            is_dropped |= _without_key(mapped, target, values, report)
            dropped |= is_dropped
            with errors.column(2 * number):
                _require(values, is_dropped, mapped.origin(target), mapped.file.name)
        with errors.column(2 * number + 1):
            values = mapped.file.in_own_rows(raw, mapped.columns.get(target, target), values)
            columns[target] = _convert(mapped, column, target, values, writings.get(target), report).set_axis(index)
    return pd.DataFrame(columns, index=index), dropped


def _values(
    mapped: MappedFile, raw: pa.Table, target: str, index: pd.Index, pointed: Collection[str]
) -> tuple[Texts, npt.NDArray[np.bool_]]:
    mapping = mapped.mapping
    none_dropped = np.zeros(len(index), dtype=bool)
    if target in mapping.constants:
        text = words(mapping.constants[target])[0]
        return pd.Series(
            pd.Categorical.from_codes(np.zeros(len(index), np.int8), categories=pd.Index([text], dtype="str")), index=index
        ), none_dropped
    source_column = mapped.columns[target]
    if source_column in pointed and target not in mapping.values:
        number = raw.column_names.index(source_column)
        raw = raw.set_column(number, source_column, pc.utf8_slice_codeunits(raw.column(source_column), 0, -2))
    repeated = target in REPEATED and not (target == "lead_id" and mapped.table is not INTERACTIONS)
    values = text_series(raw, source_column, repeated or target in mapping.values)
    return translate(values, mapping.values[target]) if target in mapping.values else (values, none_dropped)


def _without_key(mapped: MappedFile, target: str, values: Texts, report: DataReport) -> npt.NDArray[np.bool_]:
    """Rows that speak of no company, in a file of leads that companies are taken from."""
    keyless = np.zeros(len(values), dtype=bool)
    if target == mapped.table.key and isinstance(mapped.mapping, AttributesFile) and mapped.mapping.repeated != "error":
        keyless = values.isna().to_numpy()
        report.note(mapped.table.name, f"rows without a {target}", int(keyless.sum()), done="left out")
    return keyless


def _require(values: Texts, is_dropped: npt.NDArray[np.bool_], origin: Origin, file: str) -> None:
    missing = values.isna().to_numpy() & ~is_dropped
    if missing.any():
        row = values.index[int(np.flatnonzero(missing)[0])]
        elsewhere = f" of {origin.file}" if origin.file != file else ""
        location = f"{file}, row {row + FIRST_ROW}, column {origin.column!r}{elsewhere}"
        raise RowError(
            lambda rows: f"{location}: empty, but every row needs a {origin.target} ({rows:,} such rows).",
            f"Fill it in, take such rows out with `only:` or `skip:`, or give `constants: {{{origin.target}: …}}`.",
            int(missing.sum()),
        )


def _convert(
    mapped: MappedFile, column: Column | None, target: str, values: Texts, writing: ColumnWriting | None, report: DataReport
) -> pd.Series[Any]:
    options = writing.options if writing else mapped.file.options
    if column is None:
        return infer(values, options, writing)
    if column.name == "email_domain":
        return distinct_map(values, mail_domain).astype("str")
    if column.name == "opted_out":
        return _opt_outs(mapped, values, report)
    converted = as_kind(values, column.kind, options, mapped.origin(target), writing)
    return converted if column.kind not in ("id", "text") or column.name in REPEATED else converted.astype("str")


def _opt_outs(mapped: MappedFile, values: Texts, report: DataReport) -> pd.Series[Any]:
    """Who has opted out: a yes, and what is neither yes nor no."""
    flags = distinct_map(values, has_opted_out).astype("boolean")
    unclear = distinct_map(values, lambda mark: bool(np.isnan(read_flag(mark)))).fillna(False).to_numpy(bool)
    examples = ", ".join(masked(text) for text in sorted(values[unclear].astype("str").unique())[:5])
    action = "taken as opted out; `values: {opted_out: {…: false}}` translates it"
    report.warn(mapped.table.name, "opt-outs that are neither yes nor no", int(unclear.sum()), examples, action)
    return flags


def wide_lead_stages(mapped: MappedFile, report: DataReport) -> pd.DataFrame:
    """One row a lead and a date column a lead stage → one row each time a lead stage is reached."""
    mapping = mapped.mapping
    if not isinstance(mapping, LeadStagesFile):
        raise TypeError(f"{type(mapping).__name__} has no dates")
    for stage, column in mapping.dates.items():
        mapped.file.require(column, f"the date of {stage!r}")
    mapped.columns = {"lead_id": mapped.columns["lead_id"]} if "lead_id" in mapped.columns else {}
    raw = mapped.read(list(mapping.dates.values()))
    ids = frame_of(mapped, report, raw)
    parts = []
    for stage, column in mapping.dates.items():
        texts = text_series(raw, column, repeated=False)
        origin = Origin(mapped.file.name, column, stage)
        writing = ColumnWriting(mapped.file.options, None, mapped.other_columns(column), column)
        times = as_kind(texts, "time", mapped.file.options, origin, writing)
        remark(report, mapped.table.name, origin, writing)
        part = pd.DataFrame({"lead_id": ids["lead_id"], "lead_stage": stage, "at": times.reindex(ids.index)})
        parts.append(part[part["at"].notna()])
    return pd.concat(parts)


def check_required(mapped: MappedFile, derived: Mapping[str, object]) -> None:
    """Raise a ConfigError when a required column is neither mapped, constant nor derived."""
    provided = {*mapped.columns, *mapped.mapping.constants, *derived}
    for name in mapped.table.required:
        if name not in provided:
            raise ConfigError(
                f"source.{mapped.table.name}: nothing is mapped to {name!r}, nor has {mapped.file.name} a column of that name.",
                f"Add `columns: {{{name}: …}}` with one of: {', '.join(map(repr, mapped.file.headers[:30]))}.",
            )
