"""`source: {kind: pipedrive}`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from connectors.crm.rate_limit import Rate
from connectors.crm.settings import CrmSource, WriteBack

RATES = [Rate(20, 2)]  # the burst that the smallest plan allows
TOKENS_A_DAY = 30_000  # of one seat on the smallest plan
LEADS = {"job_title": "job_title", "country": "country"}
COMPANIES = {"industry": "industry", "employees": "employee_count", "annual_revenue": "annual_revenue", "country": "country"}
INTERACTIONS: dict[str, str | None] = {
    "activity: call": "call_answered",
    "activity: meeting": "meeting",
    "activity: lunch": "meeting",
    "activity: email": "sales_email_sent",
    "activity: task": None,
    "activity: deadline": None,
    "mail: sent": "sales_email_sent",
    "mail: received": "email_replied",
}
INBOX, STAGE, STATUS = "inbox", "stage_id", "status"


class PipedriveSource(CrmSource):
    """Pipedrive. PIPEDRIVE_TOKEN is a user's API token; or, of an OAuth app, PIPEDRIVE_CLIENT_ID, _CLIENT_SECRET and
    _REFRESH_TOKEN. The user should see everything."""

    LEADS = LEADS
    COMPANIES = COMPANIES
    ADDRESS = "https://yours.pipedrive.com"

    kind: Literal["pipedrive"]
    api_version: str = "v2"
    write_back: WriteBack = WriteBack(most=4_000)  # one call a person: 20,000 of the 30,000 tokens of the smallest plan
    login_url: str = Field("https://oauth.pipedrive.com", description="where an OAuth app's tokens come from")
    mails: bool = Field(False, description="read the mails of persons, 20 tokens for each who has new ones")
    participants: bool = Field(True, description="read who else takes part in deals that have several, 20 tokens each")
    person_changelog: bool = Field(
        False, description="read what became of persons' fields, 20 tokens for each person that was modified"
    )
    changelog: bool = Field(True, description="read the stage history of deals, 20 tokens each; without it only first and last")
