"""Reading a CSV, CSV.gz or Parquet file: every column as trimmed text, with the null markers of the mapping taken out.

Only dates and times that a Parquet file stores as such stay what they are. Nothing is guessed: an id keeps its leading zeros.
"""

from __future__ import annotations

import csv
import gzip
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from connectors.files.settings import FileOptions, words
from features.common.errors import DataError, nearest

SEPARATORS = ",;\t|"
SAMPLE_BYTES = 1 << 16
BLOCK_BYTES = 1 << 23  # of a CSV file at once; no row may be longer
BLOCK_ROWS = 1 << 17  # of a Parquet file at once
FIRST_ROW = 2  # the header is row 1, as in a spreadsheet
_BOMS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


@dataclass(frozen=True)
class RawFile:
    """A file as it lies on disk: its path, the name the mapping gives it, how it is written and its column names, trimmed."""

    path: Path
    name: str
    options: FileOptions
    headers: tuple[str, ...]

    @property
    def parquet(self) -> bool:
        return self.path.suffix.lower() in (".parquet", ".pq")

    @property
    def numeric(self) -> frozenset[str]:
        """The columns that a Parquet file stores as numbers."""
        if not self.parquet:
            return frozenset()
        kinds = pq.read_schema(self.path).types
        is_number = [pa.types.is_integer(k) or pa.types.is_floating(k) or pa.types.is_decimal(k) for k in kinds]
        return frozenset(header for header, numeric in zip(self.headers, is_number, strict=True) if numeric)

    def require(self, column: str, purpose: str) -> None:
        """Raise a DataError that offers the nearest column when the file has no such one."""
        if column not in self.headers:
            raise DataError(
                f"{self.name} has no column {column!r}, which the mapping wants for {purpose}.", nearest(column, self.headers)
            )

    def blocks(self, columns: Sequence[str], null_in: Mapping[str, Sequence[object]]) -> Iterator[pa.Table]:
        """These columns, trimmed, null markers taken out, some thousand rows at a time; the first row is row 2 of the file.

        Raises
        ------
        DataError
            for bytes that are not of the encoding, a row with too few or too many fields, or a damaged file.
        """
        for column in null_in:
            self.require(column, "null_in")
        everywhere = [w for marker in self.options.null or () for w in words(marker)]
        markers = {
            name: {"", *everywhere, *(w for marker in null_in.get(name, ()) for w in words(marker))}  # type: ignore[arg-type]
            for name in columns
        }
        for block in _parquet_blocks(self, columns) if self.parquet else _csv_blocks(self, columns):
            yield pa.table({name: _clean(block.column(name), markers[name]) for name in columns})


def open_file(folder: Path, name: str, options: FileOptions) -> RawFile:
    """Find the file, its separator and its column names.

    Raises
    ------
    DataError
        if it is missing, empty, of another kind, or names a column twice.
    """
    path = folder / name
    if not path.is_file():
        near = sorted(p.name for p in path.parent.iterdir() if p.is_file()) if path.parent.is_dir() else None
        remedy = nearest(path.name, near) if near is not None else f"There is no folder {path.parent} either."
        raise DataError(f"There is no file {path}.", f"{remedy} Put it there, or give another `folder:`.")
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            headers = list(pq.read_schema(path).names)
        else:
            options, headers = _sniff(path, name, options)
    except (OSError, EOFError, pa.ArrowInvalid) as error:
        raise DataError(
            f"{path} cannot be read: {error}.", "It is damaged or of another kind: export or copy it anew."
        ) from error
    headers = [h.strip() or f"column {i}" for i, h in enumerate(headers, start=1)]
    duplicates = sorted({h for h in headers if headers.count(h) > 1})
    if duplicates:
        raise DataError(f"{name} has the column {duplicates[0]!r} twice.", "Rename or remove one of them in the file.")
    return RawFile(path, name, options, tuple(headers))


def _sniff(path: Path, name: str, options: FileOptions) -> tuple[FileOptions, list[str]]:
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    with opener(path, "rb") as file:
        sample = file.read(SAMPLE_BYTES)
    if not sample.strip():
        raise DataError(f"{name} is empty.", "Export it again; its first row must name the columns.")
    encoding = next((e for bom, e in _BOMS if sample.startswith(bom)), options.encoding or "utf-8")
    text = sample.decode(encoding, errors="replace").removeprefix("\ufeff")
    lines = text.splitlines(keepends=True)
    full_lines = lines if len(sample) < SAMPLE_BYTES or len(lines) == 1 else lines[:-1]
    separator = options.separator or max(SEPARATORS, key=lambda s: _regularity(full_lines[:50], s))
    header = next(csv.reader(full_lines, delimiter=separator), [])
    return options.model_copy(update={"encoding": encoding, "separator": separator}), header


