"""The memory of a streamed training is divided so that what it holds and what its trees need stay within it together."""

from __future__ import annotations

import pytest

from features.partitions.memory import BASE, PLAIN
from training.scale.memory import MIN_BIN_ROWS, PER_ROW, ROWS, TRAINING, MemoryPlan, Size

GIB = 2**30
SMALL = Size(225_000, 370, 30_000)  # of 1.75 million interactions
LARGE = Size(12_800_000, 370, 90_000)  # of a hundred million


def test_what_fits_is_held_whole() -> None:
    assert MemoryPlan.divide(2 * GIB, 1_000_000, SMALL, 2).share == 1.0
    assert MemoryPlan.divide(2 * GIB, 1_000_000, SMALL, 1, cluster=True).share == 1.0


@pytest.mark.parametrize(
    ("memory", "interactions", "size"), [(1400 * 2**20, 1_750_000, SMALL), (4 * GIB, 10**8, LARGE), (2 * GIB, 10**8, LARGE)]
)
def test_training_and_trees_share_what_processes_leave(memory: int, interactions: int, size: Size) -> None:
    room = MemoryPlan.divide(memory, interactions, size, 2)
    held = room.share * interactions * PLAIN
    assert held + room.trees == pytest.approx(memory - TRAINING - BASE, abs=1)
    assert room.trees <= max(held, size.selecting(2)) + 1  # up to half, unless workers that select need more
    rows, share = size.bins(room.trees)
    bins = share * size.landmarks * (size.columns + PER_ROW) + min(rows, size.landmarks) * size.columns
    assert bins + size.reading <= room.trees
    assert 14 * rows * size.columns + size.reading <= room.trees


def test_trees_that_need_little_leave_the_rest_to_the_training() -> None:
    tiny = Size(20_000, 370, 5_000)
    room = MemoryPlan.divide(2 * GIB, 10_000_000, tiny, 1)
    assert room.trees == pytest.approx(tiny.growing, abs=1)
    assert tiny.bins(room.trees)[1] == 1.0


def test_more_rows_for_bins_never_cost_accounts() -> None:
    size = Size(2_000_000, 370, 30_000)
    assert size.bins(size.growing) == (MIN_BIN_ROWS, 1.0)
    assert size.bins(size.growing + 10_000 * 370)[0] == MIN_BIN_ROWS + 10_000


def test_a_worker_of_a_cluster_grows_trees_in_memory_of_its_own() -> None:
    room = MemoryPlan.divide(4 * GIB, 10**8, LARGE, 1, cluster=True)
    assert room.share == pytest.approx((4 * GIB - TRAINING) / PLAIN / 10**8)
    assert room.trees == 4 * GIB - BASE


def test_little_memory_is_still_divided() -> None:
    room = MemoryPlan.divide(600 * 2**20, 1_750_000, SMALL, 1)  # less than two processes have
    assert room.share * 1_750_000 * PLAIN == pytest.approx(75 * 2**20, rel=0.01)
    rows, share = SMALL.bins(room.trees)
    assert rows == MIN_BIN_ROWS // 10
    assert 0 < share < 1


def test_bins_are_found_on_no_more_rows_than_lightgbm_takes() -> None:
    assert SMALL.bins(4 * GIB) == (ROWS, 1.0)


def test_many_workers_that_select_are_counted() -> None:
    """Six were seen to take 889 MiB together with the process they are made from."""
    size = Size(26_413, 370, 4_781)
    assert BASE + size.selecting(6) == pytest.approx(889 * 2**20, rel=0.1)
    few, many = (MemoryPlan.divide(4 * GIB, 10**7, size, workers) for workers in (2, 6))
    assert many.trees >= size.selecting(6) > few.trees
    assert many.share < few.share
