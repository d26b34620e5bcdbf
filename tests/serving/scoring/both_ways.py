"""A request read both ways, the quick one and the usual one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from features.dataset.funnel import Funnel
from serving.http.errors import RefusedError
from serving.schemas.score import EXAMPLE
from serving.scoring.quick import quick
from serving.scoring.request import Parsed
from serving.scoring.request import read as usual

FUNNEL = Funnel()


NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def plain(parsed: Parsed) -> dict[str, Any]:
    """All of it, with lists in place of columns and types that are told apart (1, 1.0 and True are equal)."""
    leads = [
        [
            [x.lead_id, x.stage, x.created, x.entered, repr(x.attributes), x.company_id, repr(x.company), x.recommended],
            [repr(act) for act in x.interactions],
        ]
        for x in (*parsed.leads, *parsed.context)
    ]
    return {**vars(parsed), "leads": leads, "context": len(parsed.context)}


def agree(body: bytes) -> bool:
    """Whether the quick way took it; if so it has what the usual way has."""
    found = quick(body, FUNNEL, NOW)
    if found is not None:
        assert plain(found) == plain(usual(body, FUNNEL, NOW))
    return found is not None


def changed(**more: Any) -> bytes:
    """The example with one lead's fields replaced."""
    return json.dumps({**EXAMPLE, "leads": [{**EXAMPLE["leads"][0], **more}]}).encode()


def agree_or_refused(body: bytes) -> None:
    """What the usual way refuses the quick one never takes."""
    try:
        wanted = plain(usual(body, FUNNEL, NOW))
    except RefusedError:
        assert quick(body, FUNNEL, NOW) is None
        return
    found = quick(body, FUNNEL, NOW)
    assert found is None or plain(found) == wanted
