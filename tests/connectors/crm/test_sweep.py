"""The comparison of all ids: records that are gone without a word, and those that come back."""

from __future__ import annotations

import pytest

from connectors.crm import sync
from connectors.crm.erase import remaining_rows
from connectors.crm.webhooks import FOR_GOOD, Event
from features.common.errors import CrmError
from tests.connectors.crm.crms import FUNNEL, ONE_QUICKLY, Opener
from tests.connectors.crm.server import Call


def test_a_contact_that_comes_back_is_there_again(served: Opener) -> None:
    """Restoring is no modification either: the comparison of all ids sees it."""
    with served("hubspot", more="  sweep_hours: 0\n") as here:
        here.first()
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
        here.first()
        lead = here.people[3]
        del here.fake.records["contacts" if kind == "hubspot" else "Lead"][lead]
        here.run()
        assert lead not in here.people
        assert lead not in set(here.dataset.interactions["lead_id"].astype(str))
        [row] = [row for row in here.landed("people") if row["_id"] == lead]
        remaining = {k for k, v in row.items() if v is not None and not k.startswith("_dlt_")}
        assert remaining <= {"_id", "_gone_at", "_seq", "_hash", "_email_key"}


def test_ids_are_compared_now_and_then_only(served: Opener) -> None:
    with served("hubspot") as here:
        here.first()
        calls = len(here.fake.made("/crm/objects/2026-03/contacts$"))
        here.run()
        assert len(here.fake.made("/crm/objects/2026-03/contacts$")) == calls


def test_the_deleted_are_listed_as_often_as_all_ids_are(served: Opener) -> None:
    """HubSpot's archive can only be read whole: with 100,000 records in it that is a thousand calls."""
    with served("hubspot") as here:
        here.first()
        for name in list(here.fake.records["contacts"])[:12]:
            here.fake.delete("contacts", name)
        before = len(here.fake.calls)
        here.run()
        assert not [call for call in here.fake.calls[before:] if call.params.get("archived") == "true"]
        here.fake.skew += 86_400
        here.run()
        assert len(here.people) == 48


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
        here.first()
        for number in list(here.fake.records["persons"])[:30]:
            here.fake.delete("persons", number)
        with pytest.raises(CrmError, match=r"30 of 60 persons are listed no longer.*\n.*sweep_most: 1"):
            here.run()
        assert len(here.people) == 60
        source = here.config.source.model_copy(update={"sweep_most": 1.0})  # type: ignore[union-attr]
        here.config = here.config.model_copy(update={"source": source})
        here.run()
        assert len(here.people) == 30


@pytest.mark.parametrize("kind", ONE_QUICKLY)
def test_who_cannot_be_brought_back_is_erased(kind: str, served: Opener) -> None:
    """From every table, not only from the dataset; until then a record that comes back has its history.

    Erasing is one: three of the four are slow tests, and `test_import.py` has of each that who was deleted is gone.
    """
    with served(kind) as here:
        here.first()
        names = (
            here.people if kind != "salesforce" else [n for n in here.people if not here.fake.records["Lead"][n]["IsConverted"]]
        )
        lead = names[3]
        here.crm.delete(here.fake, lead)
        here.fake.skew += 86_400
        here.run()
        assert lead not in here.people
        assert [row for row in here.landed("people") if row["_id"] == lead]
        here.fake.skew += 91 * 86_400
        here.run()
        assert remaining_rows(here.open().landing, [lead]) == 0
        assert len(here.people) == 59


def test_a_deletion_for_privacy_is_done_at_once(served: Opener) -> None:
    """HubSpot's webhook says so; nothing waits for the next comparison of ids."""
    with served("hubspot") as here:
        here.first()
        lead = here.people[3]
        [key] = [row["_email_key"] for row in here.landed("people") if row["_id"] == lead]
        assert [row for row in here.landed("activities") if row["email_key"] == key]
        del here.fake.records["contacts"][lead]
        event = Event("hubspot|1", "hubspot", FOR_GOOD, lead)
        sync.run(here.open(), here.config.source, FUNNEL, events=[event])  # type: ignore[arg-type]
        assert remaining_rows(here.open().landing, [lead]) == 0
        assert not [row for row in here.landed("activities") if row["email_key"] == key]
        assert lead not in here.people


def test_who_was_deleted_while_a_run_compared_can_still_come_back(served: Opener) -> None:
    """Between the list of the deleted and that of the living, and by a webhook in the same round: both looked like a deletion
    for good, and what ninety days can bring back was erased."""
    with served("hubspot") as here:
        here.first()
        between, spoken_of = here.people[3], here.people[4]
        here.fake.skew += 86_400
        archive_listed = False

        def deletes(call: Call) -> None:
            nonlocal archive_listed
            if not call.path.endswith("/contacts"):
                return
            if archive_listed and call.params.get("archived") != "true":
                here.fake.delete("contacts", between)
                here.fake.hook = lambda _call: None
            archive_listed = call.params.get("archived") == "true"

        here.fake.hook = deletes
        here.fake.delete("contacts", spoken_of)
        event = Event("hubspot|1", "hubspot", "contact", spoken_of)
        sync.run(here.open(), here.config.source, FUNNEL, events=[event])  # type: ignore[arg-type]
        assert here.fake.records["contacts"][between].archived_at is not None
        for lead in (between, spoken_of):
            assert lead not in here.people
            assert [row for row in here.landed("people") if row["_id"] == lead]
        here.fake.skew += 86_400
        here.run()
        for lead in (between, spoken_of):
            assert remaining_rows(here.open().landing, [lead]) > 0
            here.fake.restore("contacts", lead)
        here.fake.skew += 86_400
        here.run()
        assert {between, spoken_of} <= set(here.people)


def test_what_was_deleted_for_good_is_erased_at_the_comparison_after_it_is_missed(served: Opener) -> None:
    with served("hubspot") as here:
        here.first()
        lead = here.people[3]
        del here.fake.records["contacts"][lead]
        here.fake.skew += 86_400
        here.run()
        assert lead not in here.people
        here.fake.skew += 86_400
        here.run()
        assert remaining_rows(here.open().landing, [lead]) == 0
