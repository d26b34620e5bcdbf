"""Reading a CSV, CSV.gz or Parquet file: every column as trimmed text, with the null markers of the mapping taken out.

Only dates and times that a Parquet file stores as such stay what they are. Nothing is guessed: an id keeps its leading zeros.
"""

from __future__ import annotations

import codecs
import gzip
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, TextIO, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from connectors.files.dialect import Dialect, find_dialect
from connectors.files.excerpts import shown_line
from connectors.files.record_check import RecordCheck, is_total
from connectors.files.record_scan import HOLLOW, LINE, RecordScan
from connectors.files.row_filters import RowFilter, filtered
from connectors.files.settings import FileOptions, Scalar, ValueMap, words
from features.common.errors import DataError, nearest
from features.dataset.data_report import DataReport

SAMPLE_BYTES = 1 << 16
BLOCK_BYTES = 1 << 23  # of a CSV file at once; no row may be longer
BLOCK_ROWS = 1 << 17  # of a Parquet file at once
FIRST_ROW = 2  # what is added to `__row__` is the row of a spreadsheet: where nothing stands above the header, it is row 1
ROW = "__row__"
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"

Values: TypeAlias = Mapping[str, Sequence[Scalar]]  # of columns


@dataclass(frozen=True)
class RawFile:
    """A file as it lies on disk: its path, the name the mapping gives it, how it is written and its column names, trimmed.

    Of columns of one name (`repeated`) each has its place in its name. `lines`: how many there are up to the end of the header
    of a CSV file; `above`: what stands above it. `left_out`: of what is no row, how many and an example, once all was read.
    `filters`: those by which rows were taken out so far, with what they met.
    """

    path: Path
    name: str
    options: FileOptions
    headers: tuple[str, ...]
    parquet: bool = False
    gzipped: bool = False
    lines: int = 1
    above: tuple[str, ...] = ()
    repeated: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    left_out: dict[str, tuple[int, str]] = field(default_factory=dict)
    filters: list[RowFilter] = field(default_factory=list)

    @property
    def numeric(self) -> frozenset[str]:
        """The columns that a Parquet file stores as numbers."""
        if not self.parquet:
            return frozenset()
        kinds = pq.read_schema(self.path).types
        is_number = [pa.types.is_integer(k) or pa.types.is_floating(k) or pa.types.is_decimal(k) for k in kinds]
        return frozenset(header for header, numeric in zip(self.headers, is_number, strict=True) if numeric)

    def require(self, column: str, purpose: str) -> None:
        """Raise a DataError that offers the nearest column when the file has no such one, or several."""
        if column in self.repeated:
            places = " and ".join(map(str, self.repeated[column]))
            raise DataError(
                f"{self.name} has the column {column!r} twice (columns {places}), which the mapping wants for {purpose}.",
                f"Rename one in the file, or name the one that is meant: {numbered(column, self.repeated[column][0])!r}.",
            )
        if column not in self.headers:
            where = f" (row {self.lines} was taken for the header)" if self.lines > 1 else ""
            raise DataError(
                f"{self.name} has no column {column!r}{where}, which the mapping wants for {purpose}.",
                nearest(column, self.headers),
            )

    def blocks(self, columns: Sequence[str], null_in: Mapping[str, Sequence[object]]) -> Iterator[pa.Table]:
        """These columns, trimmed, null markers taken out, some thousand rows at a time.

        `__row__` tells the line that each begins on, `FIRST_ROW` less.

        Raises
        ------
        DataError
            for bytes that are not of the encoding, a row with too few or too many fields, a quotation mark that swallows rows,
            or a damaged file.
        """
        for column in null_in:
            self.require(column, "null_in")
        markers = {name: self.markers(name, null_in) for name in columns}
        for block in _parquet_blocks(self, columns) if self.parquet else _csv_blocks(self, columns):
            yield pa.table({**{name: _clean(block.column(name), markers[name]) for name in columns}, ROW: block.column(ROW)})

    def filtered_blocks(
        self, columns: Sequence[str], null_in: Mapping[str, Sequence[object]], only: Values, skip: Values
    ) -> Iterator[pa.Table]:
        """As `blocks`, without the rows that `only` and `skip` take out by the values of their columns."""
        if not self.filters:
            self.filters.extend(RowFilter("only", c, v, frozenset(self.markers(c, null_in))) for c, v in only.items())
            self.filters.extend(RowFilter("skip", c, v, frozenset(self.markers(c, null_in))) for c, v in skip.items())
        for table in self.blocks(list(dict.fromkeys([*columns, *only, *skip])), null_in):
            yield filtered(table, self.filters)

    def options_of(self, column: str) -> FileOptions:
        """How a column is written; numbers that a Parquet file stores as such have a point, whatever is said of texts."""
        return self.options.model_copy(update={"decimal": "."}) if column in self.numeric else self.options

    def together_with(self, column: str) -> tuple[str, ...]:
        """The columns that stand in the same file as this one."""
        return self.headers

    def title(self, column: str) -> str:
        """What the file is called where a value of this column is spoken of."""
        return self.name

    def columns_of(self, file: str) -> list[tuple[str, str]]:
        """The columns of a file of this name, each with what it is called here."""
        return [(header, header) for header in self.headers] if Path(file) == Path(self.name) else []

    def in_own_rows(self, raw: pa.Table, column: str, values: pd.Series[Any]) -> pd.Series[Any]:
        """Values of a column of `raw` by the rows of the file that it stands in, where that is another one."""
        return values

    def matched(self, column: str, null_in: Mapping[str, Sequence[object]]) -> list[pa.Table]:
        """A column that is joined as it stands in its file."""
        return []

    def all_rows(self, columns: Sequence[str], null_in: Mapping[str, Sequence[object]]) -> list[pa.Table]:
        """Columns of a joined file with all its rows."""
        return []

    @property
    def chosen(self) -> list[str]:
        """The columns that joined files name under their own `keep`."""
        return []

    def value_maps(self, columns: Mapping[str, str]) -> dict[str, ValueMap]:
        """What joined files say under their own `values`, by the target of `columns` or the column."""
        return {}

    def markers(self, column: str, null_in: Mapping[str, Sequence[object]]) -> set[str]:
        """What means in a column that nothing is there."""
        everywhere = [w for marker in self.options.null or () for w in words(marker)]
        return {"", *everywhere, *(w for marker in null_in.get(column, ()) for w in words(marker))}  # type: ignore[arg-type]

    def tell(self, table: str, report: DataReport) -> None:
        """Note what stands in the file and is no row, after it was read."""
        above = "; ".join(map(shown_line, self.above))[:90]
        report.note(table, f"lines above the header of {self.name}", len(self.above), above, "passed over")
        for what, (count, example) in self.left_out.items():
            report.note(table, f"{what} of {self.name}", count, example, "left out")
        names = ", ".join(self.repeated)
        report.note(table, f"column names that {self.name} has twice", len(self.repeated), names, "told apart by their place")
        for row_filter in self.filters:
            row_filter.tell(table, self.name, report)

    def text(self) -> TextIO:
        """The file as text, its line breaks as they are."""
        opener: Any = gzip.open if self.gzipped else open
        encoding = "utf-8-sig" if self.options.encoding == "utf-8" else self.options.encoding
        stream: TextIO = opener(self.path, "rt", encoding=encoding, errors="replace", newline="")
        return stream


