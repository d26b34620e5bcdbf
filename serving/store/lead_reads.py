"""Leads and their colleagues as the engine takes them, at any point in time, and as they were known then (bitemporal)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection

from features.common.clock import NO_MOMENT
from features.dataset.funnel import Funnel
from features.engine.request import InteractionColumns, RequestLead
from serving.store import recommendation_memory
from serving.store.interaction_reads import read_interactions
from serving.store.json_values import attributes, drop_missing, json_list, json_value, unpacked
from serving.store.lead_state import LeadState, LeadStatus, lead_states
from serving.store.store import EXTRACTED, LIVE, moment_of_facts

CHUNK = 5_000  # ids of one question
# what the databases call the same: ids that are asked for, an array of values, one of rows, its text
_WORDS = {
    "sqlite": ("SELECT value FROM json_each(:ids)", "json_array", "json_group_array", ""),
    "postgresql": ("SELECT unnest(%(ids)s::text[])", "json_build_array", "json_agg", "::text"),
}
# a lead with all that is told of it, its colleagues and what the store remembers: one row each, so that one question is enough
_PEOPLE = """
WITH requested AS ({ids}), accounts AS (
  SELECT company_id FROM leads WHERE lead_id IN (SELECT * FROM requested) AND company_id IS NOT NULL
)
SELECT l.lead_id, l.company_id, l.created_at, l.opted_out, l.review_asked, l.attributes, l.version, c.attributes,
  (SELECT {group}({array}(s.lead_stage, s.at, s.received_at)){text} FROM lead_stages s WHERE s.lead_id = l.lead_id),
  (SELECT {group}({array}(w.lead_stage, w.at, w.received_at, w.withdrawn_at)){text}
    FROM withdrawn_lead_stages w WHERE w.lead_id = l.lead_id),
  (SELECT {group}({array}(a.name, a.at, a.value, a.received_at)){text}
    FROM attribute_changes a WHERE a.entity = 'lead' AND a.entity_id = l.lead_id),
  (SELECT {group}({array}(a.name, a.at, a.value, a.received_at)){text}
    FROM attribute_changes a WHERE a.entity = 'company' AND a.entity_id = l.company_id),
  (SELECT {array}(x.as_of, x.scored_at, x.action, x.action_since,
      (SELECT min(h.as_of) FROM scores h WHERE h.lead_id = l.lead_id)){text}
    FROM current_scores x WHERE x.lead_id = l.lead_id),
  (SELECT {group}({array}(f.name, f.value)){text} FROM facts f WHERE f.name IN ('{live}', '{extracted}'))
