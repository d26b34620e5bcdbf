"""What can be said of a Marketo instance before anything runs."""

from __future__ import annotations

from datetime import datetime

from connectors.crm.connector import Budget, Check
from connectors.crm.responses import RefusedError
from connectors.marketo.api import BATCH, Api
from connectors.marketo.settings import CALLS_A_DAY
from features.common.errors import CrmError

CHANGED = 0.1  # lead changes of a lead and day
ACTS_A_DAY = 0.3
MONTHS = 10 * 12 + 24  # exports of a first import, leads and activities
CALLS_A_JOB = 6


def checks(api: Api, status: str, since: datetime) -> list[Check]:
    """Credentials, permissions, the history of the lead status."""
    try:
        fields = api.fields()
    except RefusedError as error:
        return [
            Check("login and leads", "bad", error.fact, error.hint or "The role needs Read-Only Lead and Read-Only Schema.")
        ]
    found = [Check("login and leads", "good", f"{len(fields):,} lead fields can be read")]
    try:
        token = api.token(since)
        found.append(Check("activities", "good", "can be read"))
        found.append(_history(api, fields, status, token))
    except CrmError as error:
        found.append(Check("activities", "bad", error.fact, "The role needs Read-Only Activity."))
    why = api.can("/opportunities/describe.json", {})
    told = "deals will be missing: needs Read-Only Opportunity, or read them from the CRM"
    found.append(Check("opportunities", "good", "can be read") if why is None else Check("opportunities", "warning", why, told))
    try:
        # an empty list writes nothing and tells whether we may
        api.http.post(f"{api.rest}/leads.json", {"action": "updateOnly", "lookupField": "id", "input": []})
        allowed = True
    except RefusedError as error:
        allowed = error.http != 403
    writing = Check("writing", "good", "leads can be written")
    found.append(writing if allowed else Check("writing", "warning", "leads cannot be written", "Scores need Read-Write Lead."))
    return found


def _history(api: Api, fields: dict[str, dict[str, object]], status: str, token: str) -> Check:
    what = f"history of {status}"
    if status not in fields:
        return Check(what, "warning", f"there is no field {status}", "Name another under `stages:`, or use revenue stages.")
    for rows, _, _ in api.stream("/leadchanges.json", {"fields": status, "batchSize": BATCH}, token):
        if rows:
            return Check(what, "good", "changes are there")
        break
    return Check(
        what,
        "warning",
        "no change on the first page",
        "Marketo keeps changes of field values 90 days unless the retention is longer.",
    )


def budget(api: Api, leads: int) -> Budget:
    """Calls: 300 records a page; a first import goes by exports, a few calls a month of data."""
    first = MONTHS * CALLS_A_JOB + leads * 3 / BATCH * 2 + 100
    daily = leads * CHANGED / BATCH * 2 + leads * ACTS_A_DAY / BATCH + 30
    used = api.used_today()
    left = None if used is None else CALLS_A_DAY - used
    return Budget("calls", round(first), round(daily), -(-leads // BATCH), leads, CALLS_A_DAY, left)
