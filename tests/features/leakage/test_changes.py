"""Columns with a recorded history."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.common.clock import NO_MOMENT, microseconds
from features.dataset.landmarks import Path
from features.leakage.changes import histories, late_fill_finding, values_as_of
from features.leakage.strength import levels

IDS = {"lead": pd.Series(["a", "b", "c"]), "company": pd.Series(["x", "x", None])}
DAYS = pd.date_range("2024-01-01", periods=5, tz="UTC")
CHANGES = pd.DataFrame(
    {
        "entity": ["lead", "lead", "company"],
        "id": ["a", "a", "x"],
        "column": ["budget", "budget", "size"],
        "value": ["10", "20", "big"],
        "at": DAYS[[1, 3, 2]],
    }
)
COLUMNS = {"lead.budget": pd.Series([20.0, 5.0, np.nan]), "company.size": pd.Series(["big", "big", None], dtype="str")}
AT = microseconds(DAYS)


def test_when_a_column_was_first_filled() -> None:
    found = histories(CHANGES, COLUMNS, IDS)
    assert found["lead.budget"].first_filled.tolist() == [AT[1], NO_MOMENT, NO_MOMENT]
    assert found["lead.budget"].recorded == 0.5, "of two filled leads one has a history"
    assert found["company.size"].first_filled.tolist() == [AT[2], AT[2], NO_MOMENT]


def test_values_are_those_of_the_moment_and_as_extracted_where_nothing_is_recorded() -> None:
    rows = np.array([0, 0, 1, 2])
    then = values_as_of("lead.budget", COLUMNS["lead.budget"], CHANGES, IDS, rows, AT[[0, 2, 2, 2]])
    assert then.tolist()[1:3] == [10.0, 5.0]
    assert then.isna().tolist() == [True, False, False, True]
    size = values_as_of("company.size", COLUMNS["company.size"], CHANGES, IDS, np.array([0, 1, 2]), AT[[1, 3, 3]])
    assert size.fillna("none").tolist() == ["none", "big", "none"], "before the change, after it, no company"


@pytest.mark.parametrize(
    ("extracted", "recorded", "is_same"),
    [
        (pd.array([True, True, None], dtype="boolean"), "true", True),
        (pd.array([True, False, None], dtype="boolean"), "false", False),
        (pd.to_datetime(["2026-03-01", "2026-03-01", None], utc=True), "2026-03-01", True),
    ],
)
def test_a_flag_or_a_day_that_was_recorded_is_the_level_that_was_extracted(
    extracted: pd.api.extensions.ExtensionArray, recorded: str, is_same: bool
) -> None:
    """Changes are text: yes and "true" were two levels of a column, one for whom nothing ever changed."""
    changes = CHANGES.assign(column="agreed", value=recorded)
    values = values_as_of("lead.agreed", pd.Series(extracted), changes, IDS, np.array([0, 0, 1]), AT[[0, 4, 4]])
    code = levels(values)
    assert code[0] == 0
    assert code[1] == code[2] > 0
    assert (values[1] == pd.Series(extracted)[0]) == is_same


def test_after_the_fact_needs_most_of_many() -> None:
    def found(after: int, before: int) -> bool:
        count = after + before
        end = np.full((count, 2), AT[2])
        history = histories(
            pd.DataFrame({"entity": "lead", "id": [str(i) for i in range(count)], "column": "x", "value": "v",
                          "at": [DAYS[3]] * after + [DAYS[1]] * before}),
            {"lead.x": pd.Series(["v"] * count, dtype="str")},
            {"lead": pd.Series([str(i) for i in range(count)])},
        )["lead.x"]  # fmt: skip
        return late_fill_finding(history, Path(end, np.full(count, NO_MOMENT), np.arange(count + 1)), "customer") is not None

    assert found(20, 10)
    assert not found(10, 20), "most had it before"
    assert not found(15, 0), "too few to say"
