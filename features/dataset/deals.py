"""What customers brought: the amounts of won deals per lead, in one currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.common.clock import DAY, NEVER, Moments, microseconds
from features.common.errors import nearest
from features.dataset.landmarks import Path

ALONE = 0.2  # of all that was brought: a deal that large is named
YEAR = 365 * DAY
FEW = 5  # customers


@dataclass(frozen=True)
class Brought:
    """The first won deal of each lead that has one: `lead` (m,) rows, `amount` (m,) above 0 in `currency`, and `at` (m,), when
    it was won. `repeat` is what a customer brings in its first year, as a multiple of its first deal."""

    lead: npt.NDArray[np.intp]
    amount: npt.NDArray[np.float64]
    at: Moments
    currency: str
    repeat: float

    def __len__(self) -> int:
        return len(self.lead)

    def of_leads(self, leads: int) -> tuple[npt.NDArray[np.float64], Moments]:
        """(leads,) amounts, NaN where there is none, and when they were won, `NEVER` where there is none."""
        amount, at = np.full(leads, np.nan), np.full(leads, NEVER)
        amount[self.lead], at[self.lead] = self.amount, self.at
        return amount, at


def brought(
    deals: pd.DataFrame,
    leads: pd.DataFrame,
    path: Path,
    extracted_at: int,
    currency: str | None,
    rates: Mapping[str, float],
) -> tuple[Brought, list[str]]:
    """Won deals (table `deals`) of `leads` (in the order of `path`) → amounts, and a sentence for all that was left out.

    `currency`: that of the result; without it the one most deals are in. `rates`: how much of it one unit of another is worth.
    A deal without a currency is taken to be in it, one without a lead is that of the lead of its company that became a customer
    at the nearest time.
    """
    won = deals.loc[deals["status"].astype("str") == "won"]
    named = _codes(won["currency"])
    unit = (currency or _most(named) or "EUR").upper()
    factor, notes = _factors(named, unit, {code.upper(): rate for code, rate in rates.items()})
    amount = won["amount"].to_numpy(np.float64, na_value=np.nan) * factor
    lead, at = _who(won, leads, path)
    for wrong, what in (
        (np.isnan(won["amount"].to_numpy(np.float64, na_value=np.nan)), "have no amount"),
        (amount < 0, "have an amount below zero"),
        (amount == 0, "have an amount of zero"),
        ((lead < 0) & (amount > 0), "belong to no lead that can be told"),
    ):
        if wrong.any():
            notes.append(f"value: {int(wrong.sum()):,} won deals {what} and are left out of the amounts")
    good = (lead >= 0) & (amount > 0) & np.isfinite(amount) & (at <= extracted_at)
    if len(won) and not good.any():
        notes.append(
            "value: no won deal has an amount that can be used, so there is no expected value; "
            "map `amount` and `currency` of the deals, or give `value: rates:`"
        )
    return _first(lead[good], amount[good], at[good], unit, extracted_at, notes), notes


def _codes(currency: pd.Series) -> npt.NDArray[np.object_]:
    """Currency codes in capitals, "" where there is none."""
    return currency.astype("object").fillna("").astype(str).str.strip().str.upper().to_numpy(object)


def _most(named: npt.NDArray[np.object_]) -> str | None:
    codes, counts = np.unique(named[named != ""].astype(str), return_counts=True)
    return str(codes[counts.argmax()]) if len(codes) else None


def _factors(
    named: npt.NDArray[np.object_], unit: str, rates: Mapping[str, float]
) -> tuple[npt.NDArray[np.float64], list[str]]:
    """What one unit of each deal's currency is worth; NaN, and a sentence, where nobody says it."""
    worth = {"": 1.0, unit: 1.0, **rates}
    notes = []
    for code in sorted(set(named) - set(worth)):
        count = int((named == code).sum())
        meant = nearest(code, rates) if rates else "there are none"
        notes.append(
            f"value: {count:,} won deals are in {code!r}, for which `value: rates:` has no rate ({meant}), and are left out of "
            f"the amounts; add `{code}:`, how much {unit} one {code} is worth"
        )
    return np.array([worth.get(code, np.nan) for code in named], np.float64), notes


def _who(won: pd.DataFrame, leads: pd.DataFrame, path: Path) -> tuple[npt.NDArray[np.intp], Moments]:
    """The lead (row, -1 for none) and the moment of each won deal."""
    lead = np.asarray(pd.Index(leads["lead_id"]).get_indexer(pd.Index(won["lead_id"].astype("str"))), np.intp)
    customer = path.reached[:, -1]
    at = microseconds(won["closed_at"])
    at = np.where((at == NEVER) & (lead >= 0), customer[lead], at)
    at = np.where(at == NEVER, microseconds(won["created_at"]), at)
    for i in np.flatnonzero((lead < 0) & won["company_id"].notna().to_numpy()):
        mine = np.flatnonzero((leads["company_id"] == won["company_id"].iloc[i]).to_numpy() & (customer < NEVER))
        if len(mine):
            lead[i] = mine[np.abs(customer[mine] - at[i]).argmin()]
    return lead, at


def _first(
    lead: npt.NDArray[np.intp],
    amount: npt.NDArray[np.float64],
    at: Moments,
    unit: str,
    extracted_at: int,
    notes: list[str],
) -> Brought:
    """The first deal of each lead, and by how much those of its first year exceed it."""
    order = np.lexsort((at, lead))
    lead, amount, at = lead[order], amount[order], at[order]
    first = np.append(True, lead[1:] != lead[:-1]) if len(lead) else np.zeros(0, bool)
    begin = np.flatnonzero(first)
    number = np.cumsum(first) - 1
    old = at[begin] <= extracted_at - YEAR
    soon = at <= at[begin][number] + YEAR
    repeat = 1.0
    if old.sum() >= FEW:
        repeat = float(amount[soon & old[number]].sum() / amount[begin][old].sum())
    found = Brought(lead[begin], amount[begin], at[begin], unit, repeat)
    if len(found) > FEW and found.amount.max() > ALONE * found.amount.sum():
        share = found.amount.max() / found.amount.sum()
        notes.append(
            f"value: one deal of {found.amount.max():,.0f} {unit} is {share:.0%} of all that was won; check that it is right"
        )
    return found
