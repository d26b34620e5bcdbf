"""What can be said of a HubSpot account before anything runs."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.crm.connector import CallBudget, Check
from connectors.crm.responses import RefusedError
from connectors.hubspot.api import HubSpotApi

CHANGED_SHARE = 0.05  # of the leads on an ordinary day
ENGAGEMENTS_PER_LEAD, FORMS_PER_LEAD, EVENTS_PER_LEAD = (
    6,
    3,
    60,
)  # calls and meetings, forms, e-mail events and page views of a lead, over the years
EVENTS_PER_DAY = 0.2


def checks(api: HubSpotApi) -> Iterator[Check]:
    """Credentials, scopes, lead stages."""
    v = api.version
    refused = api.refusal(f"/crm/objects/{v}/contacts")
    if refused:
        yield Check("token", "bad", refused, "Create a service key or an app with the scopes of docs/crm/hubspot.md.")
        return
    yield Check("token", "good", "contacts can be read")
    endpoints = (
        ("companies", f"/crm/objects/{v}/companies", "crm.objects.companies.read"),
        ("deals", f"/crm/objects/{v}/deals", "crm.objects.deals.read"),
        ("calls", f"/crm/objects/{v}/calls", "crm.objects.contacts.read"),
        ("meetings", f"/crm/objects/{v}/meetings", "crm.objects.contacts.read"),
        ("one-to-one e-mails", f"/crm/objects/{v}/emails", "sales-email-read"),
        ("leads of sales", f"/crm/objects/{v}/leads", "Sales Hub and crm.objects.leads.read"),
        ("marketing e-mails", "/email/public/v1/events", "content"),
        ("forms", "/marketing/v3/forms", "forms"),
        ("page views", f"/events/event-occurrences/{v}", "an Enterprise plan"),
        ("marketing events", f"/marketing/marketing-events/{v}", "crm.objects.marketing_events.read"),
    )
    extra_params: dict[str, dict[str, object]] = {"page views": {"objectType": "contact", "eventType": "e_visited_page"},
            "marketing e-mails": {"startTimestamp": 0, "endTimestamp": 1}}  # fmt: skip
    for subject, path, needs in endpoints:
        refusal = api.refusal(path, **extra_params.get(subject, {}))
        if refusal is None:
            yield Check(subject, "good", "can be read")
        else:
            yield Check(subject, "warning", refusal, f"What they tell will be missing: needs {needs}.")
    stage = next((p for p in api.properties("contacts") if p["name"] == "lifecyclestage"), None)
    if stage:
        yield Check("history of the lead stage", "good", "HubSpot keeps it for every contact")
    else:
        yield Check("history of the lead stage", "bad", "there is no property lifecyclestage", "Name another under `stages:`.")
    try:
        # an empty batch changes nothing and tells whether we may
        api.http.post(f"/crm/objects/{v}/contacts/batch/update", {"inputs": []})
        allowed = True
    except RefusedError as error:
        allowed = error.http != 403
    if allowed:
        yield Check("writing", "good", "contacts can be written")
    else:
        yield Check("writing", "warning", "contacts cannot be written", "Scores need crm.objects.contacts.write.")


def budget(api: HubSpotApi, leads: int) -> CallBudget:
    """Calls. A record is listed by the hundred and read, with its history, by fifty; companies and deals are a third as many as
    contacts. Calls and meetings are records too; forms come by fifty, e-mail events and page views by the thousand. Once a
    day all ids are listed.
    """
    read_cost = 1 / 100 + 1 / 50
    records = leads * (1 + 1 / 3 + 1 / 3)
    initial = (
        records * read_cost
        + leads * ENGAGEMENTS_PER_LEAD * (read_cost + 1 / 1000)
        + leads * FORMS_PER_LEAD / 50
        + leads * EVENTS_PER_LEAD / 1000
        + records / 100
        + 500
    )
    daily = records * CHANGED_SHARE * (1 / 200 + 1 / 50) + leads * EVENTS_PER_DAY / 50 + records / 100 + 300
    limit, remaining = api.daily_limit()
    return CallBudget("calls", round(initial), round(daily), -(-leads // 100), leads, limit, remaining)
