"""E-mails of sales people: Salesforce's messages, whose task tells the same and less; Pipedrive's, person by person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.crm.crms import CRMS, Site, site
from tests.crm.world import World

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)


def types(here: Site, lead: str) -> Counter[str]:
    acts = here.dataset.interactions
    return Counter(acts[acts["lead_id"].astype(str) == lead]["type"].astype(str))


def moments(here: Site, lead: str, kind: str) -> list[datetime]:
    acts = here.dataset.interactions
    return sorted(acts[(acts["lead_id"].astype(str) == lead) & (acts["type"] == kind)]["at"].tolist())


@pytest.fixture
def salesforce(small: World, tmp_path: Path) -> Iterator[Site]:
    with site(CRMS["salesforce"], small, tmp_path) as here:
        for kind in ("EmailMessage", "EmailMessageRelation", "Task"):
            here.fake.records[kind].clear()
        yield here


def mail(fake: Any, lead: str, at: datetime = AT, how: str = "ToAddress", task: str | None = None, **told: Any) -> str:
    from tests.crm.salesforce import stamp

    times = {"MessageDate": stamp(at), "CreatedDate": stamp(at), "SystemModstamp": stamp(at)}
    usual = {"ActivityId": task, "Incoming": False, "Status": "3", "IsBounced": False, "IsOpened": False, "IsDeleted": False}
    name: str = fake.add("EmailMessage", {**times, **usual, **told})
    fake.relate(name, lead, how, "Lead", at)
    return name


def lead_of(here: Site) -> str:
    return next(n for n, r in sorted(here.fake.records["Lead"].items()) if not r["IsConverted"])


def test_a_mail_is_sent_once_though_its_task_says_so_too(salesforce: Site) -> None:
    from tests.crm.salesforce import stamp

    lead, fake = lead_of(salesforce), salesforce.fake
    told = {"WhoId": lead, "TaskSubtype": "Email", "CompletedDateTime": stamp(AT), "IsClosed": True, "IsDeleted": False}
    task = fake.add("Task", {**told, "CreatedDate": stamp(AT), "SystemModstamp": stamp(AT)})
    fake.add(
        "Task",
        {**told, "CompletedDateTime": stamp(AT - timedelta(days=1)), "CreatedDate": stamp(AT), "SystemModstamp": stamp(AT)},
    )
    mail(fake, lead, task=task)
    salesforce.run()
    # the task without a message is one too
    assert moments(salesforce, lead, "sales_email_sent") == [AT - timedelta(days=1), AT]


def test_the_first_opening_counts_when_it_was_and_is_seen_later(salesforce: Site) -> None:
    from tests.crm.salesforce import stamp

    lead = lead_of(salesforce)
    name = mail(salesforce.fake, lead)
    salesforce.run()
    assert types(salesforce, lead)["email_opened"] == 0
    opened = AT + timedelta(days=2)
    told = {"IsOpened": True, "FirstOpenedDate": stamp(opened), "LastOpenedDate": stamp(opened + timedelta(days=9))}
    salesforce.fake.touch("EmailMessage", name, told, track=False)
    salesforce.run()
    assert moments(salesforce, lead, "email_opened") == [opened]
    assert types(salesforce, lead)["sales_email_sent"] == types(salesforce, lead)["sales_email_sent"]
    assert sum(salesforce.run().synced.rows.values()) == 0


def test_only_its_sender_has_replied(salesforce: Site) -> None:
    """A lead in copy of a mail that came has done nothing."""
    first, second = [n for n, r in sorted(salesforce.fake.records["Lead"].items()) if not r["IsConverted"]][:2]
    name = mail(salesforce.fake, first, how="FromAddress", Incoming=True)
    salesforce.fake.relate(name, second, "CcAddress", "Lead", AT)
    salesforce.run()
    assert types(salesforce, first)["email_replied"] == 1
    assert types(salesforce, second)["email_replied"] == 0


def test_drafts_bounces_and_deleted_mails(salesforce: Site) -> None:
    lead, fake = lead_of(salesforce), salesforce.fake
    mail(fake, lead, Status="5")
    mail(fake, lead, IsBounced=True)
    gone = mail(fake, lead, AT + timedelta(days=1))
    salesforce.run()
    assert (types(salesforce, lead)["sales_email_sent"], types(salesforce, lead)["email_bounced"]) == (2, 1)
    fake.delete("EmailMessage", gone)
    salesforce.run()
    assert types(salesforce, lead)["sales_email_sent"] == 1


def test_openings_of_a_world_are_all_there(small: World, tmp_path: Path) -> None:
    """Of leads and of the contacts they became; no name, subject or address of a mail is landed."""
    with site(CRMS["salesforce"], small, tmp_path) as here:
        here.run()
        acts = here.dataset.interactions["type"].astype(str).value_counts()
        assert acts["email_opened"] == here.fake.opened > 50
        assert acts["sales_email_sent"] == len(here.fake.records["EmailMessage"])
        kept = b"".join(path.read_bytes() for path in here.home.rglob("*") if path.is_file())
        assert b"ada@" not in kept


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
