"""Which column has the day on which the outcome of a flat file came: it is filled where there is an outcome, not elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from connectors.exports.kinds import fold
from connectors.exports.outcome import OutcomeColumn
from connectors.exports.recognise import ExportMatch

ENOUGH = 0.9  # of the rows with a yes have a day
STRAY = 0.02  # of the days may stand elsewhere
OTHER_DAYS = re.compile(  # on which something else happened
    r"\b(?:last|latest|letzte\w*|updated?|modified|changed|geaendert|next|birth\w*|geburt\w*|due|follow|expected|expir\w*|"
    r"letzter|zuletzt|activity|aktivitaet|login|email|call|contact(?:ed)?|modifi\w*|derniere?|ultim[oa])\b"
)
_DAY_WORDS = re.compile(r"\b(?:date|datum|day|at|on|time|am|de|du|le|el|of|fecha|data|since|seit|entered|reached|changed)\b")


@dataclass(frozen=True)
class OutcomeDay:
    """The `header` of the column and the sentence `why` it is that."""

    header: str
    why: str


def outcome_day(match: ExportMatch, outcome: OutcomeColumn, used: Sequence[str]) -> OutcomeDay | None:
    """The column of the day on which the outcome came, if there is one among those of days that are not `used`."""
    headers = [
        p.header
        for p in match.profiles.values()
        if p.kind == "date" and p.header not in used and not OTHER_DAYS.search(fold(p.header))
    ]
    if not headers:
        return None
    table = pa.concat_tables(match.file.blocks([outcome.header, *headers], {}))
    texts = table.column(outcome.header).cast(pa.string())
    yes, no = (pc.fill_null(pc.is_in(texts, value_set=pa.array(v, pa.string())), False) for v in (outcome.yes, outcome.no))
    ended = pc.or_(yes, no)
    own_words = set(_DAY_WORDS.sub(" ", fold(outcome.header)).split())
    for header in headers:
        filled = pc.is_valid(table.column(header))
        of_yes, of_open, of_no = (_count(pc.and_(filled, rows)) for rows in (yes, pc.invert(ended), no))
        rows_of_yes, days = _count(yes), _count(filled)
        if not rows_of_yes or of_yes < ENOUGH * rows_of_yes:
            continue
        if of_open + of_no <= STRAY * days:
            return OutcomeDay(header, f"filled where {outcome.header!r} is a yes, and not elsewhere")
        if days < len(table) and of_open <= STRAY * days:
            return OutcomeDay(header, f"filled where {outcome.header!r} is a yes or a no, and not where it is open")
        if own_words and own_words <= set(_DAY_WORDS.sub(" ", fold(header)).split()):
            return OutcomeDay(header, f"called as {outcome.header!r} is")
    return None


def _count(mask: pa.ChunkedArray) -> int:
    return int(pc.sum(mask).as_py() or 0)
