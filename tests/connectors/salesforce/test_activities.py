"""E-mails of sales people in Salesforce: messages, whose task tells the same and less."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.connectors.crm.acts import AT, moments, types
from tests.connectors.crm.crms import CRMS, Site, site
from tests.connectors.crm.world import World


@pytest.fixture
def salesforce(small: World, tmp_path: Path) -> Iterator[Site]:
    with site(CRMS["salesforce"], small, tmp_path) as here:
        for kind in ("EmailMessage", "EmailMessageRelation", "Task"):
            here.fake.records[kind].clear()
        yield here


def mail(fake: Any, lead: str, at: datetime = AT, how: str = "ToAddress", task: str | None = None, **told: Any) -> str:
    from tests.connectors.salesforce.stand_in import stamp

    times = {"MessageDate": stamp(at), "CreatedDate": stamp(at), "SystemModstamp": stamp(at)}
    usual = {"ActivityId": task, "Incoming": False, "Status": "3", "IsBounced": False, "IsOpened": False, "IsDeleted": False}
    name: str = fake.add("EmailMessage", {**times, **usual, **told})
    fake.relate(name, lead, how, "Lead", at)
    return name


def lead_of(here: Site) -> str:
    return next(n for n, r in sorted(here.fake.records["Lead"].items()) if not r["IsConverted"])


def test_a_mail_is_sent_once_though_its_task_says_so_too(salesforce: Site) -> None:
    from tests.connectors.salesforce.stand_in import stamp

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
    from tests.connectors.salesforce.stand_in import stamp

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
        here.first()
        acts = here.dataset.interactions["type"].astype(str).value_counts()
        assert acts["email_opened"] == here.fake.opened > 50
        assert acts["sales_email_sent"] == len(here.fake.records["EmailMessage"])
        kept = b"".join(path.read_bytes() for path in here.home.rglob("*") if path.is_file())
        assert b"ada@" not in kept


def test_who_else_takes_part_has_met_too(salesforce: Site) -> None:
    """The second attendee of a meeting, by its contact too; not who declined, not who stands on it once more; copies of a
    meeting for colleagues are no further meetings."""
    from tests.connectors.salesforce.stand_in import stamp

    fake, records = salesforce.fake, salesforce.fake.records
    records["Event"].clear()
    first, second, third = [n for n, r in sorted(records["Lead"].items()) if not r["IsConverted"]][:3]
    converted = next(n for n, r in sorted(records["Lead"].items()) if r["IsConverted"])
    told = {"WhoId": first, "StartDateTime": stamp(AT), "DurationInMinutes": 30, "IsChild": False, "IsDeleted": False}
    told |= {"CreatedDate": stamp(AT), "SystemModstamp": stamp(AT)}
    event = fake.add("Event", told)
    fake.add("Event", {**told, "IsChild": True})
    contact = records["Lead"][converted]["ConvertedContactId"]
    for person, status in ((first, "New"), (second, "Accepted"), (third, "Declined"), (contact, "New"), ("0050", "Accepted")):
        relation = fake.attend(event, person, AT, Status=status)
    fake.attend(event, contact, AT, Status="Accepted")
    task = fake.add("Task", {**told, "TaskSubtype": "Call", "IsClosed": True, "CompletedDateTime": stamp(AT)})
    fake.attend(task, second, AT)
    salesforce.run()
    assert [types(salesforce, lead)["meeting"] for lead in (first, second, third, converted)] == [1, 1, 0, 1]
    assert [types(salesforce, lead)["call_made"] for lead in (first, second)] == [1, 1]
    assert not [row for row in salesforce.landed("takers") if row["_id"] == relation]
    second_relation = next(name for name, row in records["EventRelation"].items() if row["RelationId"] == second)
    fake.touch("EventRelation", second_relation, {"Status": "Declined"}, track=False)  # and does not come after all
    salesforce.run()
    assert types(salesforce, second)["meeting"] == 0
    assert sum(salesforce.run().synced.rows.values()) == 0


def test_without_shared_activities_guests_of_an_event_are_there(salesforce: Site) -> None:
    """Then a relation of an event knows no `IsWhat`, and those of tasks are not there."""
    from tests.connectors.salesforce.stand_in import stamp

    fake, records = salesforce.fake, salesforce.fake.records
    records["Event"].clear()
    fake.hidden |= {"EventRelation.IsWhat", "EventRelation.IsInvitee", "TaskRelation"}
    first, second = [n for n, r in sorted(records["Lead"].items()) if not r["IsConverted"]][:2]
    event = {"WhoId": first, "StartDateTime": stamp(AT), "DurationInMinutes": 30, "IsChild": False, "IsDeleted": False}
    name = fake.add("Event", event | {"CreatedDate": stamp(AT), "SystemModstamp": stamp(AT)})
    fake.attend(name, second, AT)
    assert "event_people" not in salesforce.run().synced.refused
    assert [types(salesforce, lead)["meeting"] for lead in (first, second)] == [1, 1]
