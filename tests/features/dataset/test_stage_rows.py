"""What is told of rows of lead stages, each with a count, an example and what was made of it."""

from __future__ import annotations

import pandas as pd
import pytest

from features.dataset.dataset import Dataset
from features.dataset.validate import validate
from tests.features.dataset.paths import day
from tests.features.dataset.three_leads import FUNNEL

OTHERS = [("b", "mql", 3.0), ("c", "lead", 0.5)]


def told(*history: tuple[str, float], created: float = 0.5) -> tuple[list[str], list[tuple[str, float]]]:
    """The notes on the history of lead a, and its rows that were kept."""
    leads = pd.DataFrame({"lead_id": list("abc"), "created_at": [day(created), day(0.5), day(0.5)]})
    rows = [*(("a", name, at) for name, at in history), *OTHERS]
    stages = pd.DataFrame([(i, name, day(at)) for i, name, at in rows], columns=["lead_id", "lead_stage", "at"])
    clean, report = validate(Dataset.from_tables({"leads": leads, "lead_stages": stages}, extracted_at=day(99)), FUNNEL)
    kept = clean.lead_stages[clean.lead_stages["lead_id"] == "a"]
    notes = [str(note) for note in report.notes if note.table == "lead_stages"]
    return notes, [(str(s), (at - day(0)) / pd.Timedelta(days=1)) for s, at in zip(kept["lead_stage"], kept["at"], strict=True)]


@pytest.mark.parametrize(
    ("history", "sentence"),
    [
        (
            [("mql", 0.25)],
            "1 row before their lead was created (for example 1970-01-01 06:00:00+00:00); counted from the creation on",
        ),
        (
            [("mql", 0)],
            "1 row without a time, of the day their lead was created (for example 1970-01-01 00:00:00+00:00); counted",
        ),
        ([("lost", 0.25), ("mql", 0.125)], "1 exit row before their lead was created (for example 1970-01-01 06:00"),
        (
            [("mql", 2), ("lost", 3), ("mql", 50), ("sql", 55)],
            "1 lead that came back after an exit (for example a); a spell of its",
        ),
        (
            [("mql", 2), ("lost", 2)],
            "1 row of an exit at the very moment of a lead stage (for example a); the lead stage is taken to have",
        ),
        (
            [("customer", 0.5)],
            "1 lead that were 'customer' or had left the moment they were created (for example a); never looked",
        ),
        ([("sql", 3), ("mql", 5)], "1 row out of order (for example a); the lead stage counts from the later one's time"),
        ([("mql", 3), ("mql", 5)], "1 row that reach a lead stage again (for example a); the first time counts, unless"),
    ],
)
def test_each_kind_of_row_is_told(history: list[tuple[str, float]], sentence: str) -> None:
    notes, _ = told(*history)
    assert [note for note in notes if sentence in note], notes
    assert told(("mql", 2), ("sql", 3), ("lost", 4))[0] == []


def test_rows_that_reach_a_lead_stage_again_stay_where_the_lead_had_left_meanwhile() -> None:
    life = [("mql", 2.0), ("lost", 3.0), ("mql", 50.0), ("mql", 51.0)]
    assert told(*life)[1] == life[:3]


def test_what_an_exit_before_the_creation_ended_takes_nothing_from_what_came_after() -> None:
    life = [("mql", 0.125), ("lost", 0.25), ("mql", 0.375), ("mql", 4.0)]
    assert told(*life)[1] == life[1:3]