def numbered(header: str, column_number: int) -> str:
    """The name of a column that is not the only one of its name, by its place (from 1)."""
    return f"{header} (column {column_number})"


def open_file(folder: Path, name: str, options: FileOptions) -> RawFile:
    """Find the file, how it is written, and its column names.

    Raises
    ------
    DataError
        if it is missing, empty or of another kind.
    """
    path = folder / name
    if not path.is_file():
        near = sorted(p.name for p in path.parent.iterdir() if p.is_file()) if path.parent.is_dir() else None
        remedy = nearest(path.name, near) if near is not None else f"There is no folder {path.parent} either."
        raise DataError(f"There is no file {path}.", f"{remedy} Put it there, or give another `folder:`.")
    try:
        with path.open("rb") as file:
            magic = file.read(4)
        parquet = path.suffix.lower() in (".parquet", ".pq") or magic == _PARQUET
        gzipped = not parquet and (path.suffix.lower() == ".gz" or magic.startswith(_GZIP))
        dialect = None if parquet else _dialect(path, name, options, gzipped)
        headers = list(dialect.header) if dialect else list(pq.read_schema(path).names)
    except (OSError, EOFError, pa.ArrowInvalid) as error:
        raise DataError(
            f"{path} cannot be read: {error}.", "It is damaged or of another kind: export or copy it anew."
        ) from error
    headers = [h.strip() or f"column {i}" for i, h in enumerate(headers, start=1)]
    counts = Counter(headers)
    repeated = {h: tuple(i for i, other in enumerate(headers, 1) if other == h) for h, count in counts.items() if count > 1}
    names = tuple(numbered(h, i) if h in repeated else h for i, h in enumerate(headers, start=1))
    if not dialect:
        return RawFile(path, name, options, names, parquet=True, repeated=repeated)
    return RawFile(path, name, dialect.options, names, False, gzipped, dialect.lines, dialect.above, repeated)


