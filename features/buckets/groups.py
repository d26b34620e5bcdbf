"""Which leads lie in which row group of a segment, so that a day reads no more of it than the accounts it touches.

A Parquet file is checked as a whole where it is read as a whole. Beside one of several row groups lies a table with the leads
of each group and, of each group and of the footer, where its bytes are and their SHA-256; so a part that is read is checked,
too.
"""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.buckets.place import Place
from features.dataset import DICTIONARIES
from features.errors import DataError

PARTS = b"parts"
GROUP = 4_096  # rows; smaller ones take longer to be read all, larger ones to be read for a few leads


def groups_of(content: bytes) -> pa.Table | None:
    """The table of a Parquet file: lead_id, group, a row for each lead of each group; None where there is one group only."""
    file = pq.ParquetFile(pa.BufferReader(content), read_dictionary=["lead_id"])
    count = file.num_row_groups
    if count < 2:
        return None
    begins = [*(_begin(file.metadata.row_group(i)) for i in range(count)), _footer(content), len(content)]
    view = memoryview(content)
    parts = [(begin, end - begin, _sum(view[begin:end])) for begin, end in pairwise(begins)]
    leads = [file.read_row_group(i, ["lead_id"], use_threads=False).column(0).combine_chunks().dictionary for i in range(count)]
    group = np.repeat(np.arange(count, dtype=np.int32), [len(found) for found in leads])
    table = pa.table({"lead_id": pa.concat_arrays(leads), "group": group})
    return table.replace_schema_metadata({PARTS: json.dumps([len(content), parts]).encode()})


def read_some(place: Place, name: str, groups: str, ids: pa.Array) -> pa.Table | None:
    """The row groups of a segment on this machine in which any of these leads are; `groups` is the file of its table.

    Raises
    ------
    DataError
        if a part differs from its checksum, or a file is missing.
    """
    assert place.local is not None  # noqa: S101  an object store's segments are read as a whole
    known = place.read_arrow(groups)
    size, parts = json.loads(known.schema.metadata[PARTS])
    inside = pc.is_in(known["lead_id"], value_set=ids.cast(known["lead_id"].type)).to_numpy()
    wanted = np.unique(known["group"].to_numpy()[inside]).tolist()
    if not wanted:
        return None
    whole = np.zeros(size, np.uint8)  # as large as the file, but only what is read takes memory
    view = memoryview(whole.data)
    try:
        with (place.local / name).open("rb") as file:
            if file.seek(0, 2) != size:
                raise differs(place, name)
            for begin, length, checksum in [*(parts[number] for number in wanted), parts[-1]]:
                file.seek(begin)
                file.readinto(view[begin : begin + length])
                if _sum(view[begin : begin + length]) != checksum:
                    raise differs(place, name)
    except OSError as error:
        raise DataError(f"{place}/{name} cannot be read: {error.strerror or error}.", "Make it anew.") from error
    found = pq.ParquetFile(pa.BufferReader(pa.py_buffer(whole)), read_dictionary=list(DICTIONARIES))
    return found.read_row_groups(wanted, use_threads=False)


def differs(place: Place, name: str) -> DataError:
    """A file that is not what was written."""
    return DataError(f"{place}/{name} differs from its checksum.", "It was changed or only half copied: partition anew.")


def _sum(part: memoryview) -> str:
    return hashlib.sha256(part).hexdigest()


def _begin(group: pq.RowGroupMetaData) -> int:
    """Where the first page of a row group is."""
    columns = [group.column(i) for i in range(group.num_columns)]
    return min(int(place) for c in columns for place in (c.dictionary_page_offset, c.data_page_offset) if place)


def _footer(content: bytes) -> int:
    """Where the footer of a Parquet file begins; its length stands before the last four bytes."""
    return len(content) - 8 - int.from_bytes(content[-8:-4], "little")
