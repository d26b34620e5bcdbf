"""Pieces of work in threads: in order, with their errors, and Python as it was before."""

from __future__ import annotations

import sys
import threading
from functools import partial

import pytest

from features.common.threads import MIN_ROWS, MOST_THREADS, TURN, begin, by_rows, short_turns, side_by_side


@pytest.mark.parametrize("threads", [1, 2, 9, None])
def test_what_each_gives_in_their_order(threads: int | None) -> None:
    assert side_by_side(partial(pow, 2), range(5), threads) == [1, 2, 4, 8, 16]
    assert side_by_side(abs, [], threads) == []


@pytest.mark.parametrize("threads", [1, 2])
def test_what_goes_wrong_in_one_is_raised(threads: int) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        side_by_side(int, ["1", "one"], threads)


def test_one_is_worked_on_where_the_caller_is() -> None:
    here = threading.get_ident()
    assert side_by_side(lambda _: threading.get_ident(), [0]) == [here]
    assert side_by_side(lambda _: threading.get_ident(), [0, 1], 1) == [here, here]


def test_what_is_begun_is_waited_for_when_it_is_asked() -> None:
    gate = threading.Event()
    result = begin(lambda: gate.wait(10))
    gate.set()
    assert result() is True
    with pytest.raises(ValueError, match="invalid literal"):
        begin(lambda: int("one"))()


@pytest.mark.parametrize("rows", [0, 1, MIN_ROWS, MIN_ROWS + 1, 10_001])
@pytest.mark.parametrize("threads", [1, 3, 99])
def test_rows_are_cut_once_and_few_stay_together(rows: int, threads: int) -> None:
    blocks: list[slice] = []
    by_rows(blocks.append, rows, threads)
    blocks.sort(key=lambda block: int(block.start))
    assert [i for block in blocks for i in range(rows)[block]] == list(range(rows))
    assert len(blocks) <= min(threads, MOST_THREADS)
    assert all(block.stop - block.start >= MIN_ROWS for block in blocks[:-1])


def test_turns_are_as_long_as_before_afterwards() -> None:
    usual = sys.getswitchinterval()
    with pytest.raises(RuntimeError, match="in between"), short_turns():  # noqa: PT012  what is asked is inside
        assert sys.getswitchinterval() == pytest.approx(TURN)
        raise RuntimeError("in between")
    assert sys.getswitchinterval() == pytest.approx(usual)
