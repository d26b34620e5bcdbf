"""What is cut of interactions: a file for each bucket, to which Arrow streams are added, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from features.buckets.order import SAYS, Texts
from features.errors import DataError

ENDING = ".arrows"
AT_ONCE = 65_536  # rows that a database hands over at once
MOST_BYTES = 256 * 2**20
SMALLEST = 2 * 2**20


def most(memory: int) -> int:
    """Bytes of rows that are dealt out together, of so many that there are."""
    return min(max(memory // 16, SMALLEST), MOST_BYTES)


def deal_out(batches: Iterable[pa.RecordBatch], folder: Path, bytes_at_once: int) -> None:
    """Rows of bucket, position, at, type, direction, content, campaign, value and perhaps lead_id, in no order → the file of
    each bucket in `folder`."""
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        held.append(batch)
        size += batch.nbytes
        if size >= bytes_at_once:
            _add(pa.Table.from_batches(held), folder)
            held, size = [], 0
    if held:
        _add(pa.Table.from_batches(held), folder)


def _add(rows: pa.Table, folder: Path) -> None:
    number = rows["bucket"].to_numpy()
    if not len(number):
        return
    least = int(number.min())
    count = np.bincount(number - least)
    codes = number - least  # few buckets are sorted by their digits, which is a tenth of the work
    order = np.argsort(codes.astype(np.uint16) if len(count) < 2**16 else codes, kind="stable")
    plain = [name for name in ("position", "at", "value") if name in rows.column_names]
    columns = {name: rows[name].combine_chunks().take(pa.array(order)) for name in plain}
    texts = {name: Texts.of(rows[name]).take(order) for name in (*SAYS, "lead_id") if name in rows.column_names}
    ends = np.cumsum(count).tolist()
    begin = 0
    for bucket, end in enumerate(ends, start=least):
        if end > begin:
            part = {name: column.slice(begin, end - begin) for name, column in columns.items()}
            part |= {name: column.arrow(slice(begin, end)) for name, column in texts.items()}
            sink = pa.BufferOutputStream()
            batch = pa.record_batch(part)
            with pa.ipc.new_stream(sink, batch.schema) as writer:
                writer.write_batch(batch)
            _append(folder / f"{bucket}{ENDING}", sink.getvalue())
        begin = end


def _append(path: Path, content: pa.Buffer) -> None:
    try:
        with path.open("ab") as file:
            file.write(content)
    except OSError as error:
        raise DataError(
            f"{path} could not be written: {error.strerror or error}.",
            "Free some space or name another folder; what was there before still is.",
        ) from error


def bucket_of(path: Path | str) -> int:
    """The bucket that a file is of."""
    return int(Path(path).name.removesuffix(ENDING))


def pieces(paths: Sequence[Path]) -> list[pa.Table]:
    """The tables of files, which are memory only where they are looked at. No more than one file is open at once."""
    found: list[pa.Table] = []
    for path in paths:
        with pa.memory_map(str(path)) as file:  # what has been read stays mapped
            found += _streams(file)
    return found


def _streams(file: pa.MemoryMappedFile) -> Iterator[pa.Table]:
    while file.tell() < file.size():
        with pa.ipc.open_stream(file) as stream:
            yield stream.read_all()