FROM leads l LEFT JOIN companies c ON c.company_id = l.company_id
WHERE l.lead_id IN (
  SELECT * FROM requested UNION SELECT p.lead_id FROM leads p WHERE p.company_id IN (SELECT company_id FROM accounts)
)
"""


@dataclass(frozen=True)
class Person:
    """A stored lead at a moment; nothing of a company is in `live` where the lead has none."""

    live: RequestLead
    status: LeadStatus
    lead_stage: str  # the exit, where it left by one
    opted_out: bool
    review_asked: bool
    version: int

    @property
    def scored(self) -> bool:
        return self.status == "open" and not self.opted_out


@dataclass(frozen=True)
class StoredLeads:
    """The leads that were asked for, and everybody of their accounts, lead_id → person, as of a moment."""

    people: dict[str, Person] = field(default_factory=dict)
    as_of: int = NO_MOMENT

    def to_score(self, lead_ids: Iterable[str]) -> tuple[list[RequestLead], list[RequestLead]]:
        """Those of `lead_ids` that are scored, and all others, who count as colleagues."""
        subjects = [name for name in dict.fromkeys(lead_ids) if name in self.people and self.people[name].scored]
        chosen = set(subjects)
        return (
            [self.people[name].live for name in subjects],
            [person.live for name, person in self.people.items() if name not in chosen],
        )


class _Row(NamedTuple):
    """What the store knows of a lead; what was put together is JSON text, None where there is nothing."""

    lead_id: str
    company_id: str | None
    created_at: int
    opted_out: bool
    review_asked: bool
    attributes: str
    version: int
    company: str | None
    stages: str | None
    withdrawn: str | None
    changes: str | None
    company_changes: str | None
    current: str | None
    facts: str | None


def read(
    connection: Connection,
    funnel: Funnel,
    lead_ids: Sequence[str],
    as_of: int | None,
    *,
    known_at: int = NO_MOMENT,
    now: int = NO_MOMENT,
    only_scored: bool = False,
) -> StoredLeads:
    """Leads as they stand at `as_of`, by all that was received until `known_at`; whom nobody knows is left out. Without `as_of`
    it is the moment at which leads are looked at `now`. `only_scored`: of accounts in which nobody is to be scored neither
    interactions nor attributes are read.

    Interactions at or after `as_of` are not read. Colleagues come along even where they were created later: the engine itself
    counts whom it may.
    """
    rows = _people(connection, lead_ids)
    if not rows:
        return StoredLeads()
    moment = moment_of_facts({name: int(value) for name, value in _array(rows[0].facts)}, now) if as_of is None else as_of
    states = lead_states([row.created_at for row in rows], [_changes(row, known_at) for row in rows], funnel, moment)
    names = set(_in_scored_accounts(rows, states) if only_scored else [row.lead_id for row in rows])
    interactions = read_interactions(connection, sorted(names), moment, known_at)
    current = {row.lead_id: json_value(row.current) for row in rows if row.current}
    recommendations = recommendation_memory.recommended_before(connection, lead_ids, current, moment, known_at)
    people: dict[str, Person] = {}
    firms: dict[str, dict[str, object]] = {}
    nothing = InteractionColumns.from_interactions(())
    for row, state in zip(rows, states, strict=True):
        is_read = row.lead_id in names
        if is_read and row.company_id and row.company_id not in firms:
            firms[row.company_id] = _values(row.company or "{}", row.company_changes, moment, known_at)
        lead = RequestLead(
            row.lead_id,
            min(state.stage, len(funnel.stages) - 2),
            row.created_at,
            state.entered,
            _values(row.attributes, row.changes, moment, known_at) if is_read else {},
            row.company_id,
            firms.get(row.company_id or "", {}),
            interactions.get(row.lead_id, nothing),
            recommendations.get(row.lead_id),
        )
        people[row.lead_id] = Person(lead, state.status, state.name, bool(row.opted_out), bool(row.review_asked), row.version)
    return StoredLeads(people, moment)


def _in_scored_accounts(rows: Sequence[_Row], states: Sequence[LeadState]) -> list[str]:
    """Everybody of the accounts in which somebody is to be scored."""
    accounts = [row.company_id or f"l:{row.lead_id}" for row in rows]
    scored = {
        account
        for account, row, state in zip(accounts, rows, states, strict=True)
        if state.status == "open" and not row.opted_out
    }
    return [row.lead_id for row, account in zip(rows, accounts, strict=True) if account in scored]


def _people(connection: Connection, lead_ids: Sequence[str]) -> list[_Row]:
    """The rows of these leads and of everybody who shares a company with one, in the order of their ids."""
    names, dialect = list(dict.fromkeys(lead_ids)), connection.dialect.name
    rows: dict[str, _Row] = {}
    for begin in range(0, len(names), CHUNK):
        part = names[begin : begin + CHUNK]
        parameters = {"ids": part if dialect == "postgresql" else json_list(part)}
        rows |= {row[0]: _Row(*row) for row in connection.exec_driver_sql(_people_query(dialect), parameters)}
    return [rows[name] for name in sorted(rows)]


@cache
def _people_query(dialect: str) -> str:
    ids, array, group, text = _WORDS[dialect]
    return _PEOPLE.format(ids=ids, array=array, group=group, text=text, live=LIVE, extracted=EXTRACTED)


def _array(text: str | None) -> list[Any]:
    return json_value(text) if text else []


def _changes(row: _Row, known_at: int) -> list[tuple[str, int]]:
    """Lead stages and exits by what was known; what was taken back later was known then."""
    standing = [(stage, at) for stage, at, received_at in _array(row.stages) if received_at <= known_at]
    if known_at == NO_MOMENT:
        return standing
    return standing + [
        (stage, at) for stage, at, received_at, withdrawn_at in _array(row.withdrawn) if received_at <= known_at < withdrawn_at
    ]


def _values(text: str, changes: str | None, as_of: int, known_at: int) -> dict[str, object]:
    """Attributes at a moment: what was known first, and of columns that have a history their value then, None before the first
    change."""
    values = attributes(text)
    by_column: dict[str, object] = {}
    for name, at, value, received_at in sorted(_array(changes), key=lambda change: change[1]):
        if received_at > known_at:
            continue
        if at < as_of:
            by_column[name] = unpacked(value)
        else:
            by_column.setdefault(name, None)
    return drop_missing(values | by_column)
