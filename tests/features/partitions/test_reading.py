"""Interactions are read from wherever they lie, in whatever kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.common.errors import DataError
from features.dataset.dataset import INTERACTIONS_SCHEMA, from_arrow, to_arrow
from features.dataset.tables import INTERACTIONS, conform
from features.dataset.tally import Tally
from features.partitions import reading
from features.partitions.inputs import Raw
from features.partitions.memory import Budget
from features.partitions.reading import Groups, InteractionSource
from features.partitions.segments import put_segment
from features.partitions.storage import Storage
from tests.features.partitions.acts import table
from tests.features.partitions.worlds import world

BUDGET = Budget(64 * 2**20, 2)


def of(rows: InteractionSource, place: Storage) -> list[dict[str, Any]]:
    """All rows in the order of their moments."""
    found = [row for batch in rows.batches(place, BUDGET) for row in batch.to_pylist()]
    return sorted(found, key=lambda row: row["at"])


def groups(path: Path, rows: pa.Table, size: int = 2) -> Groups:
    pq.write_table(rows, path, row_group_size=size)
    return Groups.from_file(path)


def test_files_and_segments_give_the_same_rows(tmp_path: Path) -> None:
    place, rows = Storage.from_path(tmp_path), table()
    file = groups(tmp_path / "one.parquet", rows)
    segment = put_segment(place, "00000", rows.to_batches(max_chunksize=3), rows.schema, Tally())
    wanted = sorted(rows.to_pylist(), key=lambda row: row["at"])
    assert of(InteractionSource(files=(file,)), place) == wanted
    assert of(InteractionSource(segments=(segment.name,)), place) == wanted
    assert len(of(InteractionSource((file,), (segment.name,)), place)) == 8
    without_a = InteractionSource((file,), (segment.name,), ("a",))
    assert {row["lead_id"] for part in without_a.split(2, spread=False) for row in of(part, place)} == {"b", "c"}


@pytest.mark.parametrize(
    ("columns", "wanted"),
    [
        ({"at": pa.array([i * 1_000 for i in range(4)], pa.timestamp("ns"))}, {"at": list(range(4))}),
        ({"at": pa.array(range(4), pa.timestamp("s", "Europe/Berlin"))}, {"at": [0, 10**6, 2 * 10**6, 3 * 10**6]}),
        ({"value": pa.array([1, None, 2, None], pa.int32())}, {"value": [1.0, None, 2.0, None]}),
        ({"value": pa.array([1.0, float("nan"), 2.0, None])}, {"value": [1.0, None, 2.0, None]}),
        ({"content": pa.nulls(4)}, {"content": [None] * 4}),
        ({"type": pa.array(["visit"] * 4, pa.large_string())}, {"type": ["visit"] * 4}),
        ({"lead_id": pa.array(list("abac")).dictionary_encode()}, {"lead_id": list("abac")}),
    ],
)
def test_kinds_of_columns_that_are_made_ours(tmp_path: Path, columns: dict[str, Any], wanted: dict[str, list[Any]]) -> None:
    file = groups(tmp_path / "a.parquet", table(**columns), 10)
    (batch,) = InteractionSource((file,)).batches(Storage.from_path(tmp_path), BUDGET)
    assert batch.schema.names == list(INTERACTIONS.names)
    for name, values in wanted.items():
        found = batch[name].cast(pa.int64()) if name == "at" else batch[name]
        assert found.to_pylist() == values


def test_a_column_that_is_not_there_is_empty(tmp_path: Path) -> None:
    file = groups(tmp_path / "a.parquet", table().drop_columns(["value", "campaign"]))
    assert {(row["value"], row["campaign"]) for row in of(InteractionSource((file,)), Storage.from_path(tmp_path))} == {
        (None, None)
    }


def test_columns_of_other_kinds_are_read_as_a_dataset_in_memory_reads_them(tmp_path: Path) -> None:
    folder = world(5).write(tmp_path / "set")
    assert [f.rows for f in Raw.of_folder(folder).rows.files] == [len(pq.read_table(folder / "interactions.parquet"))]
    odd = table(lead_id=[1, 2, 1, 3], at=["2026-01-01", "2026-01-01T01:00:00+01:00", "2026-01-02 10:00", "2026-01-03"])
    file = groups(tmp_path / "a.parquet", odd)
    assert not file.fits
    file.check()
    wanted = to_arrow(conform("interactions", from_arrow(odd))).cast(INTERACTIONS_SCHEMA).to_pylist()
    assert of(InteractionSource((file,)), Storage.from_path(tmp_path)) == sorted(wanted, key=lambda row: row["at"])


@pytest.mark.parametrize(("column", "value"), [("at", "soon"), ("value", "much")])
def test_what_is_of_no_kind_is_told_as_of_a_dataset_in_memory(tmp_path: Path, column: str, value: str) -> None:
    odd = table(**{column: pa.array([None, value, value, value]), "lead_id": [1, 2, 3, 4]})
    file = groups(tmp_path / "a.parquet", odd)
    with pytest.raises(DataError) as wanted:
        conform("interactions", from_arrow(odd))
    with pytest.raises(DataError) as found:
        file.check()
    assert str(found.value) == str(wanted.value)


def test_shares_are_whole_row_groups_and_none_is_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = groups(tmp_path / "a.parquet", table(), 1)
    assert file.shares(3) == [file]  # four rows are worth one process
    monkeypatch.setattr(reading, "SHARE", 1)
    assert [(s.begin, s.end, s.rows) for s in file.shares(3)] == [(0, 1, 1), (1, 2, 1), (2, 4, 2)]
    assert [(s.begin, s.end) for s in file.shares(9)] == [(0, 1), (1, 2), (2, 3), (3, 4)]
    monkeypatch.setattr(reading, "SPREAD", 3)
    parts = InteractionSource((file,), ("one", "two")).split(1, spread=True)
    assert [(len(p.files), len(p.segments)) for p in parts] == [(1, 0), (1, 0), (0, 2)]
    whole = [row for part in file.shares(3) for row in of(InteractionSource((part,)), Storage.from_path(tmp_path))]
    assert sorted(row["at"] for row in whole) == table()["at"].to_pylist()


def test_long_rows_come_in_small_batches(tmp_path: Path) -> None:
    """So that so many as are held at once take no more memory than there is."""
    long = table(content=[chr(97 + i) * 2**20 for i in range(4)])
    pq.write_table(long, tmp_path / "a.parquet", compression="none", use_dictionary=False)
    file = Groups.from_file(tmp_path / "a.parquet")
    assert [len(b) for b in file.batches(64 * 2**20)] == [1, 1, 1, 1]
    assert [len(b) for b in file.batches(2**40)] == [4]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "interactions.parquet"
    path.write_bytes(b"PAR1 and nothing else")
    with pytest.raises(DataError, match=r"interactions\.parquet cannot be read as Parquet(.|\n)*Write the dataset anew"):
        Groups.from_file(path)
    file = groups(path, table(), 4)
    content = bytearray(path.read_bytes())
    content[4:60] = bytes(56)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"interactions\.parquet cannot be read as Parquet"):
        list(InteractionSource((file,)).batches(Storage.from_path(tmp_path), BUDGET))


@pytest.mark.parametrize("column", ["lead_id", "type", "at"])
def test_rows_that_lack_what_each_must_have_are_told_as_of_a_dataset_in_memory(tmp_path: Path, column: str) -> None:
    values = table()[column].to_pylist()
    rows = table(**{column: pa.array([values[0], None, values[2], None], table()[column].type)})
    with pytest.raises(DataError, match=rf"Table 'interactions', row 1: column '{column}' is empty \(2 such rows\)"):
        groups(tmp_path / "x.parquet", rows).check()


@pytest.mark.parametrize(
    "rows",
    [
        table().drop_columns(["lead_id"]),
        table().drop_columns(["type"]),
        table().drop_columns(["at"]),
        table().append_column("campain", pa.array(["spring"] * 4)),
    ],
    ids=["no lead_id", "no type", "no at", "one of no interaction"],
)
def test_columns_that_are_not_those_of_interactions_are_told_as_of_a_dataset_in_memory(tmp_path: Path, rows: pa.Table) -> None:
    with pytest.raises(DataError) as in_memory:
        conform("interactions", from_arrow(rows))
    with pytest.raises(DataError) as in_buckets:
        groups(tmp_path / "x.parquet", rows).check()
    assert str(in_buckets.value) == str(in_memory.value)


def test_a_column_of_records_moves_no_other(tmp_path: Path) -> None:
    """It counts as many columns in the file as it has fields, so what the file says of a column is looked up by name."""
    records = pa.array([{"first": 1, "second": 2}] * 4)
    rows = table(at=pa.array([1, None, 2, None], pa.timestamp("us", "UTC")))
    odd = pa.table({"value": records, **{name: rows[name] for name in rows.column_names if name != "value"}})
    pq.write_table(odd, tmp_path / "x.parquet")
    with pq.ParquetFile(tmp_path / "x.parquet") as file:
        assert {name: reading._may_lack(file, name) for name in ("lead_id", "type", "at")} == {
            "lead_id": False,
            "type": False,
            "at": True,
        }


def test_empty_values_are_counted_batch_by_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_ROWS", 2)
    monkeypatch.setattr(pq.ParquetFile, "read", lambda *_, **__: pytest.fail("a whole column is in memory"))
    moments = pa.array([1, 2, 3, None, None, 6, None], pa.timestamp("us", "UTC"))
    rows = pa.concat_tables([table(), table().slice(1)])
    odd = pa.table({name: moments if name == "at" else rows[name] for name in rows.column_names})
    with pytest.raises(DataError, match=r"row 3: column 'at' is empty \(3 such rows\)"):
        groups(tmp_path / "x.parquet", odd, 3).check()
