"""Reasons by group: the strongest first, named after the member that moved most the way of the whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.reason_groups import strongest
from tests.models import oracles

GROUPS = np.array([0, 1, 0, 2, 1, 3])


def grouped(contributions: np.ndarray, most: int) -> tuple[list[int], list[float], float]:
    speaker, effect = np.empty(most, np.int64), np.empty(most)
    total = strongest(contributions, GROUPS, np.empty(4), speaker, effect)
    return speaker.tolist(), effect.tolist(), total


@given(st.lists(st.integers(-8, 8), min_size=7, max_size=7), st.integers(0, 6))
def test_it_is_the_naive_ranking(eighths: list[int], most: int) -> None:
    """Eighths, so that sums are exact; equal groups stand in their order."""
    contributions = np.array(eighths) / 8
    speaker, effect, total = grouped(contributions, most)
    wanted = oracles.reasons(contributions[:-1].tolist(), GROUPS.tolist(), most)
    assert list(zip(speaker, effect, strict=True)) == wanted
    assert total == contributions.sum()


def test_a_group_is_named_after_who_moved_it() -> None:
    """Columns 0 and 2 are a group that moves down although column 0 moves up."""
    speaker, effect, _ = grouped(np.array([0.5, 0.0, -2.0, 0.25, 0.0, 0.0, 9.0]), 3)
    assert speaker == [2, 3, -1]
    assert effect == pytest.approx([-1.5, 0.25, 0.0])
