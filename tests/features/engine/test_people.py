"""Tens of thousands of people behind one company id, such as a shared "n/a": counted as exactly as anyone."""

from __future__ import annotations

import numpy as np

from features.common.clock import DAY
from features.engine.evaluate import evaluate
from features.engine.index import HistoryIndex
from features.engine.people import LandmarkArrays, People
from features.engine.plan import Plan
from features.feature import InteractionFilter
from features.spec import Count, DaysSince

PEOPLE, YEARS = 20_000, 20


def test_one_large_account_counts_like_many_small_ones() -> None:
    """People × microseconds of twenty years do not fit 64 bits."""
    random = np.random.default_rng(0)
    lead = np.repeat(np.arange(PEOPLE, dtype=np.int32), 3)
    history = HistoryIndex.build(
        PEOPLE, lead, random.integers(0, YEARS * 365 * DAY, 3 * PEOPLE), np.zeros(3 * PEOPLE, np.int32)
    )
    plan = Plan(
        (Count(InteractionFilter("any")), Count(InteractionFilter("any"), 3650.0), DaysSince(InteractionFilter("any"))), ("a",)
    )
    created = np.zeros(PEOPLE, np.int64)
    looks = LandmarkArrays(
        np.arange(PEOPLE, dtype=np.int32), np.full(PEOPLE, YEARS * 365 * DAY), np.zeros(PEOPLE, np.int32), created
    )
    one, many = (
        evaluate(plan, People(account, created, history), looks)
        for account in (np.zeros(PEOPLE, np.int32), np.arange(PEOPLE, dtype=np.int32))
    )
    assert np.array_equal(one, many, equal_nan=True)
    assert (one[0] == 3).all()
