"""What can be said of a Pipedrive account before anything runs."""

from __future__ import annotations

from connectors.crm.connector import Budget, Check
from connectors.pipedrive.api import CHANGELOG, LIMIT, LIST, MAILS, WRITE, Api
from connectors.pipedrive.settings import TOKENS_A_DAY

CHANGED = 0.05  # of the records on an ordinary day
DEALS = 0.15  # deals of a lead
MOVED = 0.7  # of the deals have moved between stages
ACTS = 12  # activities of a lead
MAILED, MAILED_A_DAY = 0.3, 0.005  # of the leads have mails, have new ones on an ordinary day


def checks(api: Api, mails: bool) -> list[Check]:
    """Credentials and what the token's user may see."""
    why = api.can(f"{api.v2}/persons")
    if why:
        return [Check("token", "bad", why, "Take the API token from Personal preferences → API.")]
    found = [Check("token", "good", "persons can be read")]
    for what, path, standing in (
        ("organizations", f"{api.v2}/organizations", "bad"),
        ("deals", f"{api.v2}/deals", "bad"),
        ("archived deals", f"{api.v2}/deals/archived", "warning"),
        ("activities", f"{api.v2}/activities", "warning"),
        ("leads inbox", f"{api.v1}/leads", "warning"),
    ):
        why = api.can(path)
        bad = Check(what, "bad" if standing == "bad" else "warning", why or "", "Give the user access to it.")
        found.append(bad if why else Check(what, "good", "can be read"))
    if mails:
        some = api.http.get(f"{api.v2}/persons", {"limit": 1}).body["data"]
        why = api.can(f"{api.v1}/persons/{some[0]['id']}/mailMessages") if some else None
        refused = Check("mails", "warning", why or "", "Their interactions will be missing: an OAuth app needs mail:read.")
        found.append(refused if why else Check("mails", "good", "can be read"))
    seen = "Pipedrive keeps the changelog of deals; that of persons is not read"
    return [*found, Check("history of stages", "good", seen)]


def budget(api: Api, leads: int, changelog: bool, mails: bool, most: int | None) -> Budget:
    """Tokens: 10 a page of 500, 20 a changelog or a person's mails, 5 a written person."""
    records = leads * (1 + 1 / 3 + DEALS + ACTS)
    sweep = leads * (1 + DEALS) / LIMIT * LIST
    first = records / LIMIT * LIST + (leads * DEALS * MOVED * CHANGELOG if changelog else 0) + sweep + 500
    daily = records * 0.02 / LIMIT * LIST + sweep + leads * DEALS * CHANGED / 5 * CHANGELOG + 150
    if mails:
        first += leads * MAILED * MAILS
        daily += leads * MAILED_A_DAY * MAILS
    left = api.left()
    scores = min(leads, most or leads)
    return Budget("tokens", round(first), round(daily), scores * WRITE, scores, TOKENS_A_DAY, left)
