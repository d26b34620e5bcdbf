"""Which column says what came of a lead, which of its values is a yes, and what is asked."""

from __future__ import annotations

import pytest

from connectors.exports.columns import ColumnProfile, kind_of
from connectors.exports.outcome import outcome_columns
from connectors.files.settings import FileOptions
from features.dataset.funnel import Funnel


def profile(header: str, counts: dict[str, int]) -> ColumnProfile:
    rows = sum(counts.values())
    return ColumnProfile(header, rows, rows, counts, True, kind_of(header, counts, rows, FileOptions()))


@pytest.mark.parametrize(
    ("header", "counts", "yes", "no"),
    [
        ("Converted", {"1": 3, "0": 9}, ("1",), ("0",)),
        ("isConverted", {"TRUE": 3, "FALSE": 9}, ("TRUE",), ("FALSE",)),
        ("y", {"yes": 3, "no": 9}, ("yes",), ("no",)),
        ("Gewonnen", {"Ja": 1, "Nein": 3}, ("Ja",), ("Nein",)),
        ("deal_won", {"Y": 1, "N": 3}, ("Y",), ("N",)),
        ("outcome", {"Won": 2, "Lost": 2}, ("Won",), ("Lost",)),
        ("target", {"1.0": 2, "0.0": 2}, ("1.0",), ("0.0",)),
        ("Is Customer", {"x": 2, "-": 7}, ("x",), ("-",)),
    ],
)
def test_a_two_sided_column(header: str, counts: dict[str, int], yes: tuple[str, ...], no: tuple[str, ...]) -> None:
    (guess,) = outcome_columns([profile(header, counts)], Funnel())
    assert (guess.header, guess.yes, guess.no) == (header, yes, no)


def test_a_status_has_successes_ends_and_what_is_open() -> None:
    counts = {"Closed Won": 1, "Closed Lost": 1, "Proposal": 5, "Closed - Not Converted": 1}
    (guess,) = outcome_columns([profile("Deal Stage", counts)], Funnel())
    assert (guess.yes, guess.no, guess.open) == (("Closed Won",), ("Closed Lost", "Closed - Not Converted"), ("Proposal",))
    assert "taken for still open" in guess.question


@pytest.mark.parametrize(
    ("header", "counts"),
    [
        ("Won Date", {"2026-01-05": 1, "2026-01-06": 1}),
        ("Closed Reason", {"won": 1, "lost": 2}),
        ("products purchased", {"1": 5, "2": 4, "0": 1}),
        ("Converted", {"1": 5}),
        ("Marital Status", {"married": 5, "single": 3}),
        ("State", {"Ohio": 5, "Utah": 3}),
        ("Lead Status", {"New": 5, "Working": 3}),
        ("housing", {"yes": 5, "no": 3}),
        ("Do Not Email", {"Yes": 1, "No": 3}),
    ],
)
def test_what_is_no_outcome(header: str, counts: dict[str, int]) -> None:
    assert outcome_columns([profile(header, counts)], Funnel()) == []


def test_the_surest_comes_first_and_none_is_hidden() -> None:
    columns = [
        profile("Lead Status", {"Customer": 1, "Lost": 2}),
        profile("Offer", {"yes": 3, "no": 1}),
        profile("Target", {"A": 1, "B": 5}),
        profile("Won", {"yes": 1, "no": 3}),
    ]
    assert [g.header for g in outcome_columns(columns, Funnel())] == ["Won", "Offer", "Lead Status", "Target"]


@pytest.mark.parametrize("header", ["Churn", "is_churned", "Attrition", "gekündigt", "Exited"])
def test_of_a_column_that_says_who_left_the_no_is_the_yes_and_asked(header: str) -> None:
    (guess,) = outcome_columns([profile(header, {"No": 9, "Yes": 3})], Funnel())
    assert (guess.yes, guess.no) == (("No",), ("Yes",))
    assert "says who left: 'No', who stayed" in guess.question


def test_states_that_end_before_the_last_lead_stage_are_asked() -> None:
    (guess,) = outcome_columns([profile("Status", {"Open": 5, "Qualified": 3, "Disqualified": 4})], Funnel())
    assert (guess.yes, guess.no, guess.open, guess.lead_stage) == (("Qualified",), ("Disqualified",), ("Open",), "sql")
    assert "no value of 'Status' says won: 'Qualified' was taken for sql" in guess.question


def test_a_reason_is_the_last_to_say_what_came_of_a_lead() -> None:
    columns = [profile(h, {"Open": 5, "Qualified": 3, "Lost": 4}) for h in ("Status Reason", "Status")]
    assert [guess.header for guess in outcome_columns(columns, Funnel())] == ["Status", "Status Reason"]
