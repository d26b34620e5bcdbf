"""Attributes as they were, and lead stages on the customer's own fields: for all four CRMs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from features.common.errors import ConfigError
from features.leakage import audit
from tests.connectors.crm.crms import CRMS, FUNNEL, Opener, Site
from tests.connectors.hubspot.world import define
from tests.connectors.salesforce.fields import describe

DAY = timedelta(days=1)
CODE = "c" * 40


def _hubspot(here: Site, lead: str, value: str, at: datetime) -> None:
    define(here.fake, "contacts", ["journey"], own=False, type_="enumeration")
    here.fake.touch("contacts", lead, {"journey": value}, at)


def _salesforce(here: Site, lead: str, value: str, at: datetime) -> None:
    here.fake.fields["Lead"]["Journey__c"] = describe("Journey__c", "picklist")
    here.fake.touch("Lead", lead, {"Journey__c": value}, at)


def _marketo(here: Site, lead: str, value: str, at: datetime) -> None:
    here.fake.fields["journey"] = {**next(iter(here.fake.fields.values())), **FIELD}
    here.fake.touch(int(lead), {"journey": value}, at)


def _pipedrive(here: Site, lead: str, value: str, at: datetime) -> None:
    options = [{"id": 71, "label": "Warm"}, {"id": 72, "label": "Hot"}]
    field = {"field_code": CODE, "field_name": "Journey", "field_type": "enum", "is_custom_field": True, "options": options}
    here.fake.person_fields = [*(f for f in here.fake.person_fields if f["field_code"] != CODE), field]
    here.fake.fill("persons", int(lead), CODE, {"Warm": 71, "Hot": 72}[value], at)


FIELD = {"name": "journey", "displayName": "Journey", "isCustom": True, "dataType": "string"}
FILL: dict[str, Callable[[Site, str, str, datetime], None]] = {
    "hubspot": _hubspot,
    "salesforce": _salesforce,
    "marketo": _marketo,
    "pipedrive": _pipedrive,
}
NAMES = {"hubspot": "journey", "salesforce": "Journey__c", "marketo": "journey", "pipedrive": "journey"}
READ_ALL = {"pipedrive": "  person_changelog: true\n"}


def _somebody(here: Site) -> tuple[str, datetime]:
    """The id of the oldest lead that nobody converted, and when it was created, in whole seconds."""
    quiet = [row for row in here.world.leads if len(here.world.stages.get(row["lead_id"], [])) <= 1]
    row = min(quiet, key=lambda r: r["created_at"])
    return here.fake.ids[row["lead_id"]], row["created_at"].replace(microsecond=0)


def _fill_twice(here: Site) -> tuple[str, datetime]:
    """A lead that became warm 100 days after its creation, and hot 20 days later; when it was created."""
    lead, created = _somebody(here)
    FILL[here.crm.kind](here, lead, "Warm", created + 100 * DAY)
    FILL[here.crm.kind](here, lead, "Hot", created + 120 * DAY)
    return lead, created


@pytest.mark.parametrize("kind", list(CRMS))
def test_an_attribute_filled_in_later_is_known_from_then_on(served: Opener, kind: str) -> None:
    """It stood in every row of the past with today's value."""
    with served(kind, more=READ_ALL.get(kind, "")) as here:
        lead, created = _fill_twice(here)
        here.run()
        data = here.dataset
        rows = data.attribute_changes.query("id == @lead and column == @NAMES[@kind]").sort_values("at")
        filled = rows[rows["value"].notna()]
        assert list(zip(filled["value"], filled["at"], strict=True)) == [
            ("Warm", created + 100 * DAY),
            ("Hot", created + 120 * DAY),
        ]
        assert data.leads.set_index("lead_id").loc[lead, NAMES[kind]] == "Hot"


@pytest.mark.parametrize("kind", list(CRMS))
def test_a_field_of_the_customers_own_makes_lead_stages_and_is_no_attribute(served: Opener, kind: str) -> None:
    """`stages:` on it was ignored without a word, and the field was an input of the model."""
    with served(kind, more=f"  stages: {{{NAMES[kind]}: {{Hot: mql, Warm: null}}}}\n") as here:
        lead, created = _fill_twice(here)
        here.run()
        stages = here.dataset.lead_stages.query("lead_stage == 'mql'")
        assert dict(zip(stages["lead_id"].astype(str), stages["at"], strict=True)) == {lead: created + 120 * DAY}
        assert NAMES[kind] not in here.dataset.leads
        assert NAMES[kind] not in set(here.dataset.attribute_changes["column"])


@pytest.mark.parametrize("kind", list(CRMS))
def test_a_field_of_stages_that_is_not_there_is_named_with_the_nearest(served: Opener, kind: str) -> None:
    wrong = NAMES[kind].replace("n", "m")
    with served(kind, more=f"  stages: {{{wrong}: {{Hot: mql}}}}\n") as here:
        _fill_twice(here)
        with pytest.raises(ConfigError, match=NAMES[kind]):
            here.run()


def test_a_mapped_column_that_stages_are_made_of_is_no_attribute(served: Opener) -> None:
    more = "  columns: {leads: {way: journey}}\n  stages: {journey: {Hot: mql}}\n"
    with served("hubspot", more=more) as here:
        _fill_twice(here)
        report = here.run().report
        assert not {"way", "journey"} & set(here.dataset.leads)
        assert ("columns that lead stages are made of", "journey") in [(note.what, note.example) for note in report.notes]


