"""What slips through at the edges: pages that shift while they are read, late edits, records gone without a word."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta

import pandas as pd
import pytest

from connectors.crm import sync
from connectors.crm.stream import FIELDS
from connectors.hubspot import api as hubspot_api
from connectors.pipedrive import api as pipedrive_api
from features.common.errors import CrmError
from tests.crm.crms import FUNNEL, Opener, Site
from tests.crm.server import Call, Fault
from tests.crm.world import World


def test_a_lead_that_is_new_after_the_first_import_comes(here: Site) -> None:
    here.run()
    name = here.crm.create(here.fake, here.clock)
    here.run()
    assert name in here.people
    assert len(here.people) == 61


def test_a_record_modified_while_a_search_is_read_hides_no_other(served: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search counts from its beginning: one that moves to its end would shift the next out of sight, for good."""
    monkeypatch.setattr(hubspot_api, "SEARCH_PAGE", 10)
    with served("hubspot") as here:
        here.run()
        names = sorted(here.fake.records["contacts"])
        # so long ago that no overlap brings them again
        begun = here.clock - timedelta(hours=3)
        for number, name in enumerate(names[:40]):
            here.fake.touch("contacts", name, {"region": f"new {number}"}, begun + timedelta(minutes=number))
        _since(here, "contacts", begun)

        def edit(call: Call) -> None:
            searches = here.fake.made("contacts/search")
            if searches and call is searches[-1] and len(searches) in (2, 3):
                for name in names[: 3 * len(searches)]:
                    here.fake.touch("contacts", name, {"region": f"newer {name}"})

        here.fake.calls.clear()
        here.fake.hook = edit
        here.run()
        here.fake.hook = lambda call: None
        here.run()
        found = here.dataset.leads.set_index("lead_id")["region"]
        assert [found[n] for n in names[:40]] == [here.fake.records["contacts"][n].properties["region"] for n in names[:40]]


def _since(here: Site, stream: str, at: datetime) -> None:
    """As if the last import had been then."""
    here.open().landing.write({}, {stream: {"since": int(at.timestamp() * 1000)}})


