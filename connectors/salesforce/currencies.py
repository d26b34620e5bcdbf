"""Money of an org with several currencies: leads by today's rates, opportunities by those of the day they close, as Salesforce
itself counts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from connectors.crm.rows import number, true
from connectors.salesforce.api import SalesforceApi

CURRENCY = "CurrencyIsoCode"
RATES = "rates of currencies"
DATED = "DatedConversionRate"


class Currencies:
    """The currencies of an org, asked for once they are needed. `fields`: of leads. `leave_out`: called with what our user may
    not see, and why."""

    def __init__(
        self, api: SalesforceApi, fields: Mapping[str, Mapping[str, Any]], leave_out: Callable[[str, str], None], screen: str
    ) -> None:
        self.api, self.fields, self.leave_out, self.screen = api, fields, leave_out, screen

    @cached_property
    def _types(self) -> list[dict[str, Any]]:
        """The org's currencies; none in an org with one, or where they are hidden."""
        if CURRENCY not in self.fields:
            return []
        if "ConversionRate" not in self.api.describe("CurrencyType"):
            needs = f"read access to CurrencyType ({self.screen})"
            self.leave_out(RATES, f"Amounts stay in the leads' own currencies. To convert them, give {needs}.")
            return []
        pages = self.api.query("SELECT Id, IsoCode, ConversionRate, IsCorporate FROM CurrencyType")
        return [record for page in pages for record in page]

    @cached_property
    def _rates(self) -> dict[str, float]:
        """Currency → how much of it the corporate currency's unit is."""
        return {str(record["IsoCode"]): float(record["ConversionRate"]) for record in self._types}

    @cached_property
    def _corporate(self) -> str | None:
        return next((str(record["IsoCode"]) for record in self._types if true(record.get("IsCorporate"))), None)

    @cached_property
    def _dated_rates(self) -> dict[str, tuple[list[str], list[float]]]:
        """Currency → the days from which rates hold, in order, and the rates; none where the org has no dated ones."""
        dated: dict[str, tuple[list[str], list[float]]] = {}
        if self._corporate is None or "ConversionRate" not in self.api.describe(DATED):
            return dated
        pages = self.api.query(f"SELECT Id, IsoCode, StartDate, ConversionRate FROM {DATED}")
        records = sorted((record for page in pages for record in page), key=lambda record: str(record["StartDate"]))
        for record in records:
            days, rates = dated.setdefault(str(record["IsoCode"]), ([], []))
            days.append(str(record["StartDate"]))
            rates.append(float(record["ConversionRate"]))
        return dated

    def of_lead(self, value: Any, name: str, currency: object) -> Any:
        """A value of a field, now or once, of a lead that has this currency now: an amount of money in the corporate currency,
        so that those of several can be compared."""
        rate, amount = self._rates.get(str(currency)), number(value)
        if amount is None or not rate or self.fields.get(name, {}).get("type") != "currency":
            return value
        return round(amount / rate, 2)

    def of_deal(self, amount: float | None, currency: str | None, day: object) -> tuple[float | None, str | None]:
        """An opportunity's amount and currency: the corporate one by the rate of the `day` it closes, where the org has dated
        rates; else its own."""
        if amount is None or currency is None or currency == self._corporate or currency not in self._dated_rates:
            return amount, currency
        days, rates = self._dated_rates[currency]
        rate = rates[max(0, bisect_right(days, str(day or "9999-12-31")[:10]) - 1)]
        return (round(amount / rate, 2), self._corporate) if rate else (amount, currency)

    @cached_property
    def usual(self) -> str | None:
        """The org's currency, where deals have none of their own."""
        if "DefaultCurrencyIsoCode" not in self.api.describe("Organization"):
            return None
        for page in self.api.query("SELECT Id, DefaultCurrencyIsoCode FROM Organization"):
            for record in page:
                return str(record["DefaultCurrencyIsoCode"]) if record.get("DefaultCurrencyIsoCode") else None
        return None
