"""What can be said of a Pipedrive account before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from connectors.crm.attribute_check import attribute_check
from connectors.crm.connector import CallBudget, Check
from connectors.pipedrive.api import (
    CHANGELOG_COST,
    LIMIT,
    LIST_COST,
    MAILS_COST,
    PARTICIPANTS_COST,
    WRITE_COST,
    PipedriveApi,
)
from connectors.pipedrive.settings import TOKENS_A_DAY, PipedriveSource

CHANGED_SHARE = 0.05  # of the records on an ordinary day
DEALS_PER_LEAD = 0.15  # deals of a lead
SHARED_SHARE = 0.2  # of the deals have several participants
MOVED_SHARE = 0.7  # of the deals have moved between stages
ACTIVITIES_PER_LEAD = 12  # activities of a lead
MAILED_SHARE, MAILED_PER_DAY = 0.3, 0.005  # of the leads have mails, have new ones on an ordinary day


def checks(api: PipedriveApi, mails: bool) -> Iterator[Check]:
    """Credentials and what the token's user may see."""
    refusal = api.refusal(f"{api.v2}/persons")
    if refusal:
        yield Check("token", "bad", refusal, "Take the API token from Personal preferences → API.")
        return
    yield Check("token", "good", "persons can be read")
    for subject, path, standing in (
        ("organizations", f"{api.v2}/organizations", "warning"),
        ("deals", f"{api.v2}/deals", "bad"),
        ("archived deals", f"{api.v2}/deals/archived", "warning"),
        ("activities", f"{api.v2}/activities", "warning"),
        ("leads inbox", f"{api.v1}/leads", "warning"),
    ):
        refusal = api.refusal(path)
        failed_check = Check(subject, "bad" if standing == "bad" else "warning", refusal or "", "Give the user access to it.")
        yield failed_check if refusal else Check(subject, "good", "can be read")
    if mails:
        persons = api.http.get(f"{api.v2}/persons", {"limit": 1}).body["data"]
        refusal = api.refusal(f"{api.v1}/persons/{persons[0]['id']}/mailMessages") if persons else None
        refused = Check("mails", "warning", refusal or "", "Their interactions will be missing: an OAuth app needs mail:read.")
        yield refused if refusal else Check("mails", "good", "can be read")
    finding = "Pipedrive keeps the changelog of deals; that of persons is not read"
    yield Check("history of stages", "good", finding)


def history_check(leads: Collection[str], custom: Collection[str], companies: Collection[str], reads_persons: bool) -> Check:
    """Of which columns only today's value is read: those of organisations, a person's country, and without the changelogs of
    persons all others of theirs. `leads`, `companies`: columns; `custom`: persons' own fields."""
    of_persons = [f"lead.{name}" for name in dict.fromkeys([*leads, *custom])]
    of_companies = [f"company.{name}" for name in companies]
    unrecorded = [name for name in of_persons if not reads_persons or name.removeprefix("lead.") not in {*custom, "job_title"}]
    remedy = "Set `person_changelog: true` under `source:`: 20 tokens a person; organisations have none."
    if reads_persons:
        remedy = "Pipedrive has none of organisations and countries."
    return attribute_check([*of_persons, *of_companies], [*unrecorded, *of_companies], "persons' changelogs are read", remedy)


def budget(api: PipedriveApi, leads: int, source: PipedriveSource) -> CallBudget:
    """Tokens: 10 a page of 500, 20 a changelog, the participants of a deal or a person's mails, 5 a written person."""
    records = leads * (1 + 1 / 3 + DEALS_PER_LEAD + ACTIVITIES_PER_LEAD)
    sweep = leads * (1 + DEALS_PER_LEAD) / LIMIT * LIST_COST
    initial = (
        records / LIMIT * LIST_COST
        + (leads * DEALS_PER_LEAD * MOVED_SHARE * CHANGELOG_COST if source.changelog else 0)
        + sweep
        + 500
    )
    daily = records * 0.02 / LIMIT * LIST_COST + sweep + leads * DEALS_PER_LEAD * CHANGED_SHARE / 5 * CHANGELOG_COST + 150
    if source.participants:
        shared = leads * DEALS_PER_LEAD * SHARED_SHARE
        initial += shared * PARTICIPANTS_COST
        daily += shared * CHANGED_SHARE / 5 * PARTICIPANTS_COST
    if source.mails:
        initial += leads * MAILED_SHARE * MAILS_COST
        daily += leads * MAILED_PER_DAY * MAILS_COST
    limit, remaining = api.daily_tokens()
    scores = min(leads, source.write_back.most or leads)
    return CallBudget("tokens", round(initial), round(daily), scores * WRITE_COST, scores, limit or TOKENS_A_DAY, remaining)