def test_a_property_deleted_at_the_vendor_is_no_attribute_any_more(served: Opener) -> None:
    with served("hubspot") as here:
        here.run()
        assert "region" in here.dataset.leads
        del here.fake.properties["contacts"]["region"]
        report = here.run().report
        assert "region" not in here.dataset.leads
        assert ("columns whose field the CRM has no longer", "region") in [(note.what, note.example) for note in report.notes]


@pytest.mark.parametrize(("kind", "column"), [("salesforce", "lead.Region__c"), ("pipedrive", "lead.region")])
def test_what_is_only_known_as_it_is_today_leaves_the_model(served: Opener, kind: str, column: str) -> None:
    with served(kind) as here:
        report = here.run().report
        data = here.dataset
        assert column in data.without_history
        assert column in audit(data, FUNNEL).blocked
        assert any("only today's value is known" in str(note) and "insist" in str(note) for note in report.notes)


@pytest.mark.parametrize("kind", ["hubspot", "marketo"])
def test_what_the_vendor_records_stays(served: Opener, kind: str) -> None:
    with served(kind) as here:
        here.first()
        assert here.dataset.without_history == ()


def test_a_history_that_was_switched_on_lately_is_none_of_the_past(served: Opener) -> None:
    """Salesforce records from that day on; before, today's value would be taken for the past one."""
    with served("salesforce") as here:
        lead, _ = _somebody(here)
        here.fake.touch("Lead", lead, {"Region__c": "north"}, here.clock - DAY)
        report = here.run().report
        assert "lead.Region__c" in here.dataset.without_history
        assert any(f"Region__c (since {here.clock - DAY:%Y-%m-%d})" in str(note) for note in report.notes)


def test_the_companies_of_people_have_their_history(served: Opener) -> None:
    """Marketo tells what a company became with its people; it was landed and dropped."""
    with served("marketo") as here:
        row = next(r for r in here.world.leads if r["company_id"])
        here.fake.touch(int(here.fake.ids[row["lead_id"]]), {"industry": "Mining"}, row["created_at"] + 9 * DAY)
        here.run()
        changes: pd.DataFrame = here.dataset.attribute_changes.query("entity == 'company' and value == 'Mining'")
        assert set(changes["id"]) <= set(here.dataset.companies["company_id"])
        assert list(changes["column"]) == ["industry"]


@pytest.mark.parametrize("kind", ["hubspot", "salesforce", "pipedrive"])
def test_a_field_of_deals_of_the_customers_own_makes_lead_stages(served: Opener, kind: str) -> None:
    names = {"hubspot": "phase", "salesforce": "Phase__c", "pipedrive": CODE}
    with served(kind, more=f"  stages: {{deal.{names[kind]}: {{Proof: sql}}}}\n") as here:
        row = next(r for r in here.world.deals if r["lead_id"])
        deal, at = here.fake.ids[row["deal_id"]], (row["created_at"] + 3 * DAY).replace(microsecond=0)
        PHASE[kind](here.fake, deal, at)
        here.run()
        stages = here.dataset.lead_stages.query("lead_stage == 'sql'")
        lead = here.fake.ids[row["lead_id"]]
        assert dict(zip(stages["lead_id"].astype(str), stages["at"], strict=True)) == {lead: at.astimezone(UTC)}


def _hubspot_phase(fake: Any, deal: str, at: datetime) -> None:
    define(fake, "deals", ["phase"], own=False)
    fake.touch("deals", deal, {"phase": "Proof"}, at)


def _salesforce_phase(fake: Any, deal: str, at: datetime) -> None:
    fake.fields["Opportunity"]["Phase__c"] = describe("Phase__c", "picklist")
    fake.deal_change(deal, "Phase__c", None, "Proof", at)


def _pipedrive_phase(fake: Any, deal: str, at: datetime) -> None:
    options = [{"id": 5, "label": "Proof"}]
    fake.deal_fields = [
        {"field_code": CODE, "field_name": "Phase", "field_type": "enum", "is_custom_field": True, "options": options}
    ]
    fake.fill("deals", int(deal), CODE, 5, at)


PHASE: dict[str, Callable[[Any, str, datetime], None]] = {
    "hubspot": _hubspot_phase,
    "salesforce": _salesforce_phase,
    "pipedrive": _pipedrive_phase,
}


def test_where_the_vendor_forgot_the_changes_nothing_has_a_history(served: Opener) -> None:
    """Marketo keeps them for 90 days: an import that begins later knows the past as it is today."""
    with served("marketo") as here:
        here.fake.changes = []
        here.run()
        assert {"lead.source", "lead.country", "company.industry"} <= set(here.dataset.without_history)


@pytest.mark.parametrize("kind", ["hubspot", "pipedrive"])
def test_stages_of_deals_that_our_user_may_not_see_are_no_wrong_names(served: Opener, kind: str) -> None:
    with served(kind, more="  stages: {deal.phase: {Proof: sql}}\n") as here:
        if kind == "hubspot":
            here.fake.scopes = ("/deals", "properties/2026-03/deals")
        assert len(here.run().synced.read) > 3


def test_a_field_of_deals_that_nobody_tracks_is_told(served: Opener) -> None:
    """A picklist without history tracking or a formula: silence would be a business without that lead stage."""
    with served("salesforce", more="  stages: {deal.Phase__c: {Proof: sql}}\n") as here:
        here.fake.fields["Opportunity"]["Phase__c"] = describe("Phase__c", "string", calculated=True)
        told = "\n".join(here.run().report.lines())
        assert f"{len(here.dataset.deals)} deals of whose Phase__c nobody recorded a change" in told
        assert "Set History Tracking" in told
