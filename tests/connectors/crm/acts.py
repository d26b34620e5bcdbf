"""What a lead of a dataset did."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from tests.connectors.crm.crms import Site

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)


def types(here: Site, lead: str) -> Counter[str]:
    acts = here.dataset.interactions
    return Counter(acts[acts["lead_id"].astype(str) == lead]["type"].astype(str))


def moments(here: Site, lead: str, kind: str) -> list[datetime]:
    acts = here.dataset.interactions
    return sorted(acts[(acts["lead_id"].astype(str) == lead) & (acts["type"] == kind)]["at"].tolist())
