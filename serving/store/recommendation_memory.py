"""The recommendation memory: what was recommended to whom before a moment, and since when."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from features.common.clock import NEVER
from serving.store.tables import current_scores, scores

AT_ONCE = 5_000


def before(connection: Connection, lead_ids: Sequence[str], as_of: int, known_at: int = NEVER) -> dict[str, tuple[str, int]]:
    """lead_id → the action recommended last before `as_of`, and the moment from which it was recommended without a break."""
    names = list(dict.fromkeys(lead_ids))
    found: dict[str, tuple[str, int]] = {}
    earlier: list[str] = []
    c = current_scores.c
    for begin in range(0, len(names), AT_ONCE):
        part = names[begin : begin + AT_ONCE]
        asked = select(c.lead_id, c.as_of, c.scored_at, c.action, c.action_since).where(c.lead_id.in_(part))
        for name, at, scored_at, action, since in connection.execute(asked):
            if action is not None and since < as_of and at <= as_of and scored_at <= known_at:
                found[name] = (action, since)
            else:
                earlier.append(name)
    for begin in range(0, len(earlier), AT_ONCE):
        found |= _from_history(connection, earlier[begin : begin + AT_ONCE], as_of, known_at)
    return found


def _from_history(connection: Connection, names: Sequence[str], as_of: int, known_at: int) -> dict[str, tuple[str, int]]:
    c = scores.c
    asked = (
        select(c.lead_id, c.as_of, c.action)
        .where(c.lead_id.in_(names), c.as_of < as_of, c.scored_at <= known_at)
        .order_by(c.lead_id, c.as_of, c.score_id)
    )
    found: dict[str, tuple[str, int]] = {}
    for name, at, action in connection.execute(asked):
        if name not in found or found[name][0] != action:
            found[name] = (action, at)
    return found
