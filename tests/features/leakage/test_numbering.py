"""Numbers that are a time in disguise."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.leakage.numbering import numbers_time

CREATED = np.arange(100) * 10


def test_numbers_that_rise_or_fall_as_leads_come() -> None:
    assert numbers_time(pd.Series([f"INV-{n:05d}" for n in range(100)]), CREATED)
    assert numbers_time(pd.Series(np.arange(100.0)[::-1]), CREATED)


def test_numbers_in_no_order_repeated_or_few_and_dates_are_none() -> None:
    assert not numbers_time(pd.Series(np.random.default_rng(0).permutation(100).astype(float)), CREATED)
    assert not numbers_time(pd.Series(np.arange(100.0) // 10), CREATED), "a week is no number of a lead"
    assert not numbers_time(pd.Series(np.arange(20.0)), CREATED[:20])
    assert not numbers_time(pd.Series(pd.date_range("2024-01-01", periods=100, tz="UTC")), CREATED)
    assert not numbers_time(pd.Series(np.arange(100.0)), np.zeros(100, np.int64)), "all came at once"
