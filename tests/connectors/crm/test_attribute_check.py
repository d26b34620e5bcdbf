"""crm-check says of every CRM of which columns only today's value will be known."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.crm.attribute_check import SUBJECT, attribute_check
from connectors.crm.connector import Check
from tests.connectors.crm.crms import Opener, Site
from tests.connectors.marketo import stand_in as marketo
from tests.connectors.salesforce.fields import describe


def _said(here: Site) -> Check:
    return next(check for check in here.open().checks() if check.subject == SUBJECT)


def test_names_are_listed_and_the_way_to_keep_a_column_is_named() -> None:
    names = [f"lead.c{n}" for n in range(30)]
    check = attribute_check(names, names[:20], "", "Switch it on.")
    assert check.status == "warning"
    assert "of 20 of 30 columns" in check.finding
    assert "lead.c11 …)" in check.finding
    assert "lead.c12" not in check.finding
    assert check.remedy.startswith("Switch it on. ")
    assert "insist" in check.remedy
    assert attribute_check(names, [], "kept", "").status == "good"


def test_every_crm_says_it(here: Site) -> None:
    """HubSpot has the history of everything, Marketo since the first change, the others of what is tracked."""
    check = _said(here)
    assert "columns" in check.finding
    assert check.status == ("good" if here.crm.kind == "hubspot" else "warning")


def test_salesforce_names_what_is_not_tracked_and_takes_compound_fields_apart(served: Opener) -> None:
    with served("salesforce") as here:
        here.fake.fields["Lead"]["Country"]["compoundFieldName"] = "Address"
        here.fake.tracked = {"Address", "Title", "LeadSource", "Industry", "NumberOfEmployees"}
        check = _said(here)
        assert "(company.annual_revenue, lead.Region__c)" in check.finding
        assert "Set History Tracking" in check.remedy
        here.fake.fields["Lead"] |= {"RecordTypeId": describe("RecordTypeId")}
        here.fake.tracked |= {"AnnualRevenue", "Region__c"}
        assert "(lead.record_type)" in _said(here).finding
        here.fake.records["LeadHistory"].clear()  # an untracked status, which is bad, silences nothing
        assert "(lead.record_type)" in _said(here).finding
        here.fake.hidden = {"FieldDefinition"}
        check = _said(here)
        assert (check.status, "the import names" in check.finding) == ("warning", True)


@pytest.mark.parametrize(("days", "status"), [(5, "good"), (300, "warning")])
def test_marketo_says_since_when_changes_are_there(days: int, status: str, served: Opener) -> None:
    with served("marketo") as here:
        first = marketo.z(here.open().history_start + timedelta(days=days))  # type: ignore[attr-defined]
        here.fake.changes = [{**here.fake.changes[0], "activityDate": first, "fields": [{"name": "leadSource"}]}]
        check = _said(here)
        assert check.status == status
        assert "lead.source" in check.finding
        assert "90 days" in check.remedy
