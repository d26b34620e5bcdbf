"""What can be said of a Pipedrive account before anything runs."""

from __future__ import annotations

from features.sources.crm.connector import Budget, Check
from features.sources.pipedrive.api import CHANGELOG, LIMIT, LIST, WRITE, Api
from features.sources.pipedrive.settings import TOKENS_A_DAY

CHANGED = 0.05  # of the records on an ordinary day
DEALS = 0.15  # deals of a lead
MOVED = 0.7  # of the deals have moved between stages
ACTS = 12  # activities of a lead


def checks(api: Api) -> list[Check]:
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
    seen = "Pipedrive keeps the changelog of deals; that of persons is not read"
    return [*found, Check("history of stages", "good", seen)]


def budget(api: Api, leads: int, changelog: bool, most: int | None) -> Budget:
    """Tokens: 10 a page of 500, 20 a changelog, 5 a written person."""
    records = leads * (1 + 1 / 3 + DEALS + ACTS)
    first = records / LIMIT * LIST + (leads * DEALS * MOVED * CHANGELOG if changelog else 0) + 500
    sweep = leads * (1 + DEALS) / LIMIT * LIST
    daily = records * 0.02 / LIMIT * LIST + sweep + leads * DEALS * CHANGED / 5 * CHANGELOG + 150
    left = api.left()
    scores = min(leads, most or leads)
    return Budget("tokens", round(first), round(daily), scores * WRITE, scores, TOKENS_A_DAY, left)
