"""The sort of the history index on all its ways."""

from __future__ import annotations

import numpy as np
import pytest

from features.engine.index import HistoryIndex, thousandths


@pytest.mark.parametrize("span", [10, 10**12, 2**62])
@pytest.mark.parametrize("leads", [3, 200, 70_000])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_sorted_by_lead_and_moment_on_every_way(span: int, leads: int, threads: int) -> None:
    """Leads with few rows and with many, more threads than leads, and many rows of one moment, which stay as they are."""
    random = np.random.default_rng(0)
    lead = random.integers(0, leads, 5_000).astype(np.int32)
    at = random.integers(0, span, 5_000)
    lead[::7] = -1  # nobody's
    place = np.arange(len(at), dtype=np.int32)
    index = HistoryIndex.build(leads, lead, at, place, place / 8, place, threads)
    wanted = np.lexsort((at, lead))[(lead < 0).sum() :]
    assert np.array_equal(index.time, at[wanted])
    assert np.array_equal(index.kind, wanted)
    assert np.array_equal(index.value, wanted * 125)
    assert np.array_equal(index.content, wanted)
    assert np.array_equal(np.diff(index.start), np.bincount(lead[lead >= 0], minlength=leads))


def test_sorted_rows_are_left_alone() -> None:
    at = np.array([1, 1, 0])
    assert HistoryIndex.build(2, np.array([0, 0, 1], np.int32), at, np.zeros(3, np.int32)).time is at


def test_rows_of_nobody_are_left_out_though_all_else_is_in_order() -> None:
    index = HistoryIndex.build(
        2, np.array([0, -1, 1], np.int32), np.array([1, 2, 3]), np.array([5, 6, 7], np.int32), np.array([0.5, 1.0, np.nan])
    )
    assert (index.start.tolist(), index.time.tolist(), index.kind.tolist(), index.value.tolist()) == (
        [0, 1, 2],
        [1, 3],
        [5, 7],
        [500, 0],
    )


def test_leads_without_interactions_have_empty_slices() -> None:
    index = HistoryIndex.build(4, np.array([2, 2], np.int32), np.array([5, 3]), np.array([0, 1], np.int32))
    assert index.start.tolist() == [0, 0, 0, 2, 2]
    assert index.time.tolist() == [3, 5]


def test_values_are_whole_thousandths() -> None:
    assert thousandths(np.array([0.1, np.nan, -2.5, 1e300])).tolist() == [100, 0, -2500, 10**15]
