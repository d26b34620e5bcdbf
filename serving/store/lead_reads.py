"""Leads and their colleagues as the engine takes them, at any point in time, and as they were known then (bitemporal)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, select

from features.common.clock import NEVER
from features.dataset.funnel import Funnel
from features.engine.request import Act, LiveLead
from serving.store import recommendation_memory
from serving.store.json_values import attributes, known, unpacked
from serving.store.lead_state import Stand, standing
from serving.store.tables import attribute_changes, companies, interactions, lead_stages, leads

AT_ONCE = 5_000  # ids of one question


@dataclass(frozen=True)
class Person:
    """A stored lead at a moment. `company_changed`: nothing of the company is in `live` where the lead has none."""

    live: LiveLead
    stand: Stand
    lead_stage: str  # the exit, where it left by one
    opted_out: bool
    review_asked: bool
    version: int

    @property
    def scored(self) -> bool:
        return self.stand == "open" and not self.opted_out


@dataclass(frozen=True)
class Found:
    """The leads that were asked for, and everybody of their accounts: lead_id → person."""

    people: dict[str, Person] = field(default_factory=dict)

    def to_score(self, wanted: Iterable[str]) -> tuple[list[LiveLead], list[LiveLead]]:
        """Those of `wanted` that are scored, and all others, who count as colleagues."""
        subjects = [name for name in dict.fromkeys(wanted) if name in self.people and self.people[name].scored]
        chosen = set(subjects)
        return (
            [self.people[name].live for name in subjects],
            [person.live for name, person in self.people.items() if name not in chosen],
        )


def read(connection: Connection, funnel: Funnel, lead_ids: Sequence[str], as_of: int, *, known_at: int = NEVER) -> Found:
    """Leads as they stand at `as_of`, by all that was received until `known_at`; whom nobody knows is left out.

    Interactions at or after `as_of` are not read. Colleagues come along even where they were created later: the engine itself
    counts whom it may.
    """
    rows = _people(connection, lead_ids)
    if not rows:
        return Found()
    names = [row.lead_id for row in rows]
    accounts = sorted({row.company_id for row in rows if row.company_id is not None})
    stages = _grouped(connection, lead_stages, lead_stages.c.lead_id, names, lead_stages.c.received_at <= known_at)
    acts = _acts(connection, names, as_of, known_at)
    of_leads = _history(connection, "lead", names, as_of, known_at)
    of_companies = _history(connection, "company", accounts, as_of, known_at)
    firms = {row.company_id: attributes(row.attributes) for row in _in(connection, companies, companies.c.company_id, accounts)}
    before = recommendation_memory.before(connection, lead_ids, as_of, known_at)
    found: dict[str, Person] = {}
    for row in rows:
        told = [(change.lead_stage, change.at) for change in stages[row.lead_id]]
        where = standing(row.created_at, told, funnel, as_of)
        company = {**firms.get(row.company_id, {}), **of_companies.get(row.company_id, {})} if row.company_id else {}
        lead = LiveLead(
            row.lead_id,
            min(where.stage, len(funnel.stages) - 2),
            row.created_at,
            where.entered,
            known({**attributes(row.attributes), **of_leads.get(row.lead_id, {})}),
            row.company_id,
            known(company),
            acts.get(row.lead_id, ()),
            before.get(row.lead_id),
        )
        found[row.lead_id] = Person(lead, where.stand, where.name, row.opted_out, row.review_asked, row.version)
    return Found(found)


def _people(connection: Connection, lead_ids: Sequence[str]) -> list[Row[Any]]:
    """The rows of these leads and of everybody who shares a company with one."""
    asked = _in(connection, leads, leads.c.lead_id, list(dict.fromkeys(lead_ids)))
    accounts = sorted({row.company_id for row in asked if row.company_id is not None})
    rows = {row.lead_id: row for row in asked}
    rows |= {row.lead_id: row for row in _in(connection, leads, leads.c.company_id, accounts)}
    return [rows[name] for name in sorted(rows)]


def _in(
    connection: Connection, table: Table, column: ColumnElement[Any], values: Sequence[str], *more: ColumnElement[bool]
) -> list[Row[Any]]:
    """The rows whose column is one of the values."""
    found: list[Row[Any]] = []
    for begin in range(0, len(values), AT_ONCE):
        found += connection.execute(select(table).where(column.in_(values[begin : begin + AT_ONCE]), *more)).all()
    return found


def _grouped(
    connection: Connection, table: Table, column: ColumnElement[Any], values: Sequence[str], *more: ColumnElement[bool]
) -> dict[str, list[Row[Any]]]:
    found: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in _in(connection, table, column, values, *more):
        found[row._mapping[column]].append(row)
    return found


def _acts(connection: Connection, names: Sequence[str], as_of: int, known_at: int) -> dict[str, list[Act]]:
    """The interactions before as_of, oldest first; equal moments in the order of their ids, so that it is always the same."""
    c = interactions.c
    found: dict[str, list[Act]] = defaultdict(list)
    limits = [c.at < as_of] if known_at == NEVER else [c.at < as_of, c.received_at <= known_at]
    for begin in range(0, len(names), AT_ONCE):
        asked = select(c.lead_id, c.type, c.at, c.direction, c.value, c.content).where(
            c.lead_id.in_(names[begin : begin + AT_ONCE]), *limits
        )
        for lead_id, kind, at, direction, value, content in connection.execute(asked.order_by(c.at, c.event_id)):
            found[lead_id].append(Act(kind, at, direction, value, content))
    return found


def _history(
    connection: Connection, entity: str, names: Sequence[str], as_of: int, known_at: int
) -> dict[str, dict[str, object]]:
    """Entity → columns that have a history, with their values at as_of: None before the first change."""
    c = attribute_changes.c
    rows = _in(connection, attribute_changes, c.entity_id, names, c.entity == entity, c.received_at <= known_at)
    found: dict[str, dict[str, object]] = defaultdict(dict)
    for row in sorted(rows, key=lambda row: row.at):
        values = found[row.entity_id]
        if row.at < as_of:
            values[row.name] = unpacked(row.value)
        else:
            values.setdefault(row.name, None)
    return found
