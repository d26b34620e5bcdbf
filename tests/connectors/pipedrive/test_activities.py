"""E-mails of sales people in Pipedrive, person by person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.connectors.crm.acts import AT, moments, types
from tests.connectors.crm.crms import CRMS, Site, site
from tests.connectors.crm.world import World


@pytest.fixture
def pipedrive(small: World, tmp_path: Path) -> Iterator[Site]:
    with site(CRMS["pipedrive"], small, tmp_path, "  mails: true\n") as here:
        yield here


def test_pipedrive_mails_are_read_for_who_has_new_ones(pipedrive: Site) -> None:
    """A call for each person with mails, once; a new mail changes nothing of the person and is found all the same."""
    fake = pipedrive.fake
    fake.mail(5, 1, AT, sent=True)
    fake.mail(5, 2, AT + timedelta(days=1), sent=False)
    fake.mail(6, 3, AT, sent=True, draft_flag=1)
    fake.mail(7, 4, AT, sent=True, deleted_flag=1)
    pipedrive.run()
    found = types(pipedrive, "5")
    assert (found["sales_email_sent"], found["email_replied"]) == (1, 1)
    assert moments(pipedrive, "5", "email_replied") == [AT + timedelta(days=1)]
    assert types(pipedrive, "6")["sales_email_sent"] == types(pipedrive, "7")["sales_email_sent"] == 0
    assert len(fake.made("mailMessages")) == 3
    assert sum(pipedrive.run().synced.rows.values()) == 0
    assert len(fake.made("mailMessages")) == 3
    fake.mail(5, 5, AT + timedelta(days=2), sent=False)
    pipedrive.run()
    assert len(fake.made("mailMessages")) == 4
    assert types(pipedrive, "5")["email_replied"] == 2
    kept = b"".join(path.read_bytes() for path in pipedrive.home.rglob("*") if path.is_file())
    assert b"Hello Ada" not in kept


def test_pipedrive_mails_may_take_days_and_more_pages(pipedrive: Site) -> None:
    """The tokens end among the mails: tomorrow the rest follows; 130 mails are two pages."""
    for number in range(130):
        pipedrive.fake.mail(5, number, AT + timedelta(minutes=number), sent=True)
    for person in (6, 7, 8):
        pipedrive.fake.mail(person, 200 + person, AT, sent=True)

    def last(call: Any) -> None:
        if "mailMessages" in call.path and pipedrive.fake.tokens == 1_000_000:
            pipedrive.fake.tokens = pipedrive.fake.spent + 45  # two more

    pipedrive.fake.hook = last
    assert "used up" in pipedrive.run().synced.refused["mails"]
    assert types(pipedrive, "5")["sales_email_sent"] == 130
    pipedrive.fake.tokens = 10_000
    assert pipedrive.run().synced.refused == {}
    assert types(pipedrive, "8")["sales_email_sent"] == 1


def test_pipedrive_without_the_scope_for_mails_says_so(pipedrive: Site) -> None:
    pipedrive.fake.mail(5, 1, AT, sent=True)
    pipedrive.fake.denied = ("mailMessages",)
    assert "Scope and URL mismatch" in pipedrive.run().synced.refused["mails"]
    assert len(pipedrive.dataset.leads) == 60


def test_pipedrive_mails_are_read_only_when_asked_for(small: World, tmp_path: Path) -> None:
    """Twenty tokens for everybody with a mail are more than a small plan has; switched on later they all come."""
    with site(CRMS["pipedrive"], small, tmp_path) as here:
        here.fake.mail(5, 1, AT, sent=True)
        here.run()
        assert here.fake.made("mailMessages") == []
        here.config = here.config.model_copy(
            update={"source": here.config.source.model_copy(update={"mails": True})}  # type: ignore[union-attr]
        )
        here.run()
        assert types(here, "5")["sales_email_sent"] == 1
