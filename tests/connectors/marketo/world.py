"""A world as Marketo has it: records, histories and acts for the stand-in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.connectors.crm.world import FORMS, World
from tests.connectors.marketo.stand_in import Marketo, described, z

FIELDS = {
    "email": "string",
    "firstName": "string",
    "lastName": "string",
    "phone": "phone",
    "company": "string",
    "title": "string",
    "country": "string",
    "leadSource": "string",
    "leadStatus": "string",
    "industry": "string",
    "numberOfEmployees": "integer",
    "annualRevenue": "currency",
    "unsubscribed": "boolean",
    "leadScore": "score",
}
CUSTOM = {"product_video": 100_001, "call_answered": 100_002, "meeting": 100_003}
PROGRAMS = {"webinar_registered": "Registered", "webinar_attended": "Attended"}
MAILS = {"email_sent": 6, "email_opened": 10, "email_clicked": 11, "unsubscribed": 9}
PAGES = {"page_view": "/", "pricing_page_view": "/pricing", "blog_view": "/blog/tips", "product_page_view": "/product"}
SERVED = {*PAGES, *FORMS, *MAILS, *PROGRAMS, *CUSTOM}
STATUS_OF = {"mql": "MQL", "sql": "SQL", "customer": "Customer", "disqualified": "Disqualified"}


def filled(world: World, **settings: Any) -> Marketo:
    """A Marketo that holds a world; its moments have whole seconds."""
    fake = Marketo(**settings)
    for name, kind in FIELDS.items():
        fake.fields[name] = described(name, kind, False)
    fake.fields["region"] = described("region", "string", True)
    companies = {row["company_id"]: row for row in world.companies}
    todo: list[tuple[datetime, Any]] = []
    for number, row in enumerate(world.leads):
        lead, company = 1_000 + number, companies.get(row["company_id"] or "", {})
        fake.ids[row["lead_id"]] = str(lead)
        fake.leads[lead] = {
            "id": lead,
            "createdAt": z(row["created_at"]),
            "updatedAt": z(row["created_at"]),
            "email": world.mail(row["lead_id"], row["email_domain"]),
            "firstName": "Ada",
            "lastName": "Lovelace",
            "company": f"Company {row['company_id']}, Inc." if row["company_id"] else None,
            "title": row["job_title"],
            "country": row["country"],
            "leadSource": row["source"],
            "leadStatus": "New",
            "industry": company.get("industry"),
            "numberOfEmployees": company.get("employees") and int(company["employees"]),
            "annualRevenue": company.get("annual_revenue"),
            "unsubscribed": False,
            "region": row["region"],
            "leadScore": 5,
        }
        todo += [(at, (lead, {"leadStatus": STATUS_OF[s]})) for s, at in world.stages.get(row["lead_id"], []) if s in STATUS_OF]
        if row["lead_id"] in world.opt_outs:
            todo.append((world.opt_outs[row["lead_id"]], (lead, {"unsubscribed": True})))
    for at, (lead, values) in sorted(todo, key=lambda t: t[0]):
        fake.touch(lead, values, at)
    acts: list[tuple[datetime, tuple[Any, ...], dict[str, Any]]] = []
    for act in world.interactions:
        acts += _act(act, int(fake.ids[act["lead_id"]]))
    for row in world.deals:
        lead, last = int(fake.ids[row["lead_id"]]), row["closed_at"]
        fake.opportunities[row["deal_id"]] = {
            "seq": 0,
            "externalOpportunityId": row["deal_id"],
            "marketoGUID": row["deal_id"],
            "amount": row["amount"],
            "isClosed": last is not None,
            "isWon": row["status"] == "won",
            "stage": {"won": "Closed Won", "lost": "Closed Lost", "open": "Proposal"}[row["status"]],
            "closeDate": z(last) if last else None,
            "externalCreatedDate": z(row["created_at"]),
            "createdAt": z(row["created_at"]),
        }
        fake.roles.append(
            {
                "seq": 0,
                "marketoGUID": f"r{row['deal_id']}",
                "externalOpportunityId": row["deal_id"],
                "leadId": lead,
                "role": "Buyer",
                "isPrimary": True,
            }
        )
        acts.append((row["created_at"], (34, lead, "Deal"), {"Role": "Buyer"}))
    for at, (kind, lead, named), attributes in sorted(acts, key=lambda a: a[0]):
        fake.act(kind, lead, at, named, **attributes)
    return fake


def _act(act: dict[str, Any], lead: int) -> list[tuple[datetime, tuple[Any, ...], dict[str, Any]]]:
    kind, at = act["type"], act["at"]
    if kind in PAGES:
        return [(at, (1, lead, f"www.example.org{PAGES[kind]}"), {"Webpage_URL": PAGES[kind]})]
    if kind in FORMS:
        return [(at, (2, lead, FORMS[kind]), {"Form_Fields": "x"})]
    if kind in MAILS:
        return [(at, (MAILS[kind], lead, "Nurture 1"), {"Is_Bot_Activity": "false"})]
    if kind in PROGRAMS:
        return [(at, (104, lead, "Webinar"), {"New_Status": PROGRAMS[kind], "Success": "true"})]
    return [(at, (CUSTOM[kind], lead, "x"), {})] if kind in CUSTOM else []