def _regularity(lines: Sequence[str], separator: str) -> tuple[int, int]:
    """How well a separator cuts the lines: how many have as many fields as the header, then how many fields."""
    rows = list(csv.reader(lines, delimiter=separator))
    width = len(rows[0]) if rows else 0
    return (sum(len(row) == width for row in rows), width) if width > 1 else (0, width)


def _parquet_blocks(file: RawFile, columns: Sequence[str]) -> Iterator[pa.Table]:
    stored = pq.read_schema(file.path).names
    names = [stored[file.headers.index(c)] for c in columns]
    try:
        with pq.ParquetFile(file.path) as parquet:
            empty = parquet.schema_arrow.empty_table().select(names)
            tables = (pa.Table.from_batches([b]).select(names) for b in parquet.iter_batches(BLOCK_ROWS, columns=names))
            yield from (table.rename_columns(list(columns)) for table in chain([empty], tables))
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"{file.name} cannot be read: {error}.", "It is damaged: export or copy it anew.") from error


def _csv_blocks(file: RawFile, columns: Sequence[str]) -> Iterator[pa.Table]:
    try:
        yield from _parse_csv(file, columns)
    except UnicodeDecodeError as error:
        raise _not_of_encoding(file, error) from error
    except (pa.ArrowInvalid, OSError, EOFError) as error:
        if "UTF8" in str(error):
            raise _not_of_encoding(file, error) from error
        row_error = re.search(r"Row #(\d+)|Expected", str(error))
        hint = "Look for a separator or quotation mark inside a value." if row_error else "Export or copy it anew."
        raise _bad_row(file, columns) or DataError(f"{file.name} cannot be read: {error}.", hint) from error


def _parse_csv(file: RawFile, columns: Sequence[str], invalid_rows: list[pacsv.InvalidRow] | None = None) -> Iterator[pa.Table]:
    footer = bool(file.options.footer)

    def remember(row: pacsv.InvalidRow) -> str:
        if footer and row.actual_columns == 1:
            return "skip"
        if invalid_rows is not None:
            invalid_rows.append(row)
        return "skip" if invalid_rows is not None else "error"

    read = pacsv.ReadOptions(
        column_names=list(file.headers),
        skip_rows_after_names=1,
        encoding=file.options.encoding or "utf-8",
        use_threads=invalid_rows is None,
        block_size=BLOCK_BYTES,
    )
    parse = pacsv.ParseOptions(
        delimiter=file.options.separator or ",",
        newlines_in_values=True,
        invalid_row_handler=remember if invalid_rows is not None or footer else None,
    )
    convert = pacsv.ConvertOptions(
        column_types=dict.fromkeys(file.headers, pa.string()), include_columns=list(columns), strings_can_be_null=False
    )
    with pacsv.open_csv(file.path, read_options=read, parse_options=parse, convert_options=convert) as reader:
        yield reader.schema.empty_table()
        for batch in reader:
            yield pa.Table.from_batches([batch])


def _bad_row(file: RawFile, columns: Sequence[str]) -> DataError | None:
    """Read again on one thread, where rows are numbered, to name the first row of the wrong length."""
    invalid_rows: list[pacsv.InvalidRow] = []
    try:
        deque(_parse_csv(file, columns, invalid_rows), maxlen=0)
    except (pa.ArrowInvalid, OSError, EOFError, UnicodeDecodeError):
        return None
    if not invalid_rows:
        return None
    first_row = invalid_rows[0]
    return DataError(
        f"{file.name}, row {first_row.number}: {first_row.actual_columns} fields, not {first_row.expected_columns}: "
        f"{first_row.text[:90]!r}" + (f" (and {len(invalid_rows) - 1} more such rows)." if len(invalid_rows) > 1 else "."),
        f"The separator was taken to be {file.options.separator!r}; set `separator:` or quote the value that holds one.",
    )


def _not_of_encoding(file: RawFile, error: Exception) -> DataError:
    return DataError(
        f"{file.name} is not written in {file.options.encoding} ({error}).",
        "Set `encoding:`; files saved by Excel on Windows are often cp1252, or export as UTF-8.",
    )


def _clean(column: pa.ChunkedArray, markers: Iterable[str]) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = kind.value_type
    if is_moment(kind):
        return column
    text = pc.utf8_trim_whitespace(_as_text(column))
    return pc.if_else(pc.is_in(text, value_set=pa.array(sorted(markers), pa.string())), pa.scalar(None, pa.string()), text)


def is_moment(kind: pa.DataType) -> bool:
    """Is this the type of dates or time stamps?"""
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_nested(column.type):
        return pa.chunked_array([pa.array([None if v is None else str(v) for v in column.to_pylist()], pa.string())])
    return column.cast(pa.string())
