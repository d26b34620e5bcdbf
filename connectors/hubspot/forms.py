"""What people sent through HubSpot's forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from connectors.crm.keys import mail_key
from connectors.crm.landing import Landing
from connectors.crm.landing_tables import Row
from connectors.crm.moments import milliseconds, moment
from connectors.crm.stream import Page, changed_rows
from connectors.hubspot.activities import LATENESS, LIST_PAGE, hash_recent
from connectors.hubspot.api import HubSpotApi, next_cursor

FORM_TYPES = ("hubspot", "captured", "flow")  # all but comments on blogs; unasked HubSpot lists its own forms alone
SUBMISSION_PAGE = 50
MARK, MOVED = "contacts", "moved"  # in the cursor: up to where contacts had been read, and since when (ms)


class Forms:
    """What was sent through forms, a call a form, newest first, back to a little before what the last run saw.

    Whoever sends a form is a contact that is modified by it: where none was for a while (`mark`: up to where contacts are read
    by now), no form is asked.
    """

    def __init__(self, api: HubSpotApi, landing: Landing, history_start: datetime, mark: Callable[[], Any]) -> None:
        self.api, self.landing, self.history_start, self.mark = api, landing, history_start, mark

    def due(self, cursor: Any) -> bool:
        """May there be something new? A form may be listed a little later than its contact."""
        moved = not cursor or MOVED not in cursor or cursor[MARK] != self.mark()
        return moved or self.api.server_now() - int(cursor[MOVED]) < LATENESS

    def read(self, cursor: Any) -> Iterator[Page]:
        """Pages from `cursor` on."""
        newest_by_form: dict[str, int] = dict((cursor or {}).get("newest", {}))
        form_list = list(self.api.list_rows("/marketing/v3/forms", LIST_PAGE, formTypes=list(FORM_TYPES)))
        for number, form in enumerate(form_list):
            guid = str(form["id"])
            newest = newest_by_form.get(guid, milliseconds(self.history_start) - 1)
            floor = newest - LATENESS if guid in newest_by_form else newest
            for rows, page_newest in _submissions(self.api, self.landing, form, floor):
                newest = max(newest, page_newest)
                fresh_rows = (
                    changed_rows(self.landing, "activities", rows, frozenset())
                    if guid in newest_by_form
                    else hash_recent(rows, 0)
                )
                yield Page({"activities": fresh_rows}, None, number, len(form_list))
            newest_by_form = {**newest_by_form, guid: newest}
            yield Page({}, {"newest": newest_by_form}, number + 1, len(form_list))
        same = MOVED in (cursor or {}) and cursor[MARK] == self.mark()
        moved = cursor[MOVED] if same else self.api.server_now()
        yield Page({}, {"newest": newest_by_form, MARK: self.mark(), MOVED: moved})


def _submissions(api: HubSpotApi, landing: Landing, form: Mapping[str, Any], floor: int) -> Iterator[tuple[list[Row], int]]:
    """Rows newer than `floor` (ms), and the newest moment among them, page by page (cursor pagination)."""
    page_cursor: str | None = None
    while True:
        path = f"/form-integrations/v1/submissions/forms/{form['id']}"
        body = api.http.get(path, {"limit": SUBMISSION_PAGE, **({"after": page_cursor} if page_cursor else {})}).body
        rows, newest = [], floor
        for submission in body["results"]:
            submitted_at = int(submission["submittedAt"])
            if submitted_at <= floor:
                continue
            newest = max(newest, submitted_at)
            key = mail_key(
                next((str(v.get("value")) for v in submission.get("values", []) if v.get("name") == "email"), None),
                landing.salt,
            )
            rows.append(
                {
                    "_id": f"form|{form['id']}|{submission.get('conversionId') or f'{submitted_at}|{key}'}",
                    "email_key": key,
                    "type": f"form: {form.get('name', '')}",
                    "at": moment(submitted_at),
                    "content": str(form.get("name", "")) or None,
                    "direction": "in",
                }
            )
        yield rows, newest
        page_cursor = next_cursor(body)
        if page_cursor is None or len(rows) < len(body["results"]):
            return
