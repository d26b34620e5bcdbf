"""What can be said of a Salesforce org before anything runs."""

from __future__ import annotations

from connectors.crm.connector import Budget, Check
from connectors.crm.responses import RefusedError
from connectors.salesforce.api import Api

CHANGED = 0.05  # of the leads on an ordinary day
ACTS = 100  # of a lead, an e-mail being four records: itself, who sent it, who got it, its task
PAGE = 2_000
SEEN = {
    "Lead": "bad",
    "Opportunity": "bad",
    "Contact": "bad",
    "LeadHistory": "warning",
    "OpportunityHistory": "warning",
    "OpportunityContactRole": "warning",
    "Task": "warning",
    "Event": "warning",
    "CampaignMember": "warning",
    "EmailMessage": "warning",
    "EmailMessageRelation": "warning",
}


def checks(api: Api, prefix: str) -> list[Check]:
    """Credentials, objects, history tracking, consent fields, score fields."""
    try:
        api.limits()
    except RefusedError as error:
        return [Check("login", "bad", error.fact, error.hint)]
    found = [Check("login", "good", "a token was given and the API answers")]
    fields = {}
    for name, standing in SEEN.items():
        fields[name] = api.describe(name)
        what = f"{name} cannot be seen"
        found.append(
            Check(name, "good", "can be read")
            if fields[name]
            else Check(name, "bad" if standing == "bad" else "warning", what, "Give the user read access to it.")
        )
    if fields["LeadHistory"]:
        found.append(_tracking(api))
    if fields["Lead"] and "HasOptedOutOfEmail" not in fields["Lead"]:
        what = "Lead.HasOptedOutOfEmail cannot be seen: who opted out would be scored"
        found.append(Check("consent", "warning", what, "Give the user access to that field."))
    own = [name for name in fields["Lead"] if name.startswith(prefix)]
    writable = [name for name in own if fields["Lead"][name].get("updateable")]
    found.append(
        Check("score fields", "good", f"{len(writable)} can be written")
        if own and len(own) == len(writable)
        else Check(
            "score fields",
            "warning",
            f"{len(writable)} of {len(own)} can be written" if own else "there are none yet",
            "Deploy the metadata and assign the permission set (docs/crm/salesforce.md).",
        )
    )
    return found


def _tracking(api: Api) -> Check:
    changes = sum(len(page) for page in api.query("SELECT Id FROM LeadHistory WHERE (Field = 'Status') LIMIT 1"))
    leads = api.count("Lead")
    if changes or not leads:
        return Check("history of Lead.Status", "good", "is tracked")
    return Check(
        "history of Lead.Status",
        "bad" if leads > PAGE else "warning",
        f"not one change in {leads:,} leads: it is not tracked",
        "Setup → Object Manager → Lead → Fields → Set History Tracking → Lead Status. It counts from that day on.",
    )


def budget(api: Api, leads: int, batch: int) -> Budget:
    """Calls: 2,000 records a page; the first read of much goes through Bulk, 50,000 a file."""
    acts = leads * ACTS
    first = (leads * 4 + acts) / PAGE + leads * 2 / PAGE + 50
    daily = (leads * CHANGED * 4 + leads * 0.2) / PAGE + leads * 2 / PAGE + 45  # the ids of all are listed once a day
    limit, left = api.limits()
    return Budget("calls", round(first), round(daily), -(-leads // batch), leads, limit, left)
