"""Sorting on disk gives what sorting in memory gives, and a full disk leaves what was there."""

from __future__ import annotations

import resource
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from features.common.errors import DataError
from features.partitions.executor import Inline
from features.partitions.frames import whole_dataset
from features.partitions.inputs import Raw
from features.partitions.manifest import Manifest
from features.partitions.memory import Budget
from features.partitions.partition import partition
from features.partitions.segments import read_segments
from features.partitions.storage import Storage
from tests.features.partitions.worlds import FUNNEL, SMALL, partitioned, world
from tests.raw import raw_in_memory


def test_a_full_disk_stops_the_sort_and_leaves_what_was_there(tmp_path: Path) -> None:
    """No file may grow beyond 30 kB, which fails as a full disk does: in the middle of a write."""
    place, manifest = partitioned(world(10), tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with raw_in_memory(world(10, rows=9_000)) as raw:
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))
        try:
            with pytest.raises(DataError, match=r"want of room(.|\n)*engine: \{spill|could not be written"):
                partition(place, raw, FUNNEL, Inline(Budget(bucket=4_000)))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert Manifest.read(place).digest == manifest.digest
    assert whole_dataset(place).digest
    assert not list(tmp_path.glob(".spill*"))


@pytest.mark.parametrize("seed", [2, 5])
def test_a_bucket_too_large_for_memory_is_sorted_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    dataset = world(seed)
    dates = dataset.interactions["at"].dt.floor("D")  # whole days: many things at the same moment
    raw = Raw.of_folder(replace(dataset, interactions=dataset.interactions.assign(at=dates)).write(tmp_path / "set"))
    found = []
    for name, per_row in (("memory", 200), ("beyond", 2**30)):
        monkeypatch.setattr("features.partitions.sorted_rows.PER_ROW", per_row)
        place = Storage.from_path(tmp_path / name)
        found.append((place, partition(place, raw, FUNNEL, Inline(SMALL))))
    (here, one), (there, other) = found
    assert [s.tally for b in one.buckets for s in b.segments] == [s.tally for b in other.buckets for s in b.segments]
    for mine, theirs in zip(one.buckets, other.buckets, strict=True):
        pd.testing.assert_frame_equal(
            read_segments(here, mine.segments).astype("str"), read_segments(there, theirs.segments).astype("str")
        )
