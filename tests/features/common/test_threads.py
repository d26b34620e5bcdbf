"""Pieces of work in threads: in order, with their errors, and Python as it was before."""

from __future__ import annotations

import sys
from functools import partial

import pytest

from features.common.threads import TURN, short_turns, side_by_side


@pytest.mark.parametrize("threads", [1, 2, 9, None])
def test_what_each_gives_in_their_order(threads: int | None) -> None:
    assert side_by_side([partial(pow, 2, n) for n in range(5)], threads) == [1, 2, 4, 8, 16]
    assert side_by_side([], threads) == []


@pytest.mark.parametrize("threads", [1, 2])
def test_what_goes_wrong_in_one_is_raised(threads: int) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        side_by_side([partial(int, "1"), partial(int, "one")], threads)


def test_turns_are_as_long_as_before_afterwards() -> None:
    usual = sys.getswitchinterval()
    with pytest.raises(RuntimeError, match="in between"), short_turns():  # noqa: PT012  what is asked is inside
        assert sys.getswitchinterval() == pytest.approx(TURN)
        raise RuntimeError("in between")
    assert sys.getswitchinterval() == pytest.approx(usual)
