"""What peers see of attributes: every level, numbers, days since dates."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.pairs.raw import Column, _column
from features.dataset.dataset import Dataset
from features.dataset.landmarks import Landmarks
from features.engine.histories import Histories

NOW = pd.Timestamp("2026-02-01", tz="UTC")
LEADS = pd.DataFrame(
    {
        "lead_id": ["a", "b", "c", "d"],
        "created_at": NOW,
        "source": ["ads", "ads", "web", None],
        "size": [1.0, 2.0, np.nan, 3.0],
        "born": pd.to_datetime(["2026-01-30", None, "2026-01-31", "2026-02-03"], utc=True),
    }
)
HISTORIES = Histories.from_dataset(Dataset.from_tables({"leads": LEADS}, extracted_at=NOW), (), ())
LOOKS = Landmarks(np.arange(4), np.full(4, 1_769_904_000_000_000), np.zeros(4, np.int32), np.zeros(4, np.int64))


def seen(column: Column | None) -> list[float]:
    assert column
    return column.values(HISTORIES, LOOKS).tolist()


def test_levels_are_codes_the_commonest_first_and_missing_is_none() -> None:
    column = _column("lead", "source", LEADS["source"])
    assert column
    assert column.levels == ("ads", "web")
    np.testing.assert_array_equal(seen(column), [0, 0, 1, np.nan])


def test_a_level_that_is_new_is_missing() -> None:
    np.testing.assert_array_equal(seen(Column("lead", "source", "category", ("web",))), [np.nan, np.nan, 0, np.nan])


def test_dates_are_days_before_the_landmark_and_the_future_is_not_seen() -> None:
    np.testing.assert_array_equal(seen(_column("lead", "born", LEADS["born"])), [2, np.nan, 1, np.nan])


def test_ids_and_empty_columns_are_left_out() -> None:
    assert _column("lead", "id", pd.Series([str(i) for i in range(30)])) is None
    assert _column("lead", "empty", pd.Series([None, None], dtype="object")) is None
