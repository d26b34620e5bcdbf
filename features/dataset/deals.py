"""What customers brought: the amounts of won deals per lead, in one currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.common.clock import DAY, NO_MOMENT, Moments, microseconds
from features.common.errors import nearest
from features.dataset.landmarks import Path

LARGE_SHARE = 0.2  # of all that was brought: a deal that large is deal_currencies
YEAR = 365 * DAY
MIN_CUSTOMERS = 5  # customers


@dataclass(frozen=True)
class DealValues:
    """The first won deal of each lead that has one: `lead` (m,) rows, `amount` (m,) above 0 in `currency`, and `won_at` (m,),
    when it was won. `repeat` is what a customer brings in its first year, as a multiple of its first deal."""

    lead: npt.NDArray[np.intp]
    amount: npt.NDArray[np.float64]
    won_at: Moments
    currency: str
    repeat: float

    def __len__(self) -> int:
        return len(self.lead)

    def of_leads(self, leads: int) -> tuple[npt.NDArray[np.float64], Moments]:
        """(leads,) amounts, NaN where there is none, and when they were won, `NO_MOMENT` where there is none."""
        amount, won_at = np.full(leads, np.nan), np.full(leads, NO_MOMENT)
        amount[self.lead], won_at[self.lead] = self.amount, self.won_at
        return amount, won_at


def deal_values(
    deals: pd.DataFrame,
    leads: pd.DataFrame,
    path: Path,
    extracted_at: int,
    currency: str | None,
    rates: Mapping[str, float],
) -> tuple[DealValues, list[str]]:
    """Won deals (table `deals`) of `leads` (in the order of `path`) → amounts, and a sentence for all that was left out.

    `currency`: that of the result; without it the one most deals are in. `rates`: how much of it one unit of another is worth.
    A deal without a currency is taken to be in it, one without a lead is that of the lead of its company that became a customer
    at the nearest time.
    """
    won = deals.loc[deals["status"].astype("str") == "won"]
    deal_currencies = _codes(won["currency"])
    unit = (currency or _commonest_currency(deal_currencies) or "EUR").upper()
    factor, notes = _factors(deal_currencies, unit, {code.upper(): rate for code, rate in rates.items()})
    amount = won["amount"].to_numpy(np.float64, na_value=np.nan) * factor
    lead, won_at = _lead_of_deals(won, leads, path)
    for wrong, problem in (
        (np.isnan(won["amount"].to_numpy(np.float64, na_value=np.nan)), "have no amount"),
        (amount < 0, "have an amount below zero"),
        (amount == 0, "have an amount of zero"),
        ((lead < 0) & (amount > 0), "belong to no lead that can be told"),
    ):
        if wrong.any():
            notes.append(f"value: {int(wrong.sum()):,} won deals {problem} and are left out of the amounts")
    usable = (lead >= 0) & (amount > 0) & np.isfinite(amount) & (won_at <= extracted_at)
    if len(won) and not usable.any():
        notes.append(
            "value: no won deal has an amount that can be used, so there is no expected value; "
            "map `amount` and `currency` of the deals, or give `value: rates:`"
        )
    return _first_deals(lead[usable], amount[usable], won_at[usable], unit, extracted_at, notes), notes


def _codes(currency: pd.Series) -> npt.NDArray[np.object_]:
    """Currency codes in capitals, "" where there is none."""
    return currency.astype("object").fillna("").astype(str).str.strip().str.upper().to_numpy(object)


def _commonest_currency(deal_currencies: npt.NDArray[np.object_]) -> str | None:
    codes, counts = np.unique(deal_currencies[deal_currencies != ""].astype(str), return_counts=True)
    return str(codes[counts.argmax()]) if len(codes) else None


def _factors(
    deal_currencies: npt.NDArray[np.object_], unit: str, rates: Mapping[str, float]
) -> tuple[npt.NDArray[np.float64], list[str]]:
    """What one unit of each deal's currency is worth; NaN, and a sentence, where nobody says it."""
    worth = {"": 1.0, unit: 1.0, **rates}
    notes = []
    for code in sorted(set(deal_currencies) - set(worth)):
        count = int((deal_currencies == code).sum())
        hint = nearest(code, rates) if rates else "there are none"
        notes.append(
            f"value: {count:,} won deals are in {code!r}, for which `value: rates:` has no rate ({hint}), and are left out of "
            f"the amounts; add `{code}:`, how much {unit} one {code} is worth"
        )
    return np.array([worth.get(code, np.nan) for code in deal_currencies], np.float64), notes


def _lead_of_deals(won: pd.DataFrame, leads: pd.DataFrame, path: Path) -> tuple[npt.NDArray[np.intp], Moments]:
    """The lead (row, -1 for none) and the moment of each won deal."""
    lead = np.asarray(pd.Index(leads["lead_id"]).get_indexer(pd.Index(won["lead_id"].astype("str"))), np.intp)
    customer = path.first_reached[:, -1]
    won_at = microseconds(won["closed_at"])
    won_at = np.where((won_at == NO_MOMENT) & (lead >= 0), customer[lead], won_at)
    won_at = np.where(won_at == NO_MOMENT, microseconds(won["created_at"]), won_at)
    for i in np.flatnonzero((lead < 0) & won["company_id"].notna().to_numpy()):
        candidates = np.flatnonzero((leads["company_id"] == won["company_id"].iloc[i]).to_numpy() & (customer < NO_MOMENT))
        if len(candidates):
            lead[i] = candidates[np.abs(customer[candidates] - won_at[i]).argmin()]
    return lead, won_at


def _first_deals(
    lead: npt.NDArray[np.intp],
    amount: npt.NDArray[np.float64],
    won_at: Moments,
    unit: str,
    extracted_at: int,
    notes: list[str],
) -> DealValues:
    """The first deal of each lead, and by how much those of its first year exceed it."""
    order = np.lexsort((won_at, lead))
    lead, amount, won_at = lead[order], amount[order], won_at[order]
    first_mask = np.append(True, lead[1:] != lead[:-1]) if len(lead) else np.zeros(0, bool)
    begin = np.flatnonzero(first_mask)
    number = np.cumsum(first_mask) - 1
    full_year = won_at[begin] <= extracted_at - YEAR
    in_first_year = won_at <= won_at[begin][number] + YEAR
    repeat = 1.0
    if full_year.sum() >= MIN_CUSTOMERS:
        repeat = float(amount[in_first_year & full_year[number]].sum() / amount[begin][full_year].sum())
    first_deals = DealValues(lead[begin], amount[begin], won_at[begin], unit, repeat)
    if len(first_deals) > MIN_CUSTOMERS and first_deals.amount.max() > LARGE_SHARE * first_deals.amount.sum():
        share = first_deals.amount.max() / first_deals.amount.sum()
        notes.append(
            f"value: one deal of {first_deals.amount.max():,.0f} {unit} is {share:.0%} of all that was won; "
            "check that it is right"
        )
    return first_deals