def _dialect(path: Path, name: str, options: FileOptions, gzipped: bool) -> Dialect:
    opener = gzip.open if gzipped else open
    with opener(path, "rb") as file:
        sample = file.read(SAMPLE_BYTES)
    if not sample.strip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"):
        raise DataError(f"{name} is empty.", "Export it again; its first row must name the columns.")
    return find_dialect(sample, name, options, len(sample) < SAMPLE_BYTES)


def _parquet_blocks(file: RawFile, columns: Sequence[str]) -> Iterator[pa.Table]:
    stored = pq.read_schema(file.path).names
    names = [stored[file.headers.index(c)] for c in columns]
    try:
        with pq.ParquetFile(file.path) as parquet:
            empty = parquet.schema_arrow.empty_table().select(names)
            tables = (pa.Table.from_batches([b]).select(names) for b in parquet.iter_batches(BLOCK_ROWS, columns=names))
            row = 0
            for table in (table.rename_columns(list(columns)) for table in chain([empty], tables)):
                yield table.append_column(ROW, pa.array(np.arange(row, row + len(table), dtype=np.int64)))
                row += len(table)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"{file.name} cannot be read: {error}.", "It is damaged: export or copy it anew.") from error


def _csv_blocks(file: RawFile, columns: Sequence[str]) -> Iterator[pa.Table]:
    stream = _Lines(file)
    check = RecordCheck(file.name, file.headers, stream.scan, bool(file.options.footer), file.text)
    try:
        yield from _without_totals(file, _parse_csv(file, columns, stream), check, stream)
    except UnicodeDecodeError as error:
        raise _not_of_encoding(file, error) from error
    except (pa.ArrowInvalid, OSError, EOFError) as error:
        if "UTF8" in str(error):
            raise _not_of_encoding(file, error) from error
        raise check.unclosed() or DataError(f"{file.name} cannot be read: {error}.", "Export or copy it anew.") from error


