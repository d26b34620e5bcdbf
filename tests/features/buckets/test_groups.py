"""A part of a segment: as much of it as has the leads asked for, and never what is not what was written."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.buckets.cut import put_segment
from features.buckets.groups import groups_of
from features.buckets.manifest import Segment
from features.buckets.place import Place
from features.buckets.tally import Tally
from features.buckets.whole import read_segments
from features.errors import DataError

ROWS = 400
LEADS = [f"L{i // 3:03d}" for i in range(ROWS)]  # some leads lie in two groups
TABLE = pa.table(
    {
        "lead_id": LEADS,
        "type": ["visit", "form"] * (ROWS // 2),
        "at": pa.array(range(ROWS), pa.timestamp("us", "UTC")),
        "value": [float(i) for i in range(ROWS)],
        "content": [None, "a"] * (ROWS // 2),
        "campaign": pa.nulls(ROWS, pa.string()),
        "direction": ["in"] * ROWS,
    }
)


def content(group: int) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(TABLE, sink, row_group_size=group, compression="snappy", store_schema=False)
    return bytes(sink.getvalue())


@pytest.fixture
def segment(tmp_path: Path) -> tuple[Place, Segment]:
    place = Place.of(tmp_path)
    return place, put_segment(place, "00000", content(50), Tally({"visit": 200, "form": 200}))


@pytest.mark.parametrize("ids", [["L000"], ["L016", "L016"], ["L000", "L132", "L133"], sorted(set(LEADS)), [], ["nobody"]])
def test_some_leads_are_read_as_if_all_were(segment: tuple[Place, Segment], ids: list[str]) -> None:
    place, mine = segment
    assert mine.groups
    found = read_segments(place, [mine], pa.array(ids, pa.string()))
    wanted = [i for i, lead in enumerate(LEADS) if lead in ids]
    assert found["value"].tolist() == wanted
    assert found["lead_id"].tolist() == [LEADS[i] for i in wanted]
    assert found["type"].astype("str").tolist() == [["visit", "form"][i % 2] for i in wanted]


def test_a_group_that_was_changed_is_not_read(segment: tuple[Place, Segment], tmp_path: Path) -> None:
    place, mine = segment
    path = tmp_path / mine.name
    damaged = bytearray(path.read_bytes())
    damaged[60] ^= 1  # in the first group
    path.write_bytes(damaged)
    with pytest.raises(DataError, match=r"interactions-.* differs from its checksum"):
        read_segments(place, [mine], pa.array(["L000"]))
    with pytest.raises(DataError, match=r"interactions-.* differs from its checksum"):
        read_segments(place, [mine])
    assert len(read_segments(place, [mine], pa.array(["L120"]))) == 3  # of another group, which is whole


@pytest.mark.parametrize("left", [0, -1, -2_000])
def test_a_segment_that_was_half_copied_is_not_read(segment: tuple[Place, Segment], tmp_path: Path, left: int) -> None:
    place, mine = segment
    path = tmp_path / mine.name
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(DataError, match="differs from its checksum"):
        read_segments(place, [mine], pa.array(["L000"]))


def test_a_segment_that_is_gone_is_named(segment: tuple[Place, Segment], tmp_path: Path) -> None:
    place, mine = segment
    (tmp_path / mine.name).unlink()
    with pytest.raises(DataError, match=r"interactions-.* cannot be read: No such file"):
        read_segments(place, [mine], pa.array(["L000"]))


def test_a_small_segment_has_no_table() -> None:
    assert groups_of(content(ROWS)) is None
