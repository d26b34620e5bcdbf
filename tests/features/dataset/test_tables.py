"""Tables that do not fit are refused; columns may have any name."""

from __future__ import annotations

import pandas as pd
import pytest

from features.common.errors import DataError
from features.dataset.tables import conform, with_columns


@pytest.mark.parametrize(
    ("table", "frame", "message"),
    [
        ("leads", {"lead_id": ["a"]}, "lacks the column 'created_at'"),
        ("interactions", {"lead_id": ["a"], "type": ["x"], "at": ["2026-01-01"], "kampaign": [1]}, "did you mean 'campaign'"),
        ("interaction", {}, "did you mean 'interactions'"),
    ],
)
def test_tables_that_do_not_fit(table: str, frame: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        conform(table, pd.DataFrame(frame))


def test_columns_of_any_name_take_the_place_of_others_and_the_frame_stays_as_it_was() -> None:
    frame = pd.DataFrame({"self": [1, 2], "kwargs": [3, 4]})
    assert with_columns(frame, {}) is frame
    changed = with_columns(frame, {"self": pd.Series([5, 6]), "other": pd.Series([7, 8])})
    assert changed.to_dict("list") == {"self": [5, 6], "kwargs": [3, 4], "other": [7, 8]}
    assert frame.to_dict("list") == {"self": [1, 2], "kwargs": [3, 4]}
