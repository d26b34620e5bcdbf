"""`source: {kind: salesforce}`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from connectors.crm.rate_limit import Rate
from connectors.crm.settings import CrmSource

RATES = [Rate(20, 1)]  # Salesforce limits by the day and by concurrency; this is manners
BULK_FROM = 50_000  # records from which a first read goes through Bulk 2.0

LEADS = {"source": "LeadSource", "country": "Country", "job_title": "Title"}
COMPANIES = {"industry": "Industry", "employees": "NumberOfEmployees", "annual_revenue": "AnnualRevenue"}
INTERACTIONS: dict[str, str | None] = {
    "task: Call": "call_made",
    "task: Call: answered": "call_answered",
    "task: Call: inbound": "call_answered",
    "task: Email": "sales_email_sent",
    "task: Task": "task_done",
    "task: ListEmail": "email_sent",
    "task: Cadence": "sales_email_sent",
    "mail: sent": "sales_email_sent",
    "mail: received": "email_replied",
    "mail: opened": "email_opened",
    "mail: bounced": "email_bounced",
    "event": "meeting",
    "campaign: Webinar": "webinar_registered",
    "campaign: Webinar: responded": "webinar_attended",
    "campaign: Conference": "event_invited",
    "campaign: Conference: responded": "event_attended",
    "campaign: Trade Show": "event_invited",
    "campaign: Trade Show: responded": "event_attended",
    "campaign: Email": "email_sent",
    "campaign: Email: responded": "email_clicked",
    "campaign: Content": "content_offered",
    "campaign: Content: responded": "whitepaper_download",
}
STATUS = "Status"
CONVERTED = "converted"  # a lead was converted: its own stage field, "true" once
STAGE = "StageName"


class SalesforceSource(CrmSource):
    """Salesforce. Client credentials: SALESFORCE_CLIENT_ID and _CLIENT_SECRET; JWT: SALESFORCE_CLIENT_ID, _USERNAME and
    _PRIVATE_KEY."""

    LEADS = LEADS
    COMPANIES = COMPANIES
    ADDRESS = "https://yours.my.salesforce.com"

    kind: Literal["salesforce"]
    api_version: str = "67.0"
    login_url: str = Field(
        "https://login.salesforce.com", description="audience of the JWT; https://test.salesforce.com in a sandbox"
    )
