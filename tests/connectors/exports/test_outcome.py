"""Which column says what came of a lead, which of its values is a yes, and what is asked."""

from __future__ import annotations

import pytest

from connectors.exports.columns import ColumnProfile, kind_of
from connectors.exports.outcome import NamedOutcome, outcome_candidates, outcome_columns
from connectors.files.settings import FileOptions
from features.common.errors import DataError
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


def test_any_column_can_be_named_as_the_outcome() -> None:
    churn = profile("churn", {"Yes": 2, "No": 7})
    assert NamedOutcome.parse("Churn", ["tenure", "churn"]).of(churn, Funnel()).yes == ("Yes",)
    grade = profile("a=b", {"A": 2, "B": 7, "C": 1})
    named = NamedOutcome.parse("a=b=A, C", ["a=b"])
    assert (named.of(grade, Funnel()).yes, named.of(grade, Funnel()).no) == (("A", "C"), ("B",))


@pytest.mark.parametrize(
    ("text", "counts", "sentence"),
    [
        ("Grad", {"A": 2, "B": 7}, "No file of the folder has a column 'Grad'."),
        ("Grade=D", {"A": 2, "B": 7}, "never holds 'D'"),
        ("Grade=A,B", {"A": 2, "B": 7}, "Every value of 'Grade' is a yes"),
        ("Grade", {"1": 2, "2": 7, "3": 1}, "Which values of 'Grade' are a yes cannot be told"),
        ("Grade", {"A": 2, "B": 7, "C": 1}, "Which values of 'Grade' are a yes cannot be told"),
        ("Grade", {"A": 9}, "has 1 distinct values"),
        ("Grade", {str(number): 1 for number in range(60)}, "has 60 distinct values"),
    ],
)
def test_a_named_outcome_that_cannot_be_one_is_refused(text: str, counts: dict[str, int], sentence: str) -> None:
    with pytest.raises(DataError) as error:
        NamedOutcome.parse(text, ["Grade"]).of(profile("Grade", counts), Funnel())
    assert sentence in error.value.fact


def test_columns_of_two_values_could_be_the_outcome() -> None:
    columns = [
        profile("plan", {"A": 5, "B": 2}),
        profile("age", {"30": 5, "40": 2, "50": 9}),
        profile("member", {"yes": 5, "no": 2}),
        profile("once", {"yes": 1, "no": 6}),
        profile("left", {"1": 5, "0": 2}),
    ]
    assert outcome_candidates(columns) == ["left", "member", "plan"]
