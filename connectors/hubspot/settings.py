"""`source: {kind: hubspot}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from connectors.crm.interactions import PAGES
from connectors.crm.rate_limit import Rate
from connectors.crm.settings import CrmSource

RATES = [Rate(95, 10)]  # of 100 in ten seconds that the smallest plan allows; other apps of the account share the daily limit
SEARCHES = [Rate(4, 1)]

LEADS = {
    "source": "hs_analytics_source",
    "country": "hs_country_region_code",
    "job_title": "jobtitle",
    "seniority": "hs_seniority",
    "role": "hs_role",
}
COMPANIES = {
    "industry": "industry",
    "employees": "numberofemployees",
    "annual_revenue": "annualrevenue",
    "country": "country",
    "type": "type",
}
INTERACTIONS: dict[str, str | None] = {
    **PAGES,
    "email: SENT": "email_sent",
    "email: DELIVERED": None,
    "email: PROCESSED": None,
    "email: DEFERRED": None,
    "email: DROPPED": None,
    "email: OPEN": "email_opened",
    "email: CLICK": "email_clicked",
    "email: PRINT": None,
    "email: FORWARD": "email_forwarded",
    "email: BOUNCE": "email_bounced",
    "email: SPAMREPORT": "unsubscribed",
    "email: UNSUBSCRIBED": "unsubscribed",
    "email: STATUSCHANGE": None,
    "call": "call_made",
    "call: connected": "call_answered",
    "call: inbound": "call_answered",
    "meeting": "meeting",
    "meeting: NO_SHOW": "meeting_missed",
    "meeting: CANCELED": None,
    "sales email: out": "sales_email_sent",
    "sales email: in": "email_replied",
    "event: REGISTERED": "webinar_registered",
    "event: ATTENDED": "webinar_attended",
    "event: CANCELLED": None,
    "event: NO_SHOW": None,
    "event: EMPTY": None,
}
# fields that speak of the outcome, or of what others concluded from it
OUTCOMES = frozenset(
    {
        "lifecyclestage",
        "hs_lead_status",
        "hubspotscore",
        "hs_predictivecontactscore_v2",
        "hs_analytics_source_data_1",
        "hs_analytics_source_data_2",
        "hs_merged_object_ids",
        "hs_calculated_merged_vids",
        "associatedcompanyid",
    }
)


# HubSpot's own lead stages, statuses and stages of leads → ours
STAGES: Mapping[str, str] = {
    "subscriber": "",
    "lead": "",
    "marketingqualifiedlead": "mql",
    "salesqualifiedlead": "sql",
    "opportunity": "sql",
    "customer": "customer",
    "evangelist": "customer",
    "other": "",
}
STATUSES = {"UNQUALIFIED": "disqualified", "BAD_TIMING": ""}
# of HubSpot's own pipeline of leads: sales works on them from the first stage on
LEAD_STAGES = {
    "new-stage-id": "mql",
    "attempting-stage-id": "mql",
    "connected-stage-id": "mql",
    "qualified-stage-id": "sql",
    "unqualified-stage-id": "disqualified",
}
RECORDS = ("companies", "contacts", "deals")
SCOPES = {
    "calls": "the scope crm.objects.contacts.read",
    "meetings": "the scope crm.objects.contacts.read",
    "emails": "the scopes crm.objects.contacts.read and sales-email-read",
    "leads": "Sales Hub and the scope crm.objects.leads.read",
}


class HubSpotSource(CrmSource):
    """HubSpot. The token comes from HUBSPOT_TOKEN, or is fetched with HUBSPOT_CLIENT_ID, _CLIENT_SECRET and
    _REFRESH_TOKEN."""

    LEADS = LEADS
    COMPANIES = COMPANIES

    kind: Literal["hubspot"]
    base_url: str = "https://api.hubapi.com"
    api_version: str = "2026-03"