class _Lines(io.RawIOBase):
    """The rows of a file below its header as UTF-8, scanned on the way to the parser."""

    def __init__(self, file: RawFile) -> None:
        encoding = file.options.encoding or "utf-8"
        options = file.options
        self.scan = RecordScan(options.separator or ",", options.escape, len(file.headers), file.lines + 1)
        self._file: Any = pa.input_stream(str(file.path), compression="gzip" if file.gzipped else None)
        self._decoder = None if encoding == "utf-8" else codecs.getincrementaldecoder(encoding)()
        self._skip, self._begun, self._ended, self._ahead, self._tail = file.lines, False, False, b"", b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """The next bytes: `size` of them but at the end, since the parser takes what it gets for a block."""
        pieces, length = [self._ahead] if self._ahead else [], len(self._ahead)
        while length < size and (piece := self._next(size - length)):
            pieces.append(piece)
            length += len(piece)
        ready = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._ahead = ready[size:] if size >= 0 else b""
        return ready[:size] if size >= 0 else ready

    def peek(self) -> bytes:
        """The next bytes, which stay to be read."""
        self._ahead = self._ahead or self._next(BLOCK_BYTES)
        return self._ahead

    def close(self) -> None:
        self._file.close()
        super().close()

    def _next(self, size: int) -> bytes:
        while not self._ended:
            room = max(1, size // 3) if self._decoder else size  # one byte becomes three at the most
            raw = self._file.read(max(room, 2 * SAMPLE_BYTES) if self._skip else room)
            data = self._decoder.decode(raw, final=not raw).encode() if self._decoder else raw
            if not self._begun and data:
                self._begun, data = True, data.removeprefix(b"\xef\xbb\xbf")
            self._ended = not raw
            if self._skip:
                data = self._below_header(data)
            if data:
                self.scan.feed(data)
                self._tail = (
                    (self._tail[-SAMPLE_BYTES:] + data)[-SAMPLE_BYTES:] if len(data) < SAMPLE_BYTES else data[-SAMPLE_BYTES:]
                )
                return bytes(data)
        self.scan.finish()
        return b""

    def last_lines(self) -> dict[int, str]:
        """The last lines of the file by their numbers, once it was read."""
        lines = self._tail.splitlines()
        last = self.scan[LINE] - self._tail.endswith((b"\n", b"\r"))
        return {last - i: line.decode("utf-8", "replace") for i, line in enumerate(reversed(lines))}

    def _below_header(self, data: bytes) -> bytes:
        """What stands below the header; all of it lies in the first piece, as it did in the sample."""
        lines = data[: 2 * SAMPLE_BYTES].splitlines(keepends=True)  # of bytes: at line feeds and carriage returns alone
        start = sum(map(len, lines[: self._skip]))
        self._skip = 0
        return data[start:]


def _parse_csv(file: RawFile, columns: Sequence[str], stream: _Lines) -> Iterator[pa.Table]:
    """Blocks of rows of the right length, each with its `__row__`."""
    empty = pa.table({**{name: pa.array([], pa.string()) for name in columns}, ROW: pa.array([], pa.int64())})
    yield empty
    if not stream.peek():
        return
    read = pacsv.ReadOptions(column_names=list(file.headers), encoding="utf-8", use_threads=True, block_size=BLOCK_BYTES)
    parse = pacsv.ParseOptions(
        delimiter=file.options.separator or ",",
        escape_char=file.options.escape or False,
        newlines_in_values=True,
        invalid_row_handler=lambda row: "skip",  # what they are is for `RecordCheck` to say, which knows their lines
    )
    convert = pacsv.ConvertOptions(
        column_types=dict.fromkeys(file.headers, pa.string()),
        include_columns=list(columns) or [file.headers[0]],
        strings_can_be_null=False,
    )
    with pacsv.open_csv(stream, read_options=read, parse_options=parse, convert_options=convert) as reader:
        for batch in reader:
            lines = stream.scan.take(len(batch))
            table = pa.Table.from_batches([batch]).select(list(columns))
            table = table.append_column(ROW, pa.array(np.abs(lines) - FIRST_ROW))
            yield table if (lines > 0).all() else table.filter(pa.array(lines > 0))


def _without_totals(file: RawFile, blocks: Iterator[pa.Table], check: RecordCheck, stream: _Lines) -> Iterator[pa.Table]:
    """The blocks, without the lines of sums that the last one ends with; what is no row is noted."""
    last = next(blocks)
    for block in blocks:
        if len(last) or not len(block):
            yield last
            last = last.slice(0, 0)
        last = block if len(block) else last
    check.finish()
    totals: list[str] = []
    texts = stream.last_lines()
    separator, escape = file.options.separator or ",", file.options.escape
    while len(last) and is_total(text := texts.get(last[ROW][-1].as_py() + FIRST_ROW, ""), separator, escape):
        totals.append(text)
        last = last.slice(0, len(last) - 1)
    yield last
    left_out = {
        "lines below the table": (len(check.below), "; ".join(map(shown_line, check.below))[:90]),
        "lines of sums": (len(totals), "; ".join(map(shown_line, reversed(totals)))[:90]),
        "rows that hold nothing but separators": (check.scan[HOLLOW], ""),
    }
    file.left_out.update({what: count_example for what, count_example in left_out.items() if count_example[0]})


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
