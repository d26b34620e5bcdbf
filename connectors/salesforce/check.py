"""What can be said of a Salesforce org before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.crm.attribute_check import SUBJECT, attribute_check
from connectors.crm.connector import CallBudget, Check
from connectors.crm.responses import RefusedError
from connectors.salesforce.api import SalesforceApi

CHANGED_SHARE = 0.05  # of the leads on an ordinary day
ACTIVITIES_PER_LEAD = 100  # of a lead, an e-mail being four records: itself, who sent it, who got it, its task
PAGE = 2_000
NEVER_LEADS = "Id NOT IN (SELECT ConvertedContactId FROM Lead WHERE IsConverted = true)"  # of contacts
TRACKING_SCREEN = "Setup → Object Manager → Lead → Fields → Set History Tracking"
OBJECT_SEVERITY = {
    "Lead": "bad",
    "Opportunity": "warning",
    "Contact": "warning",
    "LeadHistory": "warning",
    "OpportunityHistory": "warning",
    "OpportunityContactRole": "warning",
    "Task": "warning",
    "Event": "warning",
    "CampaignMember": "warning",
    "EmailMessage": "warning",
    "EmailMessageRelation": "warning",
}


def checks(api: SalesforceApi, prefix: str) -> Iterator[Check]:
    """Credentials, objects, history tracking, consent fields, score fields."""
    try:
        api.limits()
    except RefusedError as error:
        yield Check("login", "bad", error.fact, error.hint)
        return
    yield Check("login", "good", "a token was given and the API answers")
    fields = {}
    for name, standing in OBJECT_SEVERITY.items():
        fields[name] = api.describe(name)
        finding = f"{name} cannot be seen"
        yield (
            Check(name, "good", "can be read")
            if fields[name]
            else Check(
                name,
                "bad" if standing == "bad" else "warning",
                finding,
                "Give the user read access to it: Setup → Permission Sets → Ripeline → Object Settings.",
            )
        )
    if fields["LeadHistory"]:
        yield _tracking(api)
    if fields["Contact"] and "ConvertedContactId" in fields["Lead"]:
        yield _contacts(api)
    if fields["Lead"] and "HasOptedOutOfEmail" not in fields["Lead"]:
        finding = "Lead.HasOptedOutOfEmail cannot be seen: who opted out would be scored"
        yield Check("consent", "warning", finding, "Give the user access to that field.")
    score_fields = [name for name in fields["Lead"] if name.startswith(prefix)]
    writable = [name for name in score_fields if fields["Lead"][name].get("updateable")]
    yield (
        Check("score fields", "good", f"{len(writable)} can be written")
        if score_fields and len(score_fields) == len(writable)
        else Check(
            "score fields",
            "warning",
            f"{len(writable)} of {len(score_fields)} can be written" if score_fields else "there are none yet",
            "Deploy the metadata and assign the permission set (docs/crm/salesforce.md).",
        )
    )


def history_check(
    attributes: Mapping[str, str], fields: Mapping[str, Mapping[str, Any]], tracked: frozenset[str] | None
) -> Check:
    """Of which columns Salesforce records no changes. `attributes`: column → field; `tracked`: what history tracking is on for,
    a compound field (Address) for all of its parts."""
    if tracked is None:
        finding = "our user may not see which fields are tracked (FieldDefinition): the import names those without a change"
        return Check(SUBJECT, "warning", finding, f"{TRACKING_SCREEN}: look there which are ticked.")
    unrecorded = [
        name for name, field in attributes.items() if not {field, fields.get(field, {}).get("compoundFieldName")} & tracked
    ]
    remedy = f"Switch it on for those that the model should use, 20 at most: {TRACKING_SCREEN}. It counts from that day on."
    return attribute_check(list(attributes), unrecorded, "history tracking is on", remedy)


def _contacts(api: SalesforceApi) -> Check:
    subject, never_leads = "contacts", api.count("Contact", NEVER_LEADS)
    if never_leads == 0:
        return Check(subject, "good", "every one was a lead")
    finding = f"{'very many' if never_leads is None else f'{never_leads:,}'} never were leads"
    remedy = "They have no score, and what they did is left out. Make leads of those that sales should look at."
    return Check(subject, "warning", finding, remedy)


def _tracking(api: SalesforceApi) -> Check:
    changes = sum(len(page) for page in api.query("SELECT Id FROM LeadHistory WHERE (Field = 'Status') LIMIT 1"))
    leads = api.count("Lead")
    if changes or leads == 0:
        return Check("history of Lead.Status", "good", "is tracked")
    return Check(
        "history of Lead.Status",
        "bad" if leads is None or leads > PAGE else "warning",
        f"not one change in {'very many' if leads is None else f'{leads:,}'} leads: it is not tracked",
        f"{TRACKING_SCREEN} → Lead Status. It counts from that day on.",
    )


def budget(api: SalesforceApi, leads: int, batch: int) -> CallBudget:
    """Calls: 2,000 records a page; the first read of much goes through Bulk, 50,000 a file."""
    activities = leads * ACTIVITIES_PER_LEAD
    initial = (leads * 4 + activities) / PAGE + leads * 2 / PAGE + 50
    daily = (leads * CHANGED_SHARE * 4 + leads * 0.2) / PAGE + leads * 2 / PAGE + 45  # the ids of all are listed once a day
    limit, remaining = api.limits()
    return CallBudget("calls", round(initial), round(daily), -(-leads // batch), leads, limit, remaining)
