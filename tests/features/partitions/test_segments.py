"""A part of a segment: as much of it as has the leads asked for, and never what is not what was written."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from features.common.errors import DataError
from features.dataset.tally import Tally
from features.partitions.manifest import Segment
from features.partitions.segments import first_moments, put_segment, read_segments
from features.partitions.storage import Storage

ROWS = 400
LEADS = [f"L{i // 3:03d}" for i in range(ROWS)]  # some leads lie in two groups
TABLE = pa.table(
    {
        "lead_id": pa.array(LEADS).dictionary_encode(),
        "type": ["visit", "form"] * (ROWS // 2),
        "at": pa.array(range(ROWS), pa.timestamp("us", "UTC")),
        "value": [float(i) for i in range(ROWS)],
        "content": [None, "a"] * (ROWS // 2),
        "campaign": pa.nulls(ROWS, pa.string()),
        "direction": ["in"] * ROWS,
    }
)


def put(place: Storage, rows: int) -> Segment:
    """A segment in batches of so many rows."""
    batches = TABLE.to_batches(max_chunksize=rows)
    return put_segment(place, "00000", batches, TABLE.schema, Tally({"visit": 200, "form": 200}))


@pytest.fixture
def segment(tmp_path: Path) -> tuple[Storage, Segment]:
    place = Storage.from_path(tmp_path)
    return place, put(place, 50)


@pytest.mark.parametrize("ids", [["L000"], ["L016", "L016"], ["L000", "L132", "L133"], sorted(set(LEADS)), [], ["nobody"]])
def test_some_leads_are_read_as_if_all_were(segment: tuple[Storage, Segment], ids: list[str]) -> None:
    place, mine = segment
    assert mine.groups
    found = read_segments(place, [mine], pa.array(ids, pa.string()))
    wanted = [i for i, lead in enumerate(LEADS) if lead in ids]
    assert found["value"].tolist() == wanted
    assert found["lead_id"].tolist() == [LEADS[i] for i in wanted]
    assert found["type"].astype("str").tolist() == [["visit", "form"][i % 2] for i in wanted]


def test_a_part_that_was_changed_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("features.partitions.segments.CHUNK", 1_024)
    place = Storage.from_path(tmp_path)
    mine = put(place, 50)
    path = tmp_path / mine.name
    damaged = bytearray(path.read_bytes())
    damaged[-6_000] ^= 1  # in one of the last batches
    path.write_bytes(damaged)
    with pytest.raises(DataError, match=r"interactions-.* differs from its checksum"):
        read_segments(place, [mine])
    with pytest.raises(DataError, match=r"interactions-.* differs from its checksum"):
        read_segments(place, [mine], pa.array(sorted(set(LEADS))))
    assert len(read_segments(place, [mine], pa.array(["L030"]))) == 3  # of another one, which is whole


def test_a_table_of_checksums_that_was_changed_is_not_believed(segment: tuple[Storage, Segment], tmp_path: Path) -> None:
    place, mine = segment
    other = put_segment(place, "00001", TABLE.slice(1).to_batches(max_chunksize=50), TABLE.schema, Tally())
    (tmp_path / mine.groups).write_bytes((tmp_path / other.groups).read_bytes())
    with pytest.raises(DataError, match=r"interactions-.* differs from its checksum"):
        read_segments(place, [mine], pa.array(["L000"]))


@pytest.mark.parametrize("left", [0, -1, -2_000])
def test_a_segment_that_was_half_copied_is_not_read(segment: tuple[Storage, Segment], tmp_path: Path, left: int) -> None:
    place, mine = segment
    path = tmp_path / mine.name
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(DataError, match="differs from its checksum"):
        read_segments(place, [mine], pa.array(["L000"]))


def test_a_segment_that_is_gone_is_named(segment: tuple[Storage, Segment], tmp_path: Path) -> None:
    place, mine = segment
    (tmp_path / mine.name).unlink()
    with pytest.raises(DataError, match=r"interactions-.* cannot be read: No such file"):
        read_segments(place, [mine], pa.array(["L000"]))


def test_a_small_segment_has_no_table(tmp_path: Path) -> None:
    place = Storage.from_path(tmp_path)
    mine = put(place, ROWS)
    assert not mine.groups
    assert read_segments(place, [mine], pa.array(["L016"]))["value"].tolist() == [48.0, 49.0, 50.0]


def test_segments_with_text_and_with_dictionaries_are_read_together(segment: tuple[Storage, Segment]) -> None:
    place, mine = segment
    coded = TABLE.set_column(1, "type", TABLE["type"].dictionary_encode().cast(pa.dictionary(pa.int8(), pa.string())))
    coded = coded.set_column(
        2, "at", pa.array(range(ROWS, 2 * ROWS), pa.timestamp("us", "UTC"))
    )  # no repeats, which count once
    other = put_segment(place, "00001", coded.to_batches(), coded.schema, Tally())
    both = read_segments(place, [mine, other])
    assert both["type"].astype("str").tolist() == ["visit", "form"] * ROWS
    assert both["content"].cat.categories.tolist() == ["a"]


def test_the_first_moment_of_each_lead(segment: tuple[Storage, Segment]) -> None:
    place, mine = segment
    found = first_moments(place, [mine])
    assert found["lead_id"].to_pylist() == sorted(set(LEADS))
    assert found["at"].cast(pa.int64()).to_pylist() == list(range(0, ROWS, 3))
