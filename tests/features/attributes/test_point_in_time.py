"""Attributes as they were at a moment."""

from __future__ import annotations

import pandas as pd

from features.attributes.point_in_time import values_at


def test_attributes_as_they_were() -> None:
    """Before the first recorded change nothing is known; without any change the extracted value stands."""
    changes = pd.DataFrame(
        {
            "entity": ["lead"] * 3,
            "id": ["a", "a", "b"],
            "column": ["plan", "plan", "size"],
            "value": ["free", "paid", "9"],
            "at": pd.to_datetime(["2026-01-10", "2026-01-20", "2026-01-01"], utc=True),
        }
    )
    moments = pd.to_datetime(["2026-01-05", "2026-01-15", "2026-01-20", "2026-01-21", "2026-01-15"], utc=True)
    as_of = moments.as_unit("us").asi8
    rows = pd.Series([0, 0, 0, 0, 1]).to_numpy()
    found = values_at(changes, "lead", "plan", pd.Series(["a", "b"]), rows, as_of)
    assert list(found) == [None, "free", "free", "paid", ...], "a change at as_of itself is not before it"
