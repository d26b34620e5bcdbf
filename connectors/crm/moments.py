"""Vendors' times → UTC, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(value: object) -> datetime | None:
    """ISO 8601 text, a day, or milliseconds since 1970 (text or number) → UTC; None for nothing and for what is no time.

    >>> moment("2026-03-31T14:00:00.000+0000") == moment("2026-03-31T14:00:00Z") == moment(1774965600000)
    True
    """
    if value is None or value == "":
        return None
    try:
        if isinstance(value, int | float) or (isinstance(value, str) and value.lstrip("-").isdigit() and len(value) >= 11):
            return EPOCH + timedelta(milliseconds=float(value))
        parsed = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError):
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def milliseconds(time: datetime) -> int:
    """Whole milliseconds since 1970."""
    return (time - EPOCH) // timedelta(milliseconds=1)


def iso(time: datetime) -> str:
    """As vendors write it: 2026-03-31T14:00:00.000Z."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}Z"
