"""The recommendation memory: what was recommended to whom before a moment, and since when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select

from features.common.clock import NO_MOMENT
from serving.store.tables import scores

CHUNK = 5_000


def recommended_before(
    connection: Connection,
    lead_ids: Sequence[str],
    current: Mapping[str, tuple[int, int, str | None, int | None, int | None]],
    as_of: int,
    known_at: int = NO_MOMENT,
) -> dict[str, tuple[str, int]]:
    """lead_id → the action recommended last before `as_of`, and the moment from which it was recommended without a break.
    `current`: of leads that were scored, the newest score's as_of, scored_at, action and since when it is recommended, and the
    as_of of the first score that is kept."""
    recommendations: dict[str, tuple[str, int]] = {}
    earlier: list[str] = []
    for name in dict.fromkeys(lead_ids):
        if name not in current:
            continue
        moment, scored_at, action, action_since, first_scored = current[name]
        if (
            action is not None
            and action_since is not None
            and action_since < as_of
            and moment <= as_of
            and scored_at <= known_at
        ):
            recommendations[name] = (action, action_since)
        elif first_scored is not None and first_scored < as_of:
            earlier.append(name)
    for begin in range(0, len(earlier), CHUNK):
        recommendations |= _from_history(connection, earlier[begin : begin + CHUNK], as_of, known_at)
    return recommendations


def _from_history(connection: Connection, names: Sequence[str], as_of: int, known_at: int) -> dict[str, tuple[str, int]]:
    c = scores.c
    query = (
        select(c.lead_id, c.as_of, c.action)
        .where(c.lead_id.in_(names), c.as_of < as_of, c.scored_at <= known_at)
        .order_by(c.lead_id, c.as_of, c.score_id)
    )
    recommendations: dict[str, tuple[str, int]] = {}
    for name, moment, action in connection.execute(query):
        if name not in recommendations or recommendations[name][0] != action:
            recommendations[name] = (action, moment)
    return recommendations
