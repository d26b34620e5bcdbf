"""Mail scanners (bots): opens and clicks that no person made, recognised from the history itself.

Security software opens a mail as it is delivered and follows every link in it at once. Such rows stay in the dataset and are
left out of the history index, so neither rules nor features see them. Whether a row is a scanner's is decided from rows of the
same lead at or before it, so nothing that comes later can change what was known.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from features.common.clock import DAY, NO_MOMENT
from features.common.compiled import exact
from features.common.threads import side_by_side
from features.engine.index import HistoryIndex

SECOND = DAY // 86_400
OPENED_WITHIN = 10 * SECOND  # of delivery; people get a notification, take the phone and unlock it
CLICKED_WITHIN = 15 * SECOND  # of delivery; they also read
BURST, BURST_WITHIN = 2, 5 * SECOND  # so many clicks just before this one: every link at once

ROLES = ("sent", "opened", "clicked")
_MAIL = re.compile(r"mail|newsletter", re.IGNORECASE)
_WORDS = {
    "sent": re.compile(r"sent|send|deliver|versendet|versand|gesendet|zugestellt", re.IGNORECASE),
    "opened": re.compile(r"open|geöffnet|geoeffnet|öffnung", re.IGNORECASE),
    "clicked": re.compile(r"click|klick", re.IGNORECASE),
}

SENT, OPENED, CLICKED = 1, 2, 3  # 1 + the place in ROLES

Flags = npt.NDArray[np.bool_]


def mail_role(type_name: str) -> str:
    """What an interaction type is to a mail: "sent", "opened", "clicked" or "", by the words in its name.

    >>> [mail_role(t) for t in ("email_opened", "Click Email", "Newsletter zugestellt", "ad_clicked", "page_view")]
    ['opened', 'clicked', 'sent', '', '']
    """
    if not _MAIL.search(type_name):
        return ""
    return next((role for role, words in reversed(_WORDS.items()) if words.search(type_name)), "")


def mail_roles(types: Sequence[str]) -> tuple[str, ...]:
    """The role of each type, in their order."""
    return tuple(mail_role(name) for name in types)


@cache
def _table(roles: tuple[str, ...]) -> npt.NDArray[np.int8]:
    """Type code → 0, or 1 + the place of its role in `ROLES`; the two codes after the last are those of all other types."""
    return np.array([1 + ROLES.index(role) if role else 0 for role in (*roles, "", "")], np.int8)


def scanner_mask(history: HistoryIndex, roles: Sequence[str], threads: int = 1) -> Flags:
    """Which rows (n,) of the index mail scanners made; `roles` (types,) as `mail_roles` gives them.

    An open within `OPENED_WITHIN` of the latest mail sent to the lead, a click within `CLICKED_WITHIN`, or a click after
    `BURST` others within `BURST_WITHIN`. Without rows of mails sent only bursts are recognised.
    """
    out = np.zeros(len(history), bool)
    if roles and len(history):
        table = _table(tuple(roles))
        starts = [history.start[begin : end + 1] for begin, end in history.parts(threads)]
        side_by_side(lambda start: _mark_scanners(start, history.time, history.kind, table, out), starts, threads)
    return out


@exact
def _mark_scanners(start: Any, time: Any, kind: Any, role: Any, out: Any) -> None:
    clicks = np.empty(BURST, np.int64)  # the latest ones
    for lead in range(len(start) - 1):
        sent, next_row, clicked = NO_MOMENT, start[lead], 0
        for k in range(start[lead], start[lead + 1]):
            # rows of one moment have no order among them, so a mail of the same moment was sent before
            while next_row < start[lead + 1] and time[next_row] <= time[k]:
                if role[kind[next_row] // 3] == SENT:
                    sent = time[next_row]
                next_row += 1
            code = role[kind[k] // 3]
            if code <= SENT:
                continue
            out[k] = sent != NO_MOMENT and time[k] - sent < (OPENED_WITHIN if code == OPENED else CLICKED_WITHIN)
            if code == CLICKED:
                if clicked >= BURST and time[k] - clicks[clicked % BURST] <= BURST_WITHIN:
                    out[k] = True
                clicks[clicked % BURST] = time[k]
                clicked += 1


def drop_rows(history: HistoryIndex, unwanted: Flags, threads: int = 1) -> HistoryIndex:
    """The index without these rows."""
    if not unwanted.any():
        return history
    start = np.zeros_like(history.start)
    _count_starts(history.start, unwanted, start)
    index = HistoryIndex.allocate(start)
    source_columns = (history.start, history.time, history.kind, history.value, history.content)
    target_columns = (index.time, index.kind, index.value, index.content)
    parts = history.parts(threads)
    side_by_side(lambda part: _copy(unwanted, *source_columns, start, *target_columns, *part), parts, threads)
    return index


@exact
def _count_starts(start: Any, unwanted: Any, out: Any) -> None:
    """Where each lead's rows begin without the unwanted ones."""
    for lead in range(len(start) - 1):
        rows = 0
        for k in range(start[lead], start[lead + 1]):
            rows += not unwanted[k]
        out[lead + 1] = out[lead] + rows


@exact
def _copy(  # noqa: PLR0917  columns, as they come and as they go
    unwanted: Any, start: Any, time: Any, kind: Any, value: Any, content: Any, start_: Any, time_: Any, kind_: Any, value_: Any,
    content_: Any, lead_begin: int, lead_end: int,
) -> None:  # fmt: skip
    """The rows that are wanted, of the leads from `lead_begin` to before `lead_end`."""
    row = start_[lead_begin]
    for k in range(start[lead_begin], start[lead_end]):
        if not unwanted[k]:
            time_[row], kind_[row], value_[row], content_[row] = time[k], kind[k], value[k], content[k]
            row += 1
