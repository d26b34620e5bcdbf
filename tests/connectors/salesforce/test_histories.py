"""Conditions and changes of Salesforce's histories."""

from __future__ import annotations

from connectors.crm.keys import mail_key
from connectors.salesforce.histories import deal_changes, field_condition, lead_changes


def test_more_fields_than_an_address_has_room_for_are_asked_for_without_a_condition() -> None:
    """Salesforce answers an address that is too long with 414."""
    assert field_condition(["Status"]) == "Field IN ('Status')"
    assert field_condition([f"A_Field_Of_Some_Length_{n}__c" for n in range(400)]) == ""


def test_the_value_before_a_change_is_as_old_as_the_opportunity() -> None:
    change = {"OpportunityId": "006", "Opportunity.CreatedDate": "2026-01-01T00:00:00Z", "Field": "Phase__c"}
    change |= {"OldValue": None, "NewValue": "Proof", "CreatedDate": "2026-02-01T00:00:00Z", "IsDeleted": False}
    rows = deal_changes([change, {**change, "IsDeleted": True}])["history"]
    assert [(row["value"], row.get("until") is None) for row in rows] == [("Proof", True), ("", False)]


def test_a_changed_address_of_a_lead_is_landed_by_its_key_alone() -> None:
    change = {"LeadId": "00Q", "Lead.CreatedDate": "2026-01-01T00:00:00Z", "Field": "Email", "OldValue": "a@x.com"}
    change |= {"NewValue": "b@x.com", "CreatedDate": "2026-02-01T00:00:00Z", "IsDeleted": False}
    tables = lead_changes([change, {**change, "Field": "Phone"}], {"Email"}, lambda value, *_: value, b"s")
    assert tables["history"] == []
    assert [(row["email_key"], row["until"] is None) for row in tables["addresses"]] == [
        (mail_key("b@x.com", b"s"), True),
        (mail_key("a@x.com", b"s"), False),
    ]
    assert "x.com" not in str(tables)
