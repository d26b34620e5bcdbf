"""A file and its mapping → a frame with the columns of a table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from connectors.files.convert import Origin, Texts, as_kind, as_time, distinct_map, translate, whole_numbers
from connectors.files.infer import infer
from connectors.files.privacy import is_personal, mail_domain, personal_content
from connectors.files.reading import FIRST_ROW, RawFile, is_moment, open_file
from connectors.files.settings import AttributesFile, FilesSource, LeadStagesFile, Scalar, TableFile, words
from features.common.errors import ConfigError, DataError, nearest
from features.dataset.data_report import DataReport
from features.dataset.tables import INTERACTIONS, REPEATED, TABLES, Column


class MappedFile:
    """One file opened with its mapping: knows which of its columns feeds which column of `table`."""

    def __init__(self, source: FilesSource, mapping: TableFile, table: str, folder: Path) -> None:
        self.mapping = mapping
        self.table = TABLES[table]
        self.file: RawFile = open_file(folder, mapping.file, source.options(mapping))
        same_named = {c: c for c in self.table.names if c in self.file.headers and c not in mapping.constants}
        excluded = mapping.exclude if isinstance(mapping, AttributesFile) else []
        reserved = {*mapping.columns.values(), *excluded}
        self.columns = {**{c: h for c, h in same_named.items() if h not in reserved}, **mapping.columns}
        for target, column in self.columns.items():
            self.file.require(column, f"{table}.{target}")
        for column in [*mapping.only, *mapping.skip]:
            self.file.require(column, "only/skip")

    def origin(self, target: str) -> Origin:
        return Origin(self.file.name, self.columns.get(target, target), target)

    def custom(self) -> list[str]:
        """The columns that become custom attributes under their own name, personal ones still among them."""
        mapping = self.mapping
        if not isinstance(mapping, AttributesFile):
            return []
        for column in [*mapping.exclude, *(mapping.keep if mapping.keep != "all" else [])]:
            self.file.require(column, "keep/exclude")
        candidates = self.file.headers if mapping.keep == "all" else mapping.keep
        excluded = {*self.columns.values(), *mapping.exclude, *mapping.constants}
        return [c for c in candidates if c not in excluded]

    def read(self, extra_columns: Sequence[str] = ()) -> pa.Table:
        """The mapped columns and `extra_columns`; rows taken out by only and skip are gone, `__row__` counts the rows of the
        file."""
        mapping = self.mapping
        columns = dict.fromkeys([*self.columns.values(), *extra_columns, *mapping.only, *mapping.skip])
        table = self.file.read(list(columns), mapping.null_in)
        table = table.append_column("__row__", pa.array(np.arange(table.num_rows, dtype=np.int64)))
        for column, values in mapping.only.items():
            table = table.filter(_value_mask(table.column(column), values))
        for column, values in mapping.skip.items():
            table = table.filter(pc.invert(_value_mask(table.column(column), values)))
        return table


def _value_mask(column: pa.ChunkedArray, values: Sequence[Scalar]) -> pa.ChunkedArray:
    allowed = pa.array([w for value in values for w in words(value)], pa.string())
    return pc.fill_null(pc.is_in(column.cast(pa.string()), value_set=allowed), False)


def text_series(table: pa.Table, column: str, repeated: bool) -> Texts:
    """A column as pandas text, or a category where values repeat; the index counts the rows of the file from 0."""
    rows = pd.Index(table.column("__row__").to_numpy())
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
    """The columns the mapping names, each of its kind; rows whose required value the value map drops are gone.

    Raises
    ------
    ConfigError
        if a required column is neither mapped nor constant.
    DataError
        for a value that cannot be read or a required one that is missing.
    """
    table, mapping = mapped.table, mapped.mapping
    raw = mapped.read() if raw is None else raw
    index = pd.Index(raw.column("__row__").to_numpy())
    dropped = np.zeros(len(index), dtype=bool)
    columns: dict[str, pd.Series[Any]] = {}
    table_columns = {c.name: c for c in table.columns}
    for target in [*mapped.columns, *mapping.constants]:
        values, is_dropped = _values(mapped, raw, target, index)
        column = table_columns.get(target)
        if column is not None and column.required:
            is_dropped |= _without_key(mapped, target, values, report)
            dropped |= is_dropped
            _require(values, is_dropped, mapped.origin(target))
        columns[target] = _convert(mapped, column, target, values)
    for name in mapping.values:
        if name not in columns and name not in mapped.custom():
            raise ConfigError(
                f"source.{table.name}.values: {name!r} is no column of the mapping of {mapping.file}.",
                nearest(name, [*columns, *mapped.custom()]),
            )
    report.note(table.name, f"rows of {mapping.file} left out", int(dropped.sum()), done="their value is mapped to null")
    return pd.DataFrame(columns, index=index)[~dropped]


def _values(mapped: MappedFile, raw: pa.Table, target: str, index: pd.Index) -> tuple[Texts, npt.NDArray[np.bool_]]:
    mapping = mapped.mapping
    none_dropped = np.zeros(len(index), dtype=bool)
    if target in mapping.constants:
        text = words(mapping.constants[target])[0]
        return pd.Series(
            pd.Categorical.from_codes(np.zeros(len(index), np.int8), categories=pd.Index([text], dtype="str")), index=index
        ), none_dropped
    repeated = target in REPEATED and not (target == "lead_id" and mapped.table is not INTERACTIONS)
    values = text_series(raw, mapped.columns[target], repeated or target in mapping.values)
    if target in mapping.values:
        return translate(values, mapping.values[target])
    kinds = {c.name: c.kind for c in mapped.table.columns}
    return (whole_numbers(values) if kinds.get(target) in ("id", "text") else values), none_dropped


def _without_key(mapped: MappedFile, target: str, values: Texts, report: DataReport) -> npt.NDArray[np.bool_]:
    """Rows that speak of no company, in a file of leads that companies are taken from."""
    keyless = np.zeros(len(values), dtype=bool)
    if target == mapped.table.key and isinstance(mapped.mapping, AttributesFile) and mapped.mapping.repeated != "error":
        keyless = values.isna().to_numpy()
        report.note(mapped.table.name, f"rows without a {target}", int(keyless.sum()), done="left out")
    return keyless


def _require(values: Texts, is_dropped: npt.NDArray[np.bool_], origin: Origin) -> None:
    missing = values.isna().to_numpy() & ~is_dropped
    if missing.any():
        row = values.index[int(np.flatnonzero(missing)[0])]
        raise DataError(
            f"{origin.file}, row {row + FIRST_ROW}, column {origin.column!r}: empty, but every row needs a {origin.target}"
            f" ({int(missing.sum()):,} such rows).",
            f"Fill it in, take such rows out with `only:` or `skip:`, or give `constants: {{{origin.target}: …}}`.",
        )


def _convert(mapped: MappedFile, column: Column | None, target: str, values: Texts) -> pd.Series[Any]:
    if column is None:
        return infer(values, mapped.file.options)
    if column.name == "email_domain":
        return distinct_map(values, mail_domain).astype("str")
    converted = as_kind(values, column.kind, mapped.file.options, mapped.origin(target))
    return converted if column.kind not in ("id", "text") or column.name in REPEATED else _plain(converted)


def _plain(values: Texts) -> pd.Series[Any]:
    return values.astype("str")


def attributes_frame(mapped: MappedFile, report: DataReport, reserved: Collection[str] = ()) -> pd.DataFrame:
    """Leads or companies: the mapped columns, then the custom ones that are neither empty nor personal.

    `reserved` columns tell what came of a lead or belong to other tables: as attributes they would leak.
    """
    custom = [c for c in mapped.custom() if c not in reserved]
    raw = mapped.read(custom)
    frame = frame_of(mapped, report, raw)
    personal: dict[str, str] = {}
    hollow: list[str] = []
    custom_columns: dict[str, pd.Series[Any]] = {}
    for column in custom:
        repeated = column in mapped.mapping.values
        texts = text_series(raw, column, repeated).reindex(frame.index)
        if repeated:
            texts = translate(texts, mapped.mapping.values[column])[0]
        if texts.isna().all():
            hollow.append(column)
            continue
        values = infer(texts, mapped.file.options)
        kind = is_personal(column, values, texts, mapped.table.name)
        if kind:
            personal[column] = kind
        else:
            custom_columns[f"{column} (file)" if column in frame else column] = values  # the mapped column has the name already
    frame = pd.concat([frame, pd.DataFrame(custom_columns, index=frame.index)], axis=1)
    listed = ", ".join(f"{c} ({kind})" for c, kind in personal.items())
    report.note(mapped.table.name, "personal columns not taken", len(personal), listed, "map one under `columns:` to keep it")
    report.note(mapped.table.name, "all-empty columns not taken", len(hollow), ", ".join(hollow))
    _warn_mail_ids(mapped, frame, report)
    return _one_row_each(mapped, frame, report)


def _warn_mail_ids(mapped: MappedFile, frame: pd.DataFrame, report: DataReport) -> None:
    key = mapped.table.key
    if key in frame and personal_content(frame[key]) == "e-mail address":
        report.warn(mapped.table.name, f"{key}s are e-mail addresses", len(frame), done="kept; better use the id of your CRM")


def _one_row_each(mapped: MappedFile, frame: pd.DataFrame, report: DataReport) -> pd.DataFrame:
    mapping, key = mapped.mapping, mapped.table.key
    if not isinstance(mapping, AttributesFile) or mapping.repeated == "error" or key not in frame:
        return frame
    kept_row: Any = mapping.repeated
    repeated = frame[key].duplicated(keep=kept_row)
    report.note(mapped.table.name, f"further rows of the same {key}", int(repeated.sum()), done=f"the {kept_row} one was kept")
    return frame[~repeated]


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
        times = as_kind(texts, "time", mapped.file.options, Origin(mapped.file.name, column, stage))
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
