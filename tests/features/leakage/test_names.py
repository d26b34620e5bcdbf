"""Words in names and values."""

from __future__ import annotations

import pandas as pd
import pytest

from features.leakage.names import ended_values, telltale, words


def test_words_of_a_name() -> None:
    assert words("lastContactDate") == {"last", "contact", "date"}


@pytest.mark.parametrize(
    "name",
    [
        "Last Activity", "leadScore", "Lead Quality", "deal_status", "Closed Date", "Tags", "Lost Reason", "hs_lead_status",
        "Leadbewertung", "Abschlussgrund", "Kaufwahrscheinlichkeit", "Letzte Aktivität", "Bemerkung",
    ],
)  # fmt: skip
def test_state_and_judgement_are_heard(name: str) -> None:
    assert telltale(name)


@pytest.mark.parametrize(
    "name",
    [
        "state", "marital_status", "Employment Status", "What is your current occupation", "Last Name", "credit_score",
        "poutcome",
        "Total Time Spent on Website", "consumer price index", "Familienstand", "Bundesland", "Tag der Anmeldung", "lasting",
    ],
)  # fmt: skip
def test_what_is_said_of_the_person_or_means_something_else_is_not(name: str) -> None:
    assert not telltale(name)


def test_values_that_are_lead_stages_or_ends() -> None:
    values = pd.Series(["Closed Won", "open", "LOST", "customer", None] * 10, dtype="str")
    said, share = ended_values(values, ["customer"])
    assert set(said) == {"Closed Won", "LOST", "customer"}
    assert share == 0.75


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(["Lost and found", *["search"] * 99], dtype="str"),  # one campaign in a hundred
        pd.Series([f"lost {i}" for i in range(300)], dtype="str"),  # no list of states
        pd.Series(["customer service", "search"] * 10, dtype="str"),  # holds a lead stage, is none
        pd.Series([1.0, 2.0]),
        pd.Series([None, None], dtype="str"),
    ],
)
def test_other_values_are_not(values: pd.Series) -> None:
    assert ended_values(values, ["customer"]) == ([], 0.0)
