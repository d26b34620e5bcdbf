"""Bulk exports of Marketo: the months they are asked for by, and one part of an export while it is fetched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connectors.crm.landing_tables import Row
from connectors.crm.moments import iso
from connectors.crm.stream import Page

MONTH = timedelta(days=30)  # an export may span 31 days
Tables = dict[str, list[Row]]


@dataclass(frozen=True)
class ExportPart:
    """Rows of exports; where a month is whole, its end and the jobs that are queued behind it."""

    rows: list[dict[str, str | None]]
    position: datetime | None = None
    jobs: Mapping[str, str] = field(default_factory=dict)
    urgent: bool = False

    def page(self, tables: Tables, span: tuple[datetime, datetime], resume_cursor: Callable[[str], dict[str, Any]]) -> Page:
        days = (span[1] - span[0]).days
        if self.position is None:
            return Page(tables, None, None, days)
        return Page(
            tables,
            {**resume_cursor(iso(self.position)), "jobs": self.jobs},
            (self.position - span[0]).days,
            days,
            urgent=self.urgent,
        )


def by_month(begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The span in parts of at most a `MONTH`, in order, without a gap."""
    while begin < end:
        yield begin, min(begin + MONTH, end)
        begin += MONTH
