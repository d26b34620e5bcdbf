"""Pipedrive's changelogs, which may take days."""

from __future__ import annotations

from tests.connectors.crm.crms import Site
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
