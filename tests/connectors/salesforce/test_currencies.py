"""Money by the rates of an org: dated ones for opportunities."""

from __future__ import annotations

from tests.connectors.crm.crms import Opener
from tests.connectors.salesforce.fields import describe


def test_opportunities_count_by_the_rate_of_the_day_they_close(served: Opener) -> None:
    """Before the first rate by the first; the org's own currency, and one without dated rates, as they are."""
    with served("salesforce") as here:
        here.fake.fields["Lead"]["CurrencyIsoCode"] = describe("CurrencyIsoCode", "picklist")
        here.fake.fields["LeadHistory"]["Lead.CurrencyIsoCode"] = describe("Lead.CurrencyIsoCode", "picklist")
        here.fake.fields["Opportunity"]["CurrencyIsoCode"] = describe("CurrencyIsoCode", "picklist")
        for code, rate in (("EUR", 1.0), ("CHF", 0.5), ("JPY", 150.0)):
            here.fake.add("CurrencyType", {"IsoCode": code, "ConversionRate": rate, "IsCorporate": code == "EUR"})
        for start, rate in (("2026-02-01", 0.8), ("2026-01-01", 0.4)):
            here.fake.add("DatedConversionRate", {"IsoCode": "CHF", "StartDate": start, "ConversionRate": rate})
        deals = list(here.fake.records["Opportunity"].values())
        cases = [
            ("CHF", "2026-02-01"),
            ("CHF", "2026-01-31"),
            ("CHF", "2025-12-31"),
            ("EUR", "2026-01-15"),
            ("JPY", "2026-01-15"),
        ]
        for record in deals:
            record |= {"CurrencyIsoCode": "EUR"}
        for record, (code, day) in zip(deals, cases, strict=False):
            record |= {"CurrencyIsoCode": code, "CloseDate": day, "Amount": 1_000}
        here.run()
        found = here.dataset.deals.set_index("deal_id")
        assert [(float(found.loc[r["Id"], "amount"]), str(found.loc[r["Id"], "currency"])) for r in deals[: len(cases)]] == [
            (1_250, "EUR"),
            (2_500, "EUR"),
            (2_500, "EUR"),
            (1_000, "EUR"),
            (1_000, "JPY"),
        ]
