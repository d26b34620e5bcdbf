"""All kinds of export that are known, and what their values mean."""

from __future__ import annotations

from connectors.exports import further_crms, hubspot, marketo, pipedrive, salesforce
from connectors.exports.kinds import Export, fold

EXPORTS: tuple[Export, ...] = (
    *hubspot.EXPORTS,
    *salesforce.EXPORTS,
    *marketo.EXPORTS,
    *pipedrive.EXPORTS,
    *further_crms.EXPORTS,
)
# columns of a file that say a row was deleted
DELETED = ("isdeleted", "deleted", "geloescht", "fivetrandeleted", "archived", "ismerged", "hsisdeleted")

_WON = frozenset(
    {"won", "closed won", "closedwon", "gewonnen", "abgeschlossen und gewonnen", "gagne", "ganado", "true", "1", "yes"}
)
_LOST = frozenset({"lost", "closed lost", "closedlost", "verloren", "abgeschlossen und verloren", "perdu", "perdido"})


def deal_status(value: str) -> str | None:
    """won, lost or open by what a CRM calls a deal's status or stage; None for deleted deals.

    >>> deal_status("Closed Won"), deal_status("Abgeschlossen und verloren"), deal_status("Proposal"), deal_status("deleted")
    ('won', 'lost', 'open', None)
    """
    words = fold(value)
    if words in ("deleted", "geloescht"):
        return None
    if words in _WON or any(w in words for w in ("closed won", "gewonnen", "gagne", "ganado", "cierre ganado")):
        return "won"
    is_lost = words in _LOST or any(w in words for w in ("closed lost", "verloren", "perdu", "perdido"))
    return "lost" if is_lost else "open"
