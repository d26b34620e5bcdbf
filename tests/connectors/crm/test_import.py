"""What is in a CRM is in the dataset: against a world whose truth is known, for all four."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from features.dataset.validate import validate
from tests.connectors.crm.crms import FUNNEL, Site, one_quickly
from tests.connectors.crm.server import Call, Fault
from tests.connectors.crm.world import World


def test_a_lead_that_is_new_after_the_first_import_comes(here: Site) -> None:
    here.first()
    name = here.crm.create(here.fake, here.clock)
    here.run()
    assert name in here.people
    assert len(here.people) == 61


# a type that a CRM calls otherwise, because it has no more to tell
NAMED = {
    "salesforce": {"email_sent": "sales_email_sent"},
    "marketo": {"product_video": "watched_product_video", "call_answered": "sales_call", "meeting": "meeting_held"},
}


def truth(here: Site, world: World) -> dict[str, dict[str, datetime]]:
    """When each lead first reached each lead stage, by the CRM's ids."""
    unit = timedelta(seconds=1) if here.crm.digits == 0 else timedelta(milliseconds=1)
    found = {}
    for lead, stages in world.stages.items():
        reached: dict[str, datetime] = {}
        for stage, at in stages:
            reached.setdefault(stage, at - (at - datetime(1970, 1, 1, tzinfo=UTC)) % unit)
        found[here.fake.ids[lead]] = {s: at for s, at in reached.items() if s != "lead"}
    return found


def reached(here: Site) -> dict[str, dict[str, datetime]]:
    rows = here.dataset.lead_stages
    found: dict[str, dict[str, datetime]] = {name: {} for name in here.dataset.leads["lead_id"]}
    for row in rows.sort_values("at").itertuples():
        if row.lead_stage != "lead":
            found[row.lead_id].setdefault(str(row.lead_stage), row.at.to_pydatetime())
    return found


def test_every_lead_reaches_its_lead_stages_when_it_did(here: Site, small: World) -> None:
    """The thing everybody gets wrong: the history of lead stages, not what the screen says today."""
    here.first()
    expected, found = truth(here, small), reached(here)
    assert found.keys() == expected.keys()
    for lead, stages in expected.items():
        for stage, at in stages.items():
            if here.crm.kind == "pipedrive" and stage == "disqualified":
                continue  # it has no such status of persons
            assert stage in found[lead], (lead, stage)
            late = found[lead][stage] - at
            assert abs(late) <= timedelta(seconds=1), (lead, stage, late)


def test_interactions_are_those_that_happened(here: Site, small: World) -> None:
    """Each act the CRM can tell of is there once, with its person and its moment."""
    here.first()
    acts = here.dataset.interactions
    names = NAMED.get(here.crm.kind, {})
    found = Counter(zip(acts["lead_id"].astype(str), acts["type"].astype(str), acts["at"].dt.floor("s"), strict=True))
    exact = here.crm.served - (
        {"webinar_registered", "webinar_attended", "event_attended", "whitepaper_download", "email_opened"}
        if here.crm.kind == "salesforce"
        else set()
    )
    expected = Counter(
        (here.fake.ids[a["lead_id"]], names.get(a["type"], a["type"]), pd.Timestamp(a["at"]).floor("s"))
        for a in small.interactions
        if a["type"] in exact
    )
    assert {k: n for k, n in found.items() if k[1] in {e[1] for e in expected}} == expected


def test_a_second_run_moves_only_what_changed(here: Site) -> None:
    """Nothing happened: no row. One lead progressed: its rows and no others."""
    here.first()
    again = here.run()
    assert sum(again.synced.rows.values()) == 0
    lead = next(name for name, stages in reached(here).items() if not stages)
    here.crm.progress(here.fake, lead)
    third = here.run()
    assert 0 < sum(third.synced.rows.values()) < 12
    assert reached(here)[lead].keys() == {"mql"}


def test_no_name_address_or_number_is_kept(here: Site) -> None:
    """Neither in the dataset nor anywhere in the landing."""
    here.first()
    kept = b"".join(path.read_bytes() for path in (here.home / "crm").rglob("*") if path.is_file())
    text = pd.concat([frame.astype(str) for frame in here.dataset.tables.values()]).to_csv()
    for personal in ("Lovelace", "+49 30 1234567", "+49 170", "@company-", "@example", "L0000001@"):
        assert personal.casefold() not in text.casefold()
        assert personal.encode() not in kept
        assert personal.casefold().encode() not in kept


def test_a_deleted_lead_is_gone_with_all_it_did(here: Site) -> None:
    here.first()
    lead = str(here.dataset.interactions["lead_id"].iloc[0])
    here.crm.delete(here.fake, lead)
    here.fake.skew += 86_400  # HubSpot's archive is read once a day
    here.run()
    after = here.dataset
    assert lead not in set(after.leads["lead_id"])
    for table in ("interactions", "lead_stages"):
        assert lead not in set(after.tables[table]["lead_id"].astype(str))


