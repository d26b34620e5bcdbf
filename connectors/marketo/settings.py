"""`source: {kind: marketo}`."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from connectors.crm.interactions import PAGES
from connectors.crm.rate_limit import Rate
from connectors.crm.settings import CrmSource

RATES = [Rate(50, 20)]  # half of what all integrations of an instance share, as Adobe advises
CALLS_A_DAY = 50_000

LEADS = {"source": "leadSource", "country": "country", "job_title": "title", "role": "leadRole", "department": "department"}
COMPANIES = {"industry": "industry", "employees": "numberOfEmployees", "annual_revenue": "annualRevenue"}
STATUS, REVENUE_STAGE, CONVERTED, STAGE = "leadStatus", "revenueStage", "converted", "stage"

INTERACTIONS: dict[str, str | None] = {
    **PAGES,
    "Click Link": "link_clicked",
    "Send Email": "email_sent",
    "Email Delivered": None,
    "Email Bounced": "email_bounced",
    "Email Bounced Soft": None,
    "Unsubscribe Email": "unsubscribed",
    "Open Email": "email_opened",
    "Click Email": "email_clicked",
    "Send Sales Email": "sales_email_sent",
    "Open Sales Email": "email_opened",
    "Click Sales Email": "email_clicked",
    "Receive Sales Email": "email_replied",
    "program: Registered": "webinar_registered",
    "program: Attended": "webinar_attended",
    "program: Attended On-demand": "webinar_attended",
    "program: No Show": None,
    "program: Invited": None,
    "program: Member": None,
}
# fields that speak of the outcome, or of what others concluded from it
OUTCOMES = frozenset(
    {STATUS, "leadScore", "priority", "relativeScore", "urgency", "leadRevenueStageId", "leadRevenueCycleModelId"}
)


def permission(subject: str) -> str:
    """What has to be granted to read something, and where."""
    return f"the permission Read-Only {subject} (Admin → Users & Roles → Roles)"


class MarketoSource(CrmSource):
    """Marketo Engage. MARKETO_CLIENT_ID and MARKETO_CLIENT_SECRET of a LaunchPoint service."""

    LEADS = LEADS
    COMPANIES = COMPANIES
    ADDRESS = "https://123-ABC-456.mktorest.com"

    kind: Literal["marketo"]
    api_version: str = "v1"
    leads_since: date | None = Field(None, description="leads created before that day are not read; default: ten years back")
