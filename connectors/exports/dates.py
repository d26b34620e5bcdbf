"""In which formats the dates of a file are written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

FORMATS = (
    *("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y, %H:%M", "%d.%m.%Y", "%d.%m.%y %H:%M", "%d.%m.%y"),
    *("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y, %H:%M", "%d/%m/%Y", "%d/%m/%y %H:%M", "%d/%m/%y"),
    *("%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d-%m-%Y", "%d-%m-%y"),
    *("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%m/%d/%Y, %I:%M %p", "%m/%d/%Y"),
    *("%m/%d/%y %H:%M", "%m/%d/%y %I:%M %p", "%m/%d/%y", "%m-%d-%Y %H:%M", "%m-%d-%Y", "%m-%d-%y"),
    *("%b %d, %Y %I:%M %p", "%b %d, %Y", "%B %d, %Y", "%d %b %Y %H:%M", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y"),
    *("%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S.%f UTC"),
)
_DAY_FIRST = [f for f in FORMATS if "%m/%d" not in f and "%m-%d-" not in f]
_MONTH_FIRST = [f for f in FORMATS if "%d/%m" not in f and "%d-%m" not in f]


def date_formats(values: Sequence[str], before: Sequence[str] = ()) -> tuple[list[str], str, list[str]]:
    """The formats the values are written in, empty for ISO 8601; what is doubtful about them; the values that are no date.

    `before`: formats that are known of the file. Where day and month cannot be told apart day/month is taken, and told.

    >>> date_formats(["31.12.2025 14:00", "01.02.2026", "open"])
    (['%d.%m.%Y %H:%M', '%d.%m.%Y'], '', ['open'])
    >>> date_formats(["2026-01-01"])
    ([], '', [])
    """
    distinct = list(dict.fromkeys(values))
    if distinct and (epoch := _epoch(distinct)):
        return [epoch], "", []
    non_iso = [v for v in distinct if not _is_iso(v)]
    if not non_iso:
        return [], "", []
    day_first, month_first = (_covering(non_iso, [*before, *formats]) for formats in (_DAY_FIRST, _MONTH_FIRST))
    formats, unread = day_first if len(day_first[1]) <= len(month_first[1]) else month_first
    doubt = ""
    if formats and day_first[0] != month_first[0] and len(day_first[1]) == len(month_first[1]) and not before:
        example = next(
            v for v in non_iso if v not in unread and any(_fits(v, f) for f in day_first[0] if f in month_first[0] or "d" in f)
        )
        doubt = f"{example!r} could be day/month or month/day; day/month was taken"
    return formats, doubt, unread


def _epoch(values: Sequence[str]) -> str | None:
    lengths = {len(v) for v in values if v.isdigit()} if all(v.isdigit() for v in values) else set()
    return {10: "epoch_s", 13: "epoch_ms"}.get(lengths.pop()) if len(lengths) == 1 else None


def _covering(values: Iterable[str], formats: Sequence[str]) -> tuple[list[str], list[str]]:
    """The formats that are needed, and the values that none of them reads."""
    used: list[str] = []
    unread = []
    for value in values:
        form = next((f for f in used if _fits(value, f)), None) or next((f for f in formats if _fits(value, f)), None)
        if form is None:
            unread.append(value)
        elif form not in used:
            used.append(form)
    return used, unread


def _fits(value: str, form: str) -> bool:
    try:
        datetime.strptime(value, form)  # noqa: DTZ007  only whether it can be read
    except ValueError:
        return False
    return True


def _is_iso(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
