"""Salesforce's contact roles and conversions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from features.common.errors import CrmError
from tests.connectors.crm.crms import Opener
from tests.connectors.crm.world import World
from tests.connectors.salesforce.fields import describe


def test_a_contact_role_that_is_deleted_ends_the_deal_for_it(served: Opener) -> None:
    with served("salesforce") as here:
        here.first()
        before = int(here.dataset.deals["lead_id"].notna().sum())
        for name, role in list(here.fake.records["OpportunityContactRole"].items()):
            here.fake.delete("OpportunityContactRole", name)
            lead = next(r for r in here.fake.records["Lead"].values() if r.get("ConvertedContactId") == role["ContactId"])
            lead["ConvertedOpportunityId"] = None
        assert before > 0
        rows = {row["_id"]: row for row in here.landed("deal_people")}
        here.run()
        gone = [row for row in here.landed("deal_people") if row["_gone_at"] is not None]
        assert len(gone) == len(here.fake.records["OpportunityContactRole"]) < len(rows) + 1


def test_a_conversion_has_its_moment_where_history_has_it_and_its_day_elsewhere(served: Opener, small: World) -> None:
    with served("salesforce") as here:
        converted = {n: r for n, r in here.fake.records["Lead"].items() if r.get("IsConverted")}
        history = here.fake.records["LeadHistory"]
        here.fake.records["LeadHistory"] = {k: r for k, r in history.items() if r["Field"] != "leadConverted"}
        here.run()
        rows = here.dataset.lead_stages.query("lead_stage == 'sql'").groupby("lead_id", observed=True)["at"].min()
        for name, record in converted.items():
            day = max(pd.Timestamp(record["ConvertedDate"], tz="UTC"), pd.Timestamp(record["CreatedDate"]))
            assert rows[name] == day


def test_a_formula_field_is_left_out_and_said(served: Opener) -> None:
    """It changes without a modification of its lead, so what was read once would stand for ever."""
    with served("salesforce") as here:
        formula = describe("Days_Open__c", "double", calculated=True)
        here.fake.fields["Lead"]["Days_Open__c"] = formula
        for number, record in enumerate(here.fake.records["Lead"].values()):
            record["Days_Open__c"] = number
        result = here.run()
        assert "Days_Open__c" in result.synced.refused["formula fields"]
        assert "Days_Open__c" not in here.dataset.leads


def test_a_member_taken_off_a_campaign_leaves_it(served: Opener) -> None:
    """Salesforce deletes members for good, without a word and without a bin."""
    with served("salesforce") as here:
        here.first()
        before = len(here.dataset.interactions)
        name = next(iter(here.fake.records["CampaignMember"]))
        acts = 2 if here.fake.records["CampaignMember"][name]["HasResponded"] else 1
        del here.fake.records["CampaignMember"][name]
        here.fake.skew += 86_400
        here.run()
        assert len(here.dataset.interactions) == before - acts
        assert len(here.people) == 60


def test_half_the_members_missing_is_a_permission_not_a_deletion(served: Opener) -> None:
    """They had no such brake: a user that lost sight of campaigns emptied them."""
    with served("salesforce") as here:
        here.first()
        before, members = len(here.dataset.interactions), here.fake.records["CampaignMember"]
        assert len(members) > 40
        for name in list(members)[: len(members) // 2]:
            del members[name]
        here.fake.skew += 86_400
        with pytest.raises(CrmError, match=r"\d+ of \d+ campaign members are listed no longer"):
            here.run()
        assert len(here.dataset.interactions) == before


def _with_currencies(here: Any) -> dict[str, Any]:
    """An org with two currencies; the one lead in francs, and it alone has a company."""
    here.fake.fields["Lead"]["CurrencyIsoCode"] = describe("CurrencyIsoCode", "picklist")
    here.fake.fields["LeadHistory"]["Lead.CurrencyIsoCode"] = describe("Lead.CurrencyIsoCode", "picklist")
    here.fake.fields["Lead"]["AnnualRevenue"] |= {"type": "currency"}
    here.fake.add("CurrencyType", {"IsoCode": "EUR", "ConversionRate": 1.0, "IsCorporate": True})
    here.fake.add("CurrencyType", {"IsoCode": "CHF", "ConversionRate": 0.5, "IsCorporate": False})
    records: list[dict[str, Any]] = list(here.fake.records["Lead"].values())
    for record in records:
        record |= {"CurrencyIsoCode": "EUR", "Company": None}
    records[0] |= {"CurrencyIsoCode": "CHF", "AnnualRevenue": 1_000_000, "Company": "Alone AG"}
    return records[0]


def test_money_of_several_currencies_is_that_of_the_org(served: Opener) -> None:
    with served("salesforce") as here:
        _with_currencies(here)
        here.run()
        companies = here.dataset.companies
        assert companies["annual_revenue"].tolist() == [2_000_000]


def test_what_an_amount_was_is_converted_like_what_it_is(served: Opener) -> None:
    """Its history stayed in the lead's own currency: francs one day, euros the next."""
    with served("salesforce", more="  columns: {leads: {revenue: AnnualRevenue}}\n") as here:
        lead = _with_currencies(here)
        here.fake.history(lead["Id"], "AnnualRevenue", "400000", "1000000", here.clock)
        here.run()
        rows = [row for row in here.landed("history") if row["field"] == "AnnualRevenue"]
        assert sorted(float(row["value"]) for row in rows if row["record"] == lead["Id"]) == [800_000, 2_000_000]


def test_another_rate_of_exchange_makes_no_second_change(served: Opener) -> None:
    """The id of a change was made of the converted amount."""
    with served("salesforce", more="  columns: {leads: {revenue: AnnualRevenue}}\n") as here:
        lead = _with_currencies(here)
        for old, new, days in (("100000", "400000", 2), ("400000", "1000000", 0)):
            here.fake.history(lead["Id"], "AnnualRevenue", old, new, here.clock - timedelta(days=days))
        here.run()
        before = {row["_id"]: row["value"] for row in here.landed("history") if row["field"] == "AnnualRevenue"}
        for record in here.fake.records["CurrencyType"].values():
            record["ConversionRate"] = 0.4 if record["IsoCode"] == "CHF" else 1.0
        here.run()  # the newest changes are read once more: others may have come in the same second
        after = {row["_id"]: row["value"] for row in here.landed("history") if row["field"] == "AnnualRevenue"}
        assert after.keys() == before.keys()


def test_without_the_rates_of_currencies_the_import_goes_on_and_says_so(served: Opener) -> None:
    """It ended, and told to give access to leads."""
    with served("salesforce") as here:
        _with_currencies(here)
        here.fake.hidden = {"CurrencyType"}
        result = here.run()
        assert "CurrencyType" in result.synced.refused["rates of currencies"]
        assert here.dataset.companies["annual_revenue"].tolist() == [1_000_000]


def test_the_record_type_of_a_lead_is_a_column(served: Opener) -> None:
    with served("salesforce") as here:
        for name in ("RecordTypeId", "RecordType.DeveloperName"):
            here.fake.fields["Lead"][name] = describe(name)
        for number, record in enumerate(here.fake.records["Lead"].values()):
            record |= {"RecordTypeId": "012", "RecordType.DeveloperName": "Partner" if number % 2 else "Direct"}
        here.run()
        assert set(here.dataset.leads["record_type"].astype(str)) == {"Partner", "Direct"}
