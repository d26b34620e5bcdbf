"""Moments in microseconds."""

from __future__ import annotations

import pandas as pd

from features.common.clock import DAY, NO_MOMENT, microseconds
from tests.features.dataset.paths import day


def test_microseconds_whatever_the_resolution() -> None:
    """Nanoseconds, seconds and microseconds of the same moment are the same number."""
    for unit in ("s", "us", "ns"):
        assert microseconds(pd.Series([day(1.5)]).dt.as_unit(unit)).tolist() == [int(1.5 * DAY)]
    assert microseconds(pd.Series([pd.NaT])).tolist() == [NO_MOMENT]
