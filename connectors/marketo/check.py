"""What can be said of a Marketo instance before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice

from connectors.crm.attribute_check import SUBJECT, attribute_check, listed
from connectors.crm.connector import CallBudget, Check
from connectors.crm.moments import moment
from connectors.crm.responses import RefusedError
from connectors.marketo.api import BATCH, MarketoApi, fitting
from connectors.marketo.settings import CALLS_A_DAY
from features.common.errors import CrmError

CHANGES_PER_DAY = 0.1  # lead changes of a lead and day
ACTIVITIES_PER_DAY = 0.3
EXPORTED_MONTHS = 10 * 12 + 24  # exports of a first import, leads and activities
CALLS_A_JOB = 6
RETENTION = "Marketo keeps changes for 90 days unless your subscription keeps them longer"
PAGES = 20  # that are looked at for the first change
SETTLED = timedelta(days=30)  # so soon after the first day that is read the oldest change has to be


def checks(api: MarketoApi, status: str, history_start: datetime) -> Iterator[Check]:
    """Credentials, permissions, the history of the lead status."""
    try:
        fields = api.fields()
    except RefusedError as error:
        yield Check("login and leads", "bad", error.fact, error.hint or "The role needs Read-Only Lead and Read-Only Schema.")
        return
    yield Check("login and leads", "good", f"{len(fields):,} lead fields can be read")
    try:
        token = api.token(history_start)
        yield Check("activities", "good", "can be read")
        yield _history(api, fields, status, token)
    except CrmError as error:
        yield Check("activities", "bad", error.fact, "The role needs Read-Only Activity.")
    refusal = api.refusal("/opportunities/describe.json", {})
    remedy = "deals will be missing: needs Read-Only Opportunity, or read them from the CRM"
    yield (
        Check("opportunities", "good", "can be read") if refusal is None else Check("opportunities", "warning", refusal, remedy)
    )
    try:
        # an empty list writes nothing and tells whether we may
        api.http.post(f"{api.rest_path}/leads.json", {"action": "updateOnly", "lookupField": "id", "input": []})
        allowed = True
    except RefusedError as error:
        allowed = error.http != 403
    writing = Check("writing", "good", "leads can be written")
    yield writing if allowed else Check("writing", "warning", "leads cannot be written", "Scores need Read-Write Lead.")


def _history(api: MarketoApi, fields: dict[str, dict[str, object]], status: str, token: str) -> Check:
    subject = f"history of {status}"
    if status not in fields:
        return Check(subject, "warning", f"there is no field {status}", "Name another under `stages:`, or use revenue stages.")
    for rows, _, _ in api.stream("/leadchanges.json", {"fields": status, "batchSize": BATCH}, token):
        if rows:
            return Check(subject, "good", "changes are there")
        break
    return Check(
        subject,
        "warning",
        "no change on the first page",
        "Marketo keeps changes of field values 90 days unless the retention is longer.",
    )


def history_check(api: MarketoApi, attributes: Mapping[str, str], history_start: datetime) -> Check:
    """Since when Marketo tells what became of the columns. `attributes`: column → field."""
    if not attributes:
        return attribute_check([], [], "there are none", "")
    fields = ",".join(fitting(list(dict.fromkeys(attributes.values())))[0])
    pages = islice(api.stream("/leadchanges.json", {"fields": fields, "batchSize": BATCH}, api.token(history_start)), PAGES)
    rows = next((rows for rows, _, _ in pages if rows), [])  # a page may be empty and not the last
    first = min((at for row in rows if (at := moment(row.get("activityDate")))), default=None)
    remedy = f"{RETENTION}: import early and often."
    if first is None:
        return attribute_check(list(attributes), list(attributes), "", remedy)
    finding = (
        f"changes of {len(attributes):,} columns are there since {first:%Y-%m-%d}: where that is younger than half of the "
        f"leads, they leave the model ({listed(list(attributes))})"
    )
    return Check(SUBJECT, "good" if first - history_start < SETTLED else "warning", finding, remedy)


def budget(api: MarketoApi, leads: int) -> CallBudget:
    """Calls: 300 records a page; a first import goes by exports, a few calls a month of data."""
    initial = EXPORTED_MONTHS * CALLS_A_JOB + leads * 3 / BATCH * 2 + 100
    daily = leads * CHANGES_PER_DAY / BATCH * 2 + leads * ACTIVITIES_PER_DAY / BATCH + 30
    used_calls = api.used_today()
    remaining = None if used_calls is None else CALLS_A_DAY - used_calls
    return CallBudget("calls", round(initial), round(daily), -(-leads // BATCH), leads, CALLS_A_DAY, remaining)
