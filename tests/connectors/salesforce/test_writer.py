"""Scores in Salesforce: the shipped fields, and leads that were converted."""

from __future__ import annotations

from pathlib import Path

from connectors.crm.score_fields import FIELDS
from tests.connectors.crm.crms import CRMS, site
from tests.connectors.crm.world import World
from tests.connectors.crm.writing import deploy, scored, written


def test_the_shipped_metadata_of_salesforce_has_every_field() -> None:
    """One file a field and object, of the type that write-back expects, and a permission set that may write them and read what
    an import asks for."""
    from xml.etree import ElementTree

    from connectors.salesforce.settings import COMPANIES, LEADS
    from connectors.salesforce.writer import METADATA, SalesforceWriter

    space = "{http://soap.sforce.com/2006/04/metadata}"
    types = {"number": "Number", "text": "Text", "long": "LongTextArea", "time": "DateTime"}
    allowed = ElementTree.parse(METADATA / "main/default/permissionsets/Ripeline.permissionset-meta.xml")  # noqa: S314  ours
    given = allowed.iter(f"{space}fieldPermissions")
    rights = {one.findtext(f"{space}field"): one.findtext(f"{space}editable") for one in given}
    name = SalesforceWriter(None, None, "ripeline").field  # type: ignore[arg-type]
    for kind in ("Lead", "Contact"):
        for field in FIELDS:
            file = METADATA / f"main/default/objects/{kind}/fields/{name(field.key)}.field-meta.xml"
            assert ElementTree.parse(file).findtext(f"{space}type") == types[field.kind]  # noqa: S314  ours
            assert rights[f"{kind}.{name(field.key)}"] == "true"
    asked = {"Address" if f == "Country" else f for f in [*LEADS.values(), *COMPANIES.values(), "Email", "HasOptedOutOfEmail"]}
    assert {f"Lead.{f}" for f in asked} <= {f for f, right in rights.items() if right == "false"}


def test_a_lead_that_was_converted_is_written_to_its_contact(small: World, tmp_path: Path) -> None:
    """The same values, but sales looks elsewhere now."""
    with site(CRMS["salesforce"], small, tmp_path) as here:
        here.first()
        every = scored(here)
        written(here, every)
        lead = next(n for n in sorted(every) if not here.fake.records["Lead"][n].get("IsConverted"))
        contact = here.fake.add(
            "Contact", {"IsDeleted": False, "SystemModstamp": here.fake.records["Lead"][lead]["CreatedDate"]}
        )
        here.fake.touch("Lead", lead, {"IsConverted": True, "ConvertedContactId": contact, "ConvertedDate": "2026-06-30"})
        here.run()
        outcome = written(here, every)
        assert (outcome.written, outcome.failed) == (1, {})
        assert here.crm.seen(here.fake, lead, "score") == 50
        assert written(here, every).written == 0


def test_a_write_gives_no_lead_another_owner(small: World, tmp_path: Path) -> None:
    """Salesforce runs the active assignment rule at every update of a lead that does not forbid it."""
    with site(CRMS["salesforce"], small, tmp_path) as here:
        here.first()
        leads = here.fake.records["Lead"]
        before = {name: record["OwnerId"] for name, record in leads.items()}
        assert written(here, scored(here)).written == 60
        assert written(here, {}).cleared == 60
        assert {name: record["OwnerId"] for name, record in leads.items()} == before


def test_a_rule_that_warns_of_duplicates_stops_no_score(small: World, tmp_path: Path) -> None:
    """Who is alike was so before; a score makes nobody a duplicate. A rule that blocks is the org's last word."""
    with site(CRMS["salesforce"], small, tmp_path) as here:
        here.first()
        here.fake.alike = set(here.fake.records["Lead"])
        outcome = written(here, scored(here))
        assert (outcome.written, outcome.failed) == (60, {})


def test_two_leads_that_became_one_contact_have_one_score(small: World, tmp_path: Path) -> None:
    """That of the lead of whom more is known; Salesforce refuses a record that stands twice in a call. Whose score stood there
    before is not emptied afterwards: it is the other's place."""
    with site(CRMS["salesforce"], small, tmp_path) as here:
        here.first()
        leads = here.fake.records["Lead"]
        first, second = [name for name in sorted(leads) if leads[name].get("IsConverted")][:2]
        contact = leads[first]["ConvertedContactId"]
        here.fake.touch("Lead", second, {"ConvertedContactId": contact}, track=False)
        here.run()
        every = scored(here)
        every[second] = {**every[second], "score": 80.0}
        outcome = written(here, every, evidence={first: 3, second: 9})
        assert (outcome.written, outcome.failed) == (59, {})
        assert here.fake.records["Contact"][contact]["Ripeline_Score__c"] == 80
        assert written(here, every, evidence={first: 3, second: 9}).written == 0
        alone = {name: values for name, values in every.items() if name != second}  # it is scored no longer
        outcome = written(here, alone)
        assert (outcome.written, outcome.cleared) == (1, 0)
        assert here.fake.records["Contact"][contact]["Ripeline_Score__c"] == 50
        none = {name: values for name, values in alone.items() if name != first}
        assert written(here, none).cleared == 1
        assert here.fake.records["Contact"][contact]["Ripeline_Score__c"] is None


