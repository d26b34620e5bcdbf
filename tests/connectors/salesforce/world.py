"""A world as Salesforce has it: records, histories and acts for the stand-in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.connectors.crm.world import World
from tests.connectors.salesforce.fields import FIELDS, describe
from tests.connectors.salesforce.stand_in import CLOSED, NEW, Salesforce, stamp

CAMPAIGNS = {
    "webinar_registered": ("Webinar", False),
    "webinar_attended": ("Webinar", True),
    "event_attended": ("Conference", True),
    "whitepaper_download": ("Content", True),
}
SERVED = {*CAMPAIGNS, "call_made", "call_answered", "meeting", "email_sent", "email_opened"}
STATUS_OF = {"mql": "Working - Contacted", "disqualified": "Closed - Not Converted"}


def filled(world: World, **settings: Any) -> Salesforce:
    """A Salesforce that holds a world: leads that reached `sql` are converted."""
    fake = Salesforce(**settings)
    fake.fields = {kind: {name: describe(name) for name in names} for kind, names in FIELDS.items()}
    fake.fields["Lead"]["Status"]["picklistValues"] = [{"value": v, "label": v} for v in (NEW, *STATUS_OF.values(), CLOSED)]
    fake.fields["Lead"]["Region__c"] |= {"type": "picklist", "label": "Region"}
    for label, closed, won in (("Qualification", False, False), ("Closed Won", True, True), ("Closed Lost", True, False)):
        fake.add("OpportunityStage", {"MasterLabel": label, "ApiName": label, "IsClosed": closed, "IsWon": won})
    fake.add("Organization", {"DefaultCurrencyIsoCode": "EUR"})
    companies = {row["company_id"]: row for row in world.companies}
    deals = {row["lead_id"]: row for row in world.deals}
    for row in world.leads:
        _lead(fake, world, row, companies.get(row["company_id"] or "", {}), deals.get(row["lead_id"]))
    for act in sorted(world.interactions, key=lambda a: a["at"]):
        _act(fake, act)
    return fake


def _lead(fake: Salesforce, world: World, row: dict[str, Any], company: dict[str, Any], deal: dict[str, Any] | None) -> None:
    created = row["created_at"]
    name = fake.add(
        "Lead",
        {
            "CreatedDate": stamp(created),
            "Email": world.mail(row["lead_id"], row["email_domain"]),
            "FirstName": "Ada",
            "LastName": "Lovelace",
            "Title": row["job_title"],
            "Country": row["country"],
            "LeadSource": row["source"],
            "Status": NEW,
            "OwnerId": "005000000000007AAA",
            "Company": f"Company {row['company_id']} GmbH" if row["company_id"] else None,
            "Industry": company.get("industry"),
            "NumberOfEmployees": company.get("employees") and int(company["employees"]),
            "AnnualRevenue": company.get("annual_revenue"),
            "IsConverted": False,
            "HasOptedOutOfEmail": row["lead_id"] in world.opt_outs,
            "IsDeleted": False,
            "SystemModstamp": stamp(created),
            "Region__c": row["region"],
        },
    )
    fake.ids[row["lead_id"]] = name
    for stage, at in world.stages.get(row["lead_id"], []):
        if stage in STATUS_OF:
            fake.touch("Lead", name, {"Status": STATUS_OF[stage]}, at)
        elif stage == "sql":
            contact = fake.add("Contact", {"IsDeleted": False, "SystemModstamp": stamp(at)})
            fake.ids[f"contact {row['lead_id']}"] = contact
            fake.touch("Lead", name, {"Status": CLOSED}, at)
            fake.history(name, "leadConverted", None, None, at)
            linked = {"IsConverted": True, "ConvertedDate": at.strftime("%Y-%m-%d"), "ConvertedContactId": contact}
            if deal:
                linked["ConvertedOpportunityId"] = _deal(fake, deal, contact)
            fake.touch("Lead", name, linked, at, track=False)


def _deal(fake: Salesforce, row: dict[str, Any], contact: str) -> str:
    closed, stage = row["closed_at"], {"won": "Closed Won", "lost": "Closed Lost", "open": "Qualification"}[row["status"]]
    last = closed or row["created_at"]
    name = fake.add(
        "Opportunity",
        {
            "CreatedDate": stamp(row["created_at"]),
            "Amount": row["amount"],
            "CloseDate": last.strftime("%Y-%m-%d"),
            "LastStageChangeDate": stamp(last),
            "IsClosed": closed is not None,
            "IsWon": row["status"] == "won",
            "StageName": stage,
            "IsDeleted": False,
            "SystemModstamp": stamp(last),
        },
    )
    fake.ids[row["deal_id"]] = name
    changes = [("Qualification", row["created_at"]), *([(stage, closed)] if closed else [])]
    for value, at in changes:
        fake.add(
            "OpportunityHistory", {"OpportunityId": name, "StageName": value, "CreatedDate": stamp(at), "IsDeleted": False}
        )
    fake.add(
        "OpportunityContactRole",
        {"OpportunityId": name, "ContactId": contact, "IsDeleted": False, "SystemModstamp": stamp(last)},
    )
    return name


def _act(fake: Salesforce, act: dict[str, Any]) -> None:
    kind, at, lead = act["type"], act["at"], fake.ids[act["lead_id"]]
    # what happens after the conversion happens to the contact
    contact = fake.ids.get(f"contact {act['lead_id']}")
    converted = contact and fake.records["Contact"][contact]["SystemModstamp"] <= stamp(at)
    who = contact if converted else lead
    base = {"CreatedDate": stamp(at), "IsDeleted": False, "SystemModstamp": stamp(at)}
    if kind in ("call_made", "call_answered"):
        fake.add(
            "Task",
            {
                **base,
                "WhoId": who,
                "TaskSubtype": "Call",
                "CallType": "Outbound",
                "CompletedDateTime": stamp(at),
                "IsClosed": True,
                "CallDurationInSeconds": 60 if kind == "call_answered" else 0,
            },
        )
    elif kind in ("email_sent", "email_opened"):
        _mail(fake, kind, at, who, contact if converted else None)
    elif kind == "meeting":
        fake.add("Event", {**base, "WhoId": who, "StartDateTime": stamp(at), "DurationInMinutes": 30})
    elif kind in CAMPAIGNS:
        type_, responded = CAMPAIGNS[kind]
        fake.add(
            "CampaignMember",
            {
                **base,
                "LeadId": lead,
                "ContactId": contact if converted else None,
                "Campaign.Type": type_,
                "Campaign.Name": "C",
                "HasResponded": responded,
                "FirstRespondedDate": at.strftime("%Y-%m-%d") if responded else None,
            },
        )


def _mail(fake: Salesforce, kind: str, at: datetime, who: str, contact: str | None) -> None:
    """An e-mail and the task that Salesforce makes of it; opened: the first opening of the last mail to that person."""
    sent = fake.mailed.get(who)
    if kind == "email_opened":
        if sent and not fake.records["EmailMessage"][sent]["IsOpened"]:
            opened = {"IsOpened": True, "FirstOpenedDate": stamp(at), "LastOpenedDate": stamp(at)}
            fake.touch("EmailMessage", sent, opened, at, track=False)
            fake.opened += 1
        return
    base = {"CreatedDate": stamp(at), "IsDeleted": False, "SystemModstamp": stamp(at)}
    task = fake.add("Task", {**base, "WhoId": who, "TaskSubtype": "Email", "CompletedDateTime": stamp(at), "IsClosed": True})
    mail = {"ActivityId": task, "Incoming": False, "Status": "3", "MessageDate": stamp(at), "IsTracked": True}
    told = {"IsOpened": False, "IsBounced": False, "Subject": "Ada Lovelace, hello", "ToAddress": "ada@example.org"}
    fake.mailed[who] = fake.add("EmailMessage", {**base, **mail, **told})
    fake.relate(fake.mailed[who], who, "ToAddress", "Contact" if contact else "Lead", at)
    fake.relate(fake.mailed[who], "005000000000001AAA", "FromAddress", "User", at)
