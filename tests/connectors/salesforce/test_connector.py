"""Salesforce's contact roles and conversions."""

from __future__ import annotations

import pandas as pd

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


def test_money_of_several_currencies_is_that_of_the_org(served: Opener) -> None:
    with served("salesforce") as here:
        here.fake.fields["Lead"]["CurrencyIsoCode"] = describe("CurrencyIsoCode", "picklist")
        here.fake.fields["Lead"]["AnnualRevenue"] |= {"type": "currency"}
        here.fake.add("CurrencyType", {"IsoCode": "EUR", "ConversionRate": 1.0, "IsCorporate": True})
        here.fake.add("CurrencyType", {"IsoCode": "CHF", "ConversionRate": 0.5, "IsCorporate": False})
        records = list(here.fake.records["Lead"].values())
        for record in records:
            record |= {"CurrencyIsoCode": "EUR", "Company": None}
        records[0] |= {"CurrencyIsoCode": "CHF", "AnnualRevenue": 1_000_000, "Company": "Alone AG"}
        here.run()
        companies = here.dataset.companies
        assert companies["annual_revenue"].tolist() == [2_000_000]
