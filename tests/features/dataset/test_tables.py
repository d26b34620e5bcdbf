"""Tables that do not fit are refused."""

from __future__ import annotations

import pandas as pd
import pytest

from features.common.errors import DataError
from features.dataset.tables import conform


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
