"""Pipedrive's changelogs, which may take days."""

from __future__ import annotations

import pytest

from connectors.crm.responses import SpentError
from tests.connectors.crm.crms import Opener, Site
from tests.connectors.crm.server import Call


def test_pipedrive_changelogs_may_take_days(pipedrive: Site) -> None:
    """The day's tokens end among the changelogs: everything else is there, and tomorrow the rest follows."""

    def last(call: Call) -> None:
        if "changelog" in call.path and pipedrive.fake.tokens == 1_000_000:
            pipedrive.fake.tokens = pipedrive.fake.spent + 45  # two more

    pipedrive.fake.hook = last
    done = pipedrive.run()
    assert "used up" in done.synced.refused["changelogs"]
    assert len(pipedrive.dataset.leads) == 60
    pipedrive.fake.tokens = 10_000
    read = len(pipedrive.fake.made("changelog"))
    assert pipedrive.run().synced.refused == {}
    moved = [d for d in pipedrive.fake.records["deals"].values() if d["stage_change_time"]]
    again = len(pipedrive.fake.made("changelog"))
    assert again <= len(moved) + 2  # none is read twice but the one that was refused
    assert again > read


def test_a_day_without_tokens_is_known_at_once(pipedrive: Site) -> None:
    """Pipedrive says by a header how many are left, also when too few for a call are; eight attempts change nothing."""
    pipedrive.first()
    pipedrive.fake.tokens = pipedrive.fake.spent + 15
    calls = len(pipedrive.fake.calls)
    with pytest.raises(SpentError, match=r"used up.*\n.*midnight"):
        pipedrive.run()
    assert len(pipedrive.fake.calls) - calls <= 3


def test_archived_for_marketing_is_no_opt_out_and_job_and_country_are_read(served: Opener) -> None:
    with served("pipedrive") as here:
        one, two = list(here.fake.records["persons"].values())[:2]
        one |= {
            "marketing_status": "archived",
            "job_title": "Head of IT",
            "postal_address": {"value": "x", "country": "Austria"},
        }
        two |= {"marketing_status": "unsubscribed"}
        here.run()
        leads = here.dataset.leads.set_index("lead_id")
        assert not leads.loc[str(one["id"]), "opted_out"]
        assert leads.loc[str(two["id"]), "opted_out"]
        assert tuple(leads.loc[str(one["id"]), ["job_title", "country"]]) == ("Head of IT", "Austria")


def test_a_deal_that_went_where_we_may_not_look_is_not_deleted(served: Opener) -> None:
    """Archived deals were listed nowhere for who may not see them, and so looked deleted."""
    with served("pipedrive") as here:
        here.fake.denied = ("/deals/archived",)
        here.run()
        deals = sorted(here.dataset.deals["deal_id"])
        number = next(n for n, record in here.fake.records["deals"].items() if not record["is_archived"])
        here.fake.records["deals"][number]["is_archived"] = True
        here.fake.skew += 86_400
        left_out = here.run().synced.refused
        assert sorted(here.dataset.deals["deal_id"]) == deals
        assert "deals that were deleted stay." in left_out["deleted deals"]
        assert "give access to archived deals" in left_out["deleted deals"]
