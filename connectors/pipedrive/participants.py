"""Who takes part in a deal beside its person, deal by deal: a call each, for those alone that have several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from connectors.crm.landing import Landing
from connectors.crm.landing_tables import Row
from connectors.crm.stream import Page
from connectors.pipedrive.api import PipedriveApi

TAKE_PART = "take_part"  # column of deals: what tells whether others take part than before
READ_MARK = "read"  # in the tables of what is read by a call a record: up to which change it was


def participants_mark(deal: Mapping[str, Any]) -> str | None:
    """How many take part, and whose the deal is; None where nobody but that person does."""
    count = int(deal.get("participants_count") or 0)
    return f"{count}|{deal.get('person_id')}" if count > 1 else None


def participant_pages(api: PipedriveApi, landing: Landing, now: datetime) -> Iterator[Page]:
    """The people of every deal that has several, or had: each is read again once their number or its person changed."""
    marks = landing.pairs("deals", TAKE_PART)
    read_marks = landing.pairs("participations", READ_MARK)
    todo = [name for name in {**marks, **read_marks} if read_marks.get(name) != marks.get(name, "")]
    for index, name in enumerate(todo):
        people = [str(record["id"]) for record in api.participants(name)] if name in marks else []
        known_rows = set(landing.ids_where("deal_people", "deal", [name]))
        rows: list[Row] = [{"_id": f"{name}|{person}", "deal": name, "person": person} for person in people]
        ended_rows = known_rows - {str(row["_id"]) for row in rows}
        rows += [{"_id": row, "deal": name, "person": row.partition("|")[2], "_gone_at": now} for row in sorted(ended_rows)]
        mark = {"_id": name, READ_MARK: marks.get(name, "")}
        yield Page({"deal_people": rows, "participations": [mark]}, {"read": True}, index + 1, len(todo))
