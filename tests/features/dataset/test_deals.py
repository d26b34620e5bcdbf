"""Deals → what each customer brought, and a sentence for all that cannot be used."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from features.common.clock import DAY, moment
from features.dataset.deals import DealValues, deal_values
from features.dataset.funnel import Funnel
from features.dataset.landmarks import Path

NOW = pd.Timestamp("2026-06-01", tz="UTC")
FUNNEL = Funnel(("lead", "customer"), (), {"customer": 30.0})
LEADS = pd.DataFrame({
    "lead_id": ["a", "b", "c"],
    "company_id": ["X", "X", None],
    "created_at": [pd.Timestamp("2024-01-01", tz="UTC")] * 3,
})  # fmt: skip
STAGES = pd.DataFrame({
    "lead_id": ["a", "b"],
    "lead_stage": ["customer"] * 2,
    "at": [pd.Timestamp("2024-02-01", tz="UTC"), pd.Timestamp("2025-02-01", tz="UTC")],
})  # fmt: skip


def deal(lead: str | None, amount: float | None, currency: str | None = "EUR", **more: object) -> dict[str, object]:
    return {
        "lead_id": lead, "company_id": None, "created_at": pd.Timestamp("2024-01-15", tz="UTC"), "status": "won",
        "closed_at": pd.Timestamp("2024-02-01", tz="UTC"), "amount": amount, "currency": currency, **more,
    }  # fmt: skip


def frame(deals: Sequence[dict[str, object]]) -> pd.DataFrame:
    table = pd.DataFrame(list(deals), columns=list(deal("a", 1)))
    return table.astype({"amount": "float64", "closed_at": "datetime64[us, UTC]", "created_at": "datetime64[us, UTC]"})


def found(
    *deals: dict[str, object], currency: str | None = None, rates: dict[str, float] | None = None
) -> tuple[DealValues, list[str]]:
    return deal_values(frame(deals), LEADS, Path.from_tables(LEADS, STAGES, FUNNEL), moment(NOW), currency, rates or {})


def test_only_won_deals_count() -> None:
    got, notes = found(deal("a", 100), deal("b", 50, status="lost"), deal("c", 70, status="open"))
    assert (got.lead.tolist(), got.amount.tolist(), got.currency, notes) == ([0], [100], "EUR", [])


@pytest.mark.parametrize(
    ("amount", "said"),
    [(-5.0, "1 won deals have an amount below zero"), (0.0, "an amount of zero"), (None, "have no amount")],
)
def test_amounts_that_say_nothing_are_left_out_with_a_sentence(amount: float | None, said: str) -> None:
    got, notes = found(deal("a", 100), deal("b", amount))
    assert got.lead.tolist() == [0]
    assert any(said in note for note in notes)


def test_another_currency_is_turned_into_ours() -> None:
    got, notes = found(deal("a", 100), deal("b", 100, "usd "), deal("c", 10), rates={"USD": 0.9})
    assert (got.amount.tolist(), got.currency, notes) == ([100, 90, 10], "EUR", [])


def test_a_currency_without_a_rate_is_named_with_the_nearest_one() -> None:
    got, notes = found(deal("a", 100), deal("c", 10), deal("b", 100, "US$"), rates={"USD": 0.9})
    assert got.lead.tolist() == [0, 2]
    assert "1 won deals are in 'US$', for which `value: rates:` has no rate (did you mean 'USD'?)" in notes[0]
    assert "how much EUR one US$ is worth" in notes[0]


def test_the_currency_most_deals_are_in_is_ours_unless_said_otherwise() -> None:
    deals = (deal("a", 1, "BRL"), deal("b", 1, "BRL"), deal("c", 1, "EUR"))
    assert found(*deals)[0].currency == "BRL"
    assert found(*deals, currency="eur")[0].lead.tolist() == [2]
    assert found()[0].currency == "EUR"


def test_without_a_currency_it_is_ours() -> None:
    got, notes = found(deal("a", 100, None), deal("b", 50))
    assert (got.amount.tolist(), notes) == ([100, 50], [])


def test_when_no_amount_can_be_used_it_says_what_to_map() -> None:
    got, notes = found(deal("a", None), deal("b", 0))
    assert len(got) == 0
    assert "there is no expected value; map `amount` and `currency`" in notes[-1]


def test_a_deal_of_a_company_is_that_of_its_customer_nearest_in_time() -> None:
    late = {"closed_at": pd.Timestamp("2025-01-20", tz="UTC")}
    assert found(deal(None, 100, company_id="X"))[0].lead.tolist() == [0]
    assert found(deal(None, 100, company_id="X", **late))[0].lead.tolist() == [1]


def test_a_deal_of_nobody_is_counted_and_left_out() -> None:
    got, notes = found(deal("a", 100), deal(None, 100, company_id="Y"), deal(None, 5))
    assert len(got) == 1
    assert "2 won deals belong to no lead" in notes[0]


def test_without_a_date_it_was_won_when_the_lead_became_a_customer() -> None:
    got, _ = found(deal("b", 100, closed_at=None))
    assert got.won_at.tolist() == [moment(pd.Timestamp("2025-02-01", tz="UTC"))]


def test_the_first_deal_counts_and_the_first_year_says_how_much_more_comes() -> None:
    """Five customers of 100; one buys for 150 again after half a year, and for 1,000 after two, which is too late."""
    begin = pd.Timestamp("2023-01-01", tz="UTC")
    leads = pd.DataFrame({"lead_id": list("abcde"), "company_id": None, "created_at": begin})
    deals = [deal(name, 100, closed_at=begin) for name in "abcde"]
    deals += [deal("a", pay, closed_at=begin + pd.Timedelta(days=days)) for pay, days in ((150, 180), (1000, 730))]
    got, _ = deal_values(frame(deals), leads, Path.from_tables(leads, STAGES.iloc[:0], FUNNEL), moment(NOW), None, {})
    assert got.amount.tolist() == [100] * 5
    assert got.repeat == pytest.approx(1.3)


def test_a_giant_is_named() -> None:
    many = pd.DataFrame({"lead_id": [f"l{i}" for i in range(9)], "company_id": None, "created_at": LEADS["created_at"].iloc[0]})
    table = frame([deal(f"l{i}", 10 if i else 1e9) for i in range(9)])
    _, notes = deal_values(table, many, Path.from_tables(many, STAGES.iloc[:0], FUNNEL), moment(NOW), None, {})
    assert "one deal of 1,000,000,000 EUR is 100% of all that was won" in notes[0]


def test_amounts_by_lead_are_empty_where_there_is_none() -> None:
    amount, at = DealValues(np.array([1]), np.array([5.0]), np.array([DAY]), "EUR", 1.0).of_leads(3)
    assert np.isnan(amount[[0, 2]]).all()
    assert (amount[1], at[1]) == (5, DAY)
