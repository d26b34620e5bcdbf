"""The comparison of all ids: records that are gone without a word, and those that come back."""

from __future__ import annotations

import pytest

from features.common.errors import CrmError
from tests.connectors.crm.crms import Opener
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
        assert {k for k, v in row.items() if v is not None} <= {"_id", "_gone_at", "_seq", "_hash", "_dlt_id", "_dlt_load_id"}


def test_ids_are_compared_now_and_then_only(served: Opener) -> None:
    with served("hubspot") as here:
        here.first()
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
        here.first()
        for number in list(here.fake.records["persons"])[:30]:
            here.fake.delete("persons", number)
        with pytest.raises(CrmError, match=r"30 of 60 people are listed no longer.*\n.*sweep_most: 1"):
            here.run()
        assert len(here.people) == 60
        source = here.config.source.model_copy(update={"sweep_most": 1.0})  # type: ignore[union-attr]
        here.config = here.config.model_copy(update={"source": source})
        here.run()
        assert len(here.people) == 30
