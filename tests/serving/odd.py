"""A lead as the example of the API has it, with something odd about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from serving.schemas.score import EXAMPLE

NOW = datetime(2026, 7, 1, tzinfo=UTC)  # of the server that `client` asks


def lead(**changes: Any) -> dict[str, Any]:
    return {**EXAMPLE["leads"][0], **changes}


def act(**changes: Any) -> dict[str, Any]:
    return {"interactions": [{"type": "page_view", "at": "2026-06-01T00:00:00Z", **changes}]}
