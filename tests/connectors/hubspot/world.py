"""A world as HubSpot has it: records, histories and acts for the stand-in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.connectors.crm.world import FORMS, World
from tests.connectors.hubspot.stand_in import HubSpot, add, iso, ms

WEBINARS = {"webinar_registered": "REGISTERED", "webinar_attended": "ATTENDED"}
MAILS = {"email_sent": "SENT", "email_opened": "OPEN", "email_clicked": "CLICK", "unsubscribed": "STATUSCHANGE"}
PAGES = {
    "page_view": "https://www.example.org/",
    "pricing_page_view": "https://www.example.org/pricing",
    "blog_view": "https://www.example.org/blog/tips",
    "product_page_view": "https://www.example.org/product",
}
SERVED = {*FORMS, *PAGES, *MAILS, *WEBINARS, "call_made", "call_answered", "meeting"}  # what HubSpot can tell of a world
CONNECTED = "f240bbac-87c9-4f6e-bf70-924b57d47db7"
STAGE_OF = {"lead": "lead", "mql": "marketingqualifiedlead", "sql": "salesqualifiedlead", "customer": "customer"}


def filled(world: World, **settings: Any) -> HubSpot:
    """A HubSpot that holds a world."""
    fake = HubSpot(**settings)
    define(
        fake,
        "contacts",
        [
            "createdate",
            "lastmodifieddate",
            "hs_object_id",
            "email",
            "hs_additional_emails",
            "hs_calculated_merged_vids",
            "hs_email_domain",
            "firstname",
            "lastname",
            "phone",
            "associatedcompanyid",
            "jobtitle",
            "hs_analytics_source",
            "hs_country_region_code",
            "hs_email_optout",
            "hs_merged_object_ids",
            "hs_lead_status",
            "hubspotscore",
        ],
    )
    define(
        fake,
        "contacts",
        ["lifecyclestage"],
        options=[{"value": v, "label": v.title()} for v in [*STAGE_OF.values(), "opportunity"]],
    )
    define(fake, "contacts", ["hs_lead_status"], options=[{"value": "UNQUALIFIED", "label": "Unqualified"}])
    define(fake, "contacts", [f"hs_v2_date_entered_{v}" for v in STAGE_OF.values()], type_="datetime")
    define(fake, "contacts", ["region"], own=False, type_="enumeration")
    define(fake, "contacts", ["budget_score"], own=False, type_="number")
    define(fake, "contacts", ["mobile_number"], own=False)
    define(
        fake,
        "companies",
        [
            "createdate",
            "hs_lastmodifieddate",
            "name",
            "domain",
            "industry",
            "numberofemployees",
            "annualrevenue",
            "country",
            "type",
            "hs_merged_object_ids",
        ],
    )
    define(
        fake,
        "deals",
        [
            "createdate",
            "hs_lastmodifieddate",
            "dealname",
            "dealstage",
            "pipeline",
            "amount",
            "deal_currency_code",
            "closedate",
            "hs_is_closed",
            "hs_is_closed_won",
            "hs_merged_object_ids",
        ],
    )
    for kind, names in (
        ("calls", ["hs_timestamp", "hs_call_duration", "hs_call_disposition", "hs_call_direction"]),
        ("meetings", ["hs_timestamp", "hs_meeting_start_time", "hs_meeting_end_time", "hs_meeting_outcome"]),
        ("emails", ["hs_timestamp", "hs_email_direction", "hs_email_status"]),
    ):
        define(fake, kind, ["hs_lastmodifieddate", *names])
    _companies(fake, world)
    _contacts(fake, world)
    _deals(fake, world)
    _acts(fake, world)
    return fake


def _version(value: str, at: datetime) -> dict[str, str]:
    return {"value": value, "timestamp": iso(at), "sourceType": "CRM_UI", "sourceId": "u1"}


def _companies(fake: HubSpot, world: World) -> None:
    for n, row in enumerate(world.companies):
        properties = {
            "name": f"Company {n} GmbH",
            "industry": row["industry"],
            "numberofemployees": _int(row["employees"]),
            "annualrevenue": _int(row["annual_revenue"]),
            "country": row["country"],
        }
        fake.ids[row["company_id"]] = add(
            fake, "companies", 50_000 + n, properties, world.leads[0]["created_at"], world.leads[0]["created_at"]
        )


def _contacts(fake: HubSpot, world: World) -> None:
    for n, row in enumerate(world.leads):
        stages = world.stages.get(row["lead_id"], [])
        created = row["created_at"]
        history: dict[str, list[dict[str, str]]] = {"lifecyclestage": [_version("lead", created)]}
        entered = {}
        last = "lead"
        status = None
        newest = created
        for stage, at in stages:
            newest = max(newest, at)
            if stage in STAGE_OF and stage != "lead":
                history["lifecyclestage"].insert(0, _version(STAGE_OF[stage], at))
                entered[f"hs_v2_date_entered_{STAGE_OF[stage]}"] = iso(at)
                last = STAGE_OF[stage]
            elif stage == "disqualified":
                history["hs_lead_status"] = [_version("UNQUALIFIED", at)]
                status = "UNQUALIFIED"
        gone = world.opt_outs.get(row["lead_id"])
        history["hs_email_optout"] = [*([_version("true", gone)] if gone else []), _version("false", created)]
        properties = {
            "email": world.mail(row["lead_id"], row["email_domain"]).title(),
            "hs_email_domain": row["email_domain"],
            "firstname": "Ada",
            "lastname": "Lovelace",
            "phone": "+49 30 1234567",
            "mobile_number": f"+49 170 {n:07d}",
            "associatedcompanyid": fake.ids.get(row["company_id"] or ""),
            "jobtitle": row["job_title"],
            "hs_analytics_source": row["source"],
            "hs_country_region_code": row["country"],
            "lifecyclestage": last,
            "hs_lead_status": status,
            "hs_email_optout": "true" if gone else "false",
            "region": row["region"],
            "budget_score": _int(row["budget_score"]),
            **entered,
        }
        for name in ("jobtitle", "hs_analytics_source", "hs_country_region_code"):
            if properties[name] is not None:
                history[name] = [_version(str(properties[name]), created)]
        fake.ids[row["lead_id"]] = add(fake, "contacts", 1_000_000 + n, properties, created, newest, history)


def _deals(fake: HubSpot, world: World) -> None:
    links = fake.links.setdefault(("deals", "contacts"), {})
    for n, row in enumerate(world.deals):
        closed = row["closed_at"]
        history = [_version("appointmentscheduled", row["created_at"])]
        stage = "appointmentscheduled"
        if row["status"] != "open":
            stage = "closedwon" if row["status"] == "won" else "closedlost"
            history.insert(0, _version(stage, closed))
        properties = {
            "dealname": f"Deal {n}",
            "dealstage": stage,
            "pipeline": "default",
            "amount": row["amount"],
            "deal_currency_code": row["currency"],
            "closedate": iso(closed) if closed else None,
            "hs_is_closed": "true" if closed else "false",
            "hs_is_closed_won": "true" if row["status"] == "won" else "false",
        }
        name = add(
            fake, "deals", 70_000 + n, properties, row["created_at"], closed or row["created_at"], {"dealstage": history}
        )
        fake.ids[row["deal_id"]] = name
        if row["lead_id"]:
            links[name] = [fake.ids[row["lead_id"]]]


def _acts(fake: HubSpot, world: World) -> None:
    mails = {r["lead_id"]: world.mail(r["lead_id"], r["email_domain"]) for r in world.leads}
    fake.forms = {f"f-{n}": {"name": title, "submissions": []} for n, title in enumerate(FORMS.values())}
    guid = {kind: f"f-{n}" for n, kind in enumerate(FORMS)}
    fake.webinars = {
        "900": {
            "objectId": "900",
            "eventName": "Webinar",
            "startDateTime": iso(world.leads[0]["created_at"]),
            "endDateTime": iso(world.end),
            "updatedAt": iso(world.end),
        }
    }
    fake.participants = {"900": []}
    calls = fake.links.setdefault(("calls", "contacts"), {})
    meetings = fake.links.setdefault(("meetings", "contacts"), {})
    for n, act in enumerate(sorted(world.interactions, key=lambda a: a["at"])):
        kind, at, person = act["type"], act["at"], fake.ids[act["lead_id"]]
        if kind in MAILS:
            event = {
                "id": f"e{n}",
                "created": ms(at),
                "type": MAILS[kind],
                "recipient": mails[act["lead_id"]],
                "emailCampaignId": 7,
            }
            if kind == "unsubscribed":
                event |= {"source": "SOURCE_RECIPIENT", "portalSubscriptionStatus": "UNSUBSCRIBED", "emailCampaignId": 0}
            fake.events.append(event)
        elif kind in FORMS:
            values = [{"name": "email", "value": mails[act["lead_id"]].upper(), "objectTypeId": "0-1"}]
            fake.forms[guid[kind]]["submissions"].insert(
                0, {"conversionId": f"c{n}", "submittedAt": ms(at), "values": values, "pageUrl": "https://x"}
            )
        elif kind in PAGES:
            fake.visits.append(
                {
                    "id": f"v{n}",
                    "objectType": "CONTACT",
                    "objectId": person,
                    "eventType": "e_visited_page",
                    "occurredAt": iso(at),
                    "properties": {"hs_url": PAGES[kind]},
                }
            )
        elif kind in WEBINARS:
            fake.participants["900"].append(
                {
                    "id": str(n),
                    "createdAt": iso(at),
                    "associations": {"contact": {"contactId": person}},
                    "properties": {"attendanceState": WEBINARS[kind], "occurredAt": ms(at)},
                }
            )
        elif kind in ("call_made", "call_answered"):
            properties = {
                "hs_timestamp": iso(at),
                "hs_call_duration": 60_000,
                "hs_call_direction": "OUTBOUND",
                "hs_call_disposition": CONNECTED if kind == "call_answered" else "73a0d17f-1163-4015-bdd5-ec830791da20",
            }
            calls[add(fake, "calls", 2_000_000 + n, properties, at, at)] = [person]
        elif kind == "meeting":
            properties = {"hs_timestamp": iso(at), "hs_meeting_start_time": iso(at), "hs_meeting_outcome": "COMPLETED"}
            meetings[add(fake, "meetings", 3_000_000 + n, properties, at, at)] = [person]


def _int(value: float | None) -> str | None:
    return None if value is None else str(int(value))


def define(fake: HubSpot, kind: str, names: list[str], own: bool = True, type_: str = "string", **more: Any) -> None:
    for name in names:
        fake.properties[kind][name] = {
            "name": name,
            "label": name.replace("_", " ").title(),
            "type": type_,
            "fieldType": "text",
            "hubspotDefined": own,
            "options": [],
            **more,
        }
