"""Each kind is told from its neighbours by its columns, in any order, case and spelling, and says why."""

from __future__ import annotations

import pytest

from connectors.exports.labels import EXPORTS
from connectors.exports.recognise import scores

KINDS = {
    "Salesforce leads (data export)": "Id IsDeleted LeadSource Status CreatedDate Company IsConverted ConvertedDate",
    "Salesforce contacts": "Id IsDeleted AccountId Title LeadSource Email CreatedDate HasOptedOutOfEmail",
    "Salesforce accounts": "Id Name Industry NumberOfEmployees AnnualRevenue BillingCountry CreatedDate OwnerId",
    "Salesforce opportunities": "Id AccountId Name StageName Amount LeadSource CreatedDate",
    "Salesforce campaign members": "Id CampaignId LeadId ContactId Status HasResponded FirstRespondedDate CreatedDate",
    "Salesforce tasks (data export)": "Id WhoId WhatId Subject ActivityDate Status IsClosed TaskSubtype",
    "Salesforce events (data export)": "Id WhoId Subject StartDateTime EndDateTime IsAllDayEvent",
    "Salesforce lead history (report or data export)": "Id LeadId Field OldValue NewValue CreatedDate",
    "Salesforce opportunity history": "Id OpportunityId Field OldValue NewValue CreatedDate",
    "Salesforce campaigns": "Id Name Type Status StartDate EndDate BudgetedCost ActualCost",
    "HubSpot contacts": "Record_ID Email Create_Date Lifecycle_Stage Company_name",
    "HubSpot companies": "Record_ID Company_name Company_Domain_Name Industry Create_Date",
    "HubSpot deals": "Record_ID Deal_Name Deal_Stage Amount Create_Date Close_Date",
    "Pipedrive people": "Person_-_ID Person_-_Name Person_-_Email Person_-_Open_deals",
    "Pipedrive organizations": "Organization_-_ID Organization_-_Name Organization_-_Won_deals",
}


@pytest.mark.parametrize("title", KINDS)
@pytest.mark.parametrize("spelling", ["as is", "upper", "snake", "reversed"])
def test_a_kind_in_any_spelling(title: str, spelling: str) -> None:
    headers = [h.replace("_", " ") for h in KINDS[title].split()]
    if spelling == "upper":
        headers = [h.upper() for h in headers]
    elif spelling == "snake":
        headers = [
            "".join(f"_{c.lower()}" if c.isupper() and i and h[i - 1].islower() else c for i, c in enumerate(h))
            for h in headers
        ]
    elif spelling == "reversed":
        headers = headers[::-1]
    ranking = scores(headers, "export")
    assert ranking[0].export.title == title
    assert ranking[0].signature
    assert not ranking[0].against


def test_the_name_of_a_file_decides_where_the_columns_do_not() -> None:
    headers = ["Id", "Name", "Status", "StartDate", "BudgetedCost"]
    by_name = scores(headers, "Campaign")[0]
    assert by_name.stem
    assert by_name.points == scores(headers, "other")[0].points + 2


def test_nothing_known_has_no_score() -> None:
    assert scores(["x", "y"], "leads") == []


def test_every_kind_has_a_signature_and_what_is_not_mapped_says_why() -> None:
    assert all(export.signature for export in EXPORTS)
    assert all(bool(export.unused) == (export.table is None) for export in EXPORTS)