def test_an_inbox_that_shifts_hides_nobody(served: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pipedrive's v1 counts rows from the beginning, and a row that is modified moves to the end."""
    monkeypatch.setattr(pipedrive_api, "LIMIT_V1", 5)
    with served("pipedrive") as here:
        inbox = sorted(here.fake.inbox, key=lambda r: (r["update_time"], r["id"]))
        assert len(inbox) > 15

        def edit(call: Call) -> None:
            if call.path == "/api/v1/leads" and len(here.fake.made("/api/v1/leads$")) == 2:
                for one in inbox[:4]:
                    one["update_time"] = "2026-11-01T00:00:00Z"

        here.fake.hook = edit
        here.run()
        assert {row["_id"] for row in here.landed("inbox")} == {one["id"] for one in here.fake.inbox}


def test_more_of_the_inbox_in_one_second_than_a_page_has(served: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipedrive_api, "LIMIT_V1", 5)
    with served("pipedrive") as here:
        for one in here.fake.inbox[:13]:
            one["update_time"] = "2026-01-01T00:00:00Z"
        here.run()
        assert len(here.landed("inbox")) == len(here.fake.inbox)


def test_a_call_that_gets_its_contact_later_is_its_act(served: Opener) -> None:
    """HubSpot logs a call first and says whose it was in another request, which is no modification of the call."""
    with served("hubspot") as here:
        links = here.fake.links["calls", "contacts"]
        call, person = next((c, p[0]) for c, p in links.items() if p)
        links[call] = []
        here.run()
        before = (here.dataset.interactions["lead_id"].astype(str) == person).sum()
        links[call] = [person]
        here.fake.touch("calls", call, {}, here.clock)
        here.run()
        assert (here.dataset.interactions["lead_id"].astype(str) == person).sum() == before + 1
        links[call] = []  # and taken away again
        here.fake.touch("calls", call, {}, here.clock)
        here.run()
        assert (here.dataset.interactions["lead_id"].astype(str) == person).sum() == before


def test_a_contact_that_leaves_a_deal_leaves_its_stages(served: Opener) -> None:
    with served("hubspot") as here:
        here.run()
        links = here.fake.links["deals", "contacts"]
        deal, (person,) = next((d, tuple(p)) for d, p in links.items() if p)
        links[deal] = []
        here.fake.touch("deals", deal, {}, here.clock)
        here.run()
        assert person not in set(here.dataset.deals["lead_id"].astype(str))


def test_a_contact_role_that_is_deleted_ends_the_deal_for_it(served: Opener) -> None:
    with served("salesforce") as here:
        here.run()
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


def test_a_contact_that_comes_back_is_there_again(served: Opener) -> None:
    """Restoring is no modification either: the comparison of all ids sees it."""
    with served("hubspot", more="  sweep_hours: 0\n") as here:
        here.run()
        lead = here.people[3]
        here.fake.delete("contacts", lead)
        here.run()
        assert lead not in here.people
        here.fake.restore("contacts", lead)
        here.run()
        assert lead in here.people
        assert sum(here.run().synced.rows.values()) == 0


@pytest.mark.parametrize("kind", ["hubspot", "salesforce"])
def test_what_was_deleted_for_good_is_seen_by_its_absence(kind: str, served: Opener) -> None:
    """HubSpot's permanent deletion is in no list, Salesforce's bin is emptied: the personal data must go all the same."""
    with served(kind, more="  sweep_hours: 0\n") as here:
        here.run()
        lead = here.people[3]
        del here.fake.records["contacts" if kind == "hubspot" else "Lead"][lead]
        here.run()
        assert lead not in here.people
        assert lead not in set(here.dataset.interactions["lead_id"].astype(str))
        [row] = [row for row in here.landed("people") if row["_id"] == lead]
        assert {k for k, v in row.items() if v is not None} <= {"_id", "_gone_at", "_seq", "_hash", "_dlt_id", "_dlt_load_id"}


def test_ids_are_compared_now_and_then_only(served: Opener) -> None:
    with served("hubspot") as here:
        here.run()
        calls = len(here.fake.made("/crm/objects/2026-03/contacts$"))
        here.run()
        # the archive alone
        assert len(here.fake.made("/crm/objects/2026-03/contacts$")) - calls == 1


def test_where_no_call_is_left_for_comparing_the_dataset_is_written_all_the_same(served: Opener) -> None:
    with served("pipedrive") as here:

        def last(call: Call) -> None:
            if call.params.get("sort_by") == "id" and not here.fake.made("changelog"):
                here.fake.tokens = here.fake.spent

        here.fake.hook = last
        assert "used up" in here.run().synced.refused["sweep"]
        assert len(here.people) == 60


def test_half_the_people_missing_is_a_permission_not_a_deletion(served: Opener) -> None:
    """A token that sees less would empty the dataset, and the next write-back the scores."""
    with served("pipedrive") as here:
        here.run()
        for number in list(here.fake.records["persons"])[:30]:
            here.fake.delete("persons", number)
        with pytest.raises(CrmError, match=r"30 of 60 people are listed no longer.*\n.*sweep_most: 1"):
            here.run()
        assert len(here.people) == 60
        source = here.config.source.model_copy(update={"sweep_most": 1.0})  # type: ignore[union-attr]
        here.config = here.config.model_copy(update={"source": source})
        here.run()
        assert len(here.people) == 30


def test_a_commit_that_is_late_is_not_lost_by_a_run_that_was_broken_off(served: Opener) -> None:
    """A record is stamped when its transaction begins and seen when it ends, perhaps behind the cursor of a killed run."""
    with served("salesforce") as here:
        here.run()
        lead, other = here.people[:2]
        now = here.clock
        here.fake.touch("Lead", other, {"Region__c": "late"}, now - timedelta(seconds=40), track=False)
        cursor = {"at": f"{now:%Y-%m-%dT%H:%M:%S}.000Z", "id": lead, "recent": True}
        here.open().landing.write({}, {"leads": cursor})
        here.run()
        assert here.dataset.leads.set_index("lead_id").loc[other, "Region__c"] == "late"


def test_a_run_broken_off_among_old_records_goes_on_where_it_was(served: Opener) -> None:
    """By time and id: half a million records that one migration stamped are not begun again and again."""
    with served("salesforce") as here:
        stamp = "2024-01-01T00:00:00.000+0000"
        for record in here.fake.records["Lead"].values():
            record["SystemModstamp"] = stamp
        middle = sorted(here.fake.records["Lead"])[39]
        connector = here.open()
        asked = sorted(next(s for s in connector.streams() if s.name == "leads").fields)
        cursor = {"at": "2024-01-01T00:00:00.000Z", "id": middle, "recent": False}
        connector.landing.write({}, {"leads": cursor, f"leads{FIELDS}": asked})
        here.run()
        assert len(here.landed("people")) == 20


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


def test_a_landing_that_was_thrown_away_is_read_anew(served: Opener) -> None:
    """Cursors without the rows behind them would lose whatever was read before."""
    with served("pipedrive") as here:
        here.run()
        before = here.people
        (here.home / "crm" / "landing.duckdb").unlink()
        here.run()
        assert here.people == before
        shutil.rmtree(here.home / "crm" / "dlt")
        here.run()
        assert here.people == before


@pytest.mark.parametrize("path", ["contacts/batch/read", "associations"])
def test_part_of_a_batch_that_fails_is_no_success(path: str, served: Opener) -> None:
    """HTTP 207: what HubSpot could not read now would never be read."""
    body = {"status": "COMPLETE", "results": [], "errors": [{"category": "INTERNAL", "message": "try later, jo@example.org"}]}
    with served("hubspot") as here:
        here.fake.faults.append(Fault("207", path, at=(1,), reply=(207, body, {})))
        with pytest.raises(CrmError, match=r"read only part of a batch of .*: try later, …@…"):
            here.run()
        here.fake.faults.clear()
        here.run()
        assert len(here.people) == 60


def test_an_object_that_is_hidden_is_said_and_later_missed(served: Opener) -> None:
    """Never visible: the rest is read and it is said. Hidden later: the history would end unseen, so it stops."""
    with served("salesforce") as here:
        here.fake.hidden = {"EmailMessage"}
        assert "shows our user no EmailMessage" in here.run().synced.refused["emails"]
        here.fake.hidden = {"EmailMessage", "Event"}
        with pytest.raises(CrmError, match=r"no Event. It could be read before"):
            here.run()


def test_who_opted_out_must_stay_visible(served: Opener) -> None:
    """Field-level security hides the consent: everybody would be free to be written to again."""
    with served("salesforce") as here:
        here.run()
        here.fake.hidden = {"Lead.HasOptedOutOfEmail"}
        with pytest.raises(CrmError, match=r"HasOptedOutOfEmail of leads cannot be seen any more. It could be read before"):
            here.run()


def test_a_plan_without_the_inbox_is_read_without_it(served: Opener) -> None:
    """402 is Pipedrive's way of saying that a plan does not have something."""
    with served("pipedrive") as here:
        here.fake.faults.append(Fault("402", "/api/v1/leads", reply=(402, {"success": False, "error": "Payment required"}, {})))
        assert "Payment required" in here.run().synced.refused["inbox"]


def test_addresses_in_any_field_are_masked(served: Opener) -> None:
    """A custom field, a page's address: wherever an e-mail address stands, it is not landed."""
    with served("hubspot") as here:
        lead = sorted(here.fake.records["contacts"])[0]
        here.fake.touch("contacts", lead, {"region": "ask jane.doe@acme.com", "jobtitle": "jane.doe@acme.com"})
        here.fake.visits[0]["properties"]["hs_url"] = "https://www.example.org/out/jane.doe@acme.com/?mkt_tok=secret#x"
        here.run()
        kept = b"".join(path.read_bytes() for path in here.home.rglob("*") if path.is_file())
        assert b"jane.doe" not in kept
        assert b"mkt_tok" not in kept


def test_what_the_crm_defines_is_asked_anew_every_run(served: Opener) -> None:
    """`make live` keeps one connector for weeks; a new field or stage must not wait for a restart."""
    with served("hubspot") as here:
        connector = here.open()
        sync.run(connector, here.config.source, FUNNEL)  # type: ignore[arg-type]
        here.fake.properties["contacts"]["tier"] = {"name": "tier", "type": "enumeration", "fieldType": "select"}
        lead = here.people[0]
        here.fake.touch("contacts", lead, {"tier": "gold"})
        sync.run(connector, here.config.source, FUNNEL)  # type: ignore[arg-type]
        assert here.dataset.leads.set_index("lead_id").loc[lead, "tier"] == "gold"


def test_a_form_sent_at_the_same_moment_as_the_last_one_seen_counts(served: Opener) -> None:
    """Ties at a cursor's border, and what HubSpot lists a little late."""
    with served("hubspot") as here:
        here.run()
        form = next(f for f in here.fake.forms.values() if f["submissions"])
        last = form["submissions"][0]
        form["submissions"].insert(0, {**last, "conversionId": "tie"})
        form["submissions"].insert(1, {**last, "conversionId": "late", "submittedAt": last["submittedAt"] - 60_000})
        here.run()
        assert {"tie", "late"} <= {row["_id"].rpartition("|")[2] for row in here.landed("activities")}
        assert sum(here.run().synced.rows.values()) == 0


def test_the_older_shape_of_a_landing_is_understood(served: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """Landed by a version that did not know all of today's columns."""
    from connectors.crm import landing

    older = {name: {c: k for c, k in columns.items() if c not in ("rough", "stands_for", "_people")} for name, columns in
             landing.COLUMNS.items()}  # fmt: skip
    with served("pipedrive") as here:
        monkeypatch.setattr(landing, "COLUMNS", older)
        here.run()
        monkeypatch.undo()
        here.run()
        assert len(here.people) == 60