def test_a_merged_lead_hands_its_history_to_the_winner(here: Site) -> None:
    """What the loser did counts for the winner, and the loser is nobody any more."""
    here.first()
    before = here.dataset.interactions["lead_id"].astype(str).value_counts()
    winner, loser = before.index[1], before.index[0]
    here.crm.merge(here.fake, winner, loser)
    here.run()
    after = here.dataset.interactions["lead_id"].astype(str).value_counts()
    assert loser not in set(here.dataset.leads["lead_id"])
    assert after[winner] == before[winner] + before[loser]


def test_the_dataset_can_be_trained_on(here: Site) -> None:
    """The one validator takes it."""
    here.first()
    _, report = validate(here.dataset, FUNNEL)
    assert report.rows["leads"] == 60


def test_a_new_field_between_two_pages_becomes_a_column(here: Site) -> None:
    """The vendor's schema changes while we read: that run ends well, and the next has the column."""
    lead = next(iter(here.fake.ids[name] for name in here.fake.ids if name.startswith("L")))

    def hook(call: Call) -> None:
        if len(here.fake.calls) == 8:
            _add_field(here, lead)

    here.fake.hook = hook
    here.run()
    assert len(here.dataset.leads) == 60
    here.run()
    leads = here.dataset.leads.set_index("lead_id")
    column = next(c for c in leads if "tier" in str(c).lower())
    assert leads.loc[lead, column] == "gold"
    assert len(leads) == 60


def _add_field(here: Site, lead: str) -> None:
    fake: Any = here.fake
    if here.crm.kind == "hubspot":
        fake.properties["contacts"]["tier"] = {
            "name": "tier",
            "label": "Tier",
            "type": "enumeration",
            "fieldType": "select",
            "hubspotDefined": False,
        }
        fake.touch("contacts", lead, {"tier": "gold"})
    elif here.crm.kind == "salesforce":
        fake.fields["Lead"]["Tier__c"] = {
            "name": "Tier__c",
            "label": "Tier",
            "type": "picklist",
            "custom": True,
            "updateable": True,
        }
        fake.touch("Lead", lead, {"Tier__c": "gold"}, track=False)
    elif here.crm.kind == "marketo":
        fake.fields["tier"] = {"name": "tier", "displayName": "Tier", "dataType": "string", "isCustom": True}
        fake.touch(int(lead), {"tier": "gold"})
    else:
        fake.person_fields.append(
            {"field_code": "d" * 40, "field_name": "Tier", "field_type": "varchar", "is_custom_field": True, "options": None}
        )
        record = fake.records["persons"][int(lead)]
        fake.touch("persons", int(lead), {"custom_fields": {**record["custom_fields"], "d" * 40: "gold"}})


@one_quickly
def test_an_unknown_stage_is_said_and_nothing_lost(here: Site) -> None:
    """A stage that the configuration does not know is counted and named; mapping it later needs no new reading."""
    first = here.first()
    assert first.proposed is not None
    field, mapping = next((f, m) for f, m in first.proposed.items() if "mql" in m.values())
    value = next(v for v, stage in mapping.items() if stage == "mql")
    without = {f: {v: s for v, s in m.items() if (f, v) != (field, value)} for f, m in first.proposed.items()}
    here.config = here.config.model_copy(update={"source": here.config.source.model_copy(update={"stages": without})})
    second = here.run()
    assert any(f"{field} became {value!r}" in str(note) and "stages:" in str(note) for note in second.report.notes)
    assert not (here.dataset.lead_stages["lead_stage"] == "mql").any()
    here.config = here.config.model_copy(update={"source": here.config.source.model_copy(update={"stages": first.proposed})})
    calls = len(here.fake.calls)
    here.run()
    assert (here.dataset.lead_stages["lead_stage"] == "mql").any()
    assert len(here.fake.calls) - calls < 40


def test_clocks_that_differ_by_hours_lose_nothing(here: Site) -> None:
    """The vendor's clock counts, never ours."""
    here.fake.skew = -5 * 3600
    here.run()
    lead = next(name for name, stages in reached(here).items() if not stages)
    here.crm.progress(here.fake, lead)
    here.run()
    assert reached(here)[lead].keys() == {"mql"}
    assert here.dataset.extracted_at < pd.Timestamp.now(tz="UTC") - pd.Timedelta(hours=4)


@one_quickly
def test_what_passes_is_waited_for(here: Site) -> None:
    """Bad answers of every kind in the middle of reading change nothing of what comes. The client is one: three of the four are
    slow tests."""
    kinds = ["500", "503", "html", "cut", "timeout", *(["429"] if here.crm.kind != "salesforce" else [])]
    faults = [Fault(kind, at=(3 + 2 * n,)) for n, kind in enumerate(kinds)]
    here.fake.faults.extend(faults)
    here.run()
    assert all(fault.struck == 1 for fault in faults)
    assert len(here.dataset.leads) == 60