def test_leads_whose_contacts_were_merged_have_one_score(small: World, tmp_path: Path) -> None:
    """The losing contact is not there any more; its lead still names it."""
    with site(CRMS["salesforce"], small, tmp_path) as here:
        here.first()
        leads = here.fake.records["Lead"]
        first, second, third = [name for name in sorted(leads) if leads[name].get("IsConverted")][:3]
        contacts = [leads[name]["ConvertedContactId"] for name in (first, second, third)]
        here.fake.delete("Contact", contacts[0], into=contacts[1])
        here.fake.delete("Contact", contacts[1], into=contacts[2])
        here.run()
        assert set(here.open().places([first, second, third]).values()) == {contacts[2]}
        outcome = written(here, scored(here), evidence={second: 9})
        assert (outcome.written, outcome.missing, outcome.failed) == (58, 0, {})


def test_a_later_lead_of_a_contact_takes_nothing_from_the_first(small: World, tmp_path: Path) -> None:
    """What the contact did stays where it was, whichever of the two leads is modified last."""
    with site(CRMS["salesforce"], small, tmp_path) as here:
        here.first()
        leads = here.fake.records["Lead"]
        acts = here.dataset.interactions["lead_id"].astype(str).value_counts().to_dict()
        converted = [name for name in leads if leads[name].get("IsConverted")]
        first, second = sorted(converted, key=lambda name: leads[name]["ConvertedDate"])[:: len(converted) - 1]
        expected = {name: count for name, count in acts.items() if name != second}
        here.fake.touch("Lead", second, {"ConvertedContactId": leads[first]["ConvertedContactId"]}, track=False)
        for lead in (second, first):
            here.fake.touch("Lead", lead, {"Title": f"new {lead}"})
            here.run()
            after = here.dataset.interactions["lead_id"].astype(str).value_counts().to_dict()
            assert {name: count for name, count in after.items() if name != second} == expected


def test_a_lead_that_became_a_person_account_is_written_there(small: World, tmp_path: Path) -> None:
    """Salesforce lets nobody write the contact of a person account. It may be closed to our user like others."""
    with site(CRMS["salesforce"], small, tmp_path) as here:
        here.first()
        deploy(here.fake)
        leads = here.fake.records["Lead"]
        first, second = [name for name in sorted(leads) if leads[name].get("IsConverted")][:2]
        accounts = [here.fake.person_account(leads[name]["ConvertedContactId"]) for name in (first, second)]
        here.fake.closed = {accounts[1]}
        calls = len(here.fake.calls)
        outcome = written(here, scored(here))
        assert (outcome.written, list(outcome.failed)) == (59, [second])
        assert f"may not edit the account {accounts[1]}" in outcome.failed[second]
        assert here.fake.records["Account"][accounts[0]]["Ripeline_Score__pc"] == 50
        assert sum("IsPersonAccount" in call.params.get("q", "") for call in here.fake.calls[calls:]) <= 2
        assert written(here, scored(here)).written == 0


def test_what_our_user_may_not_edit_is_named_before_anything_is_sent(small: World, tmp_path: Path) -> None:
    """Sharing: seen and not editable. The others are written; the CRM is asked, and refuses nothing."""
    with site(CRMS["salesforce"], small, tmp_path) as here:
        here.first()
        every = scored(here)
        leads = here.fake.records["Lead"]
        lead = next(name for name in sorted(every) if not leads[name].get("IsConverted"))
        converted = next(name for name in sorted(every) if leads[name].get("IsConverted"))
        here.fake.closed = {lead, leads[converted]["ConvertedContactId"]}
        connector = here.open()
        barred = connector.unwritable(sorted(every))
        assert set(barred) == {lead, converted}
        assert "our user may not edit the contact" in barred[converted]
        outcome = written(here, every)
        assert (outcome.written, set(outcome.failed)) == (58, {lead, converted})
        sent = [record["id"] for call in here.fake.made("composite/sobjects$", "PATCH") for record in call.body["records"]]
        assert not here.fake.closed & set(sent)
