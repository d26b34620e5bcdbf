"""Leads and their colleagues as the engine takes them, at any point in time, and as they were known then (bitemporal)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, select

from features.common.clock import NO_MOMENT
from features.dataset.funnel import Funnel
from features.dataset.repeats import distinct
from features.engine.request import Interaction, RequestLead
from serving.store import recommendation_memory
from serving.store.json_values import attributes, drop_missing, unpacked
from serving.store.lead_state import LeadStatus, lead_states
from serving.store.tables import attribute_changes, companies, interactions, lead_stages, leads, withdrawn_lead_stages

CHUNK = 5_000  # ids of one question


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
    """The leads that were asked for, and everybody of their accounts: lead_id → person."""

    people: dict[str, Person] = field(default_factory=dict)

    def to_score(self, lead_ids: Iterable[str]) -> tuple[list[RequestLead], list[RequestLead]]:
        """Those of `lead_ids` that are scored, and all others, who count as colleagues."""
        subjects = [name for name in dict.fromkeys(lead_ids) if name in self.people and self.people[name].scored]
        chosen = set(subjects)
        return (
            [self.people[name].live for name in subjects],
            [person.live for name, person in self.people.items() if name not in chosen],
        )


def read(
    connection: Connection, funnel: Funnel, lead_ids: Sequence[str], as_of: int, *, known_at: int = NO_MOMENT
) -> StoredLeads:
    """Leads as they stand at `as_of`, by all that was received until `known_at`; whom nobody knows is left out.

    Interactions at or after `as_of` are not read. Colleagues come along even where they were created later: the engine itself
    counts whom it may.
    """
    rows = _people(connection, lead_ids)
    if not rows:
        return StoredLeads()
    names = [row.lead_id for row in rows]
    accounts = sorted({row.company_id for row in rows if row.company_id is not None})
    stages = _grouped(connection, lead_stages, lead_stages.c.lead_id, names, lead_stages.c.received_at <= known_at)
    if known_at != NO_MOMENT:  # what was taken back later was known then
        w = withdrawn_lead_stages.c
        for lead_id, group in _grouped(
            connection, withdrawn_lead_stages, w.lead_id, names, w.received_at <= known_at, w.withdrawn_at > known_at
        ).items():
            stages[lead_id] += group
    interactions_by_lead = _interactions(connection, names, as_of, known_at)
    lead_history = _history(connection, "lead", names, as_of, known_at)
    company_history = _history(connection, "company", accounts, as_of, known_at)
    firms = {
        row.company_id: attributes(row.attributes)
        for row in _select_in(connection, companies, companies.c.company_id, accounts)
    }
    recommendations = recommendation_memory.recommended_before(connection, lead_ids, as_of, known_at)
    changes = [[(change.lead_stage, change.at) for change in stages[row.lead_id]] for row in rows]
    states = lead_states([row.created_at for row in rows], changes, funnel, as_of)
    people: dict[str, Person] = {}
    for row, state in zip(rows, states, strict=True):
        company = {**firms.get(row.company_id, {}), **company_history.get(row.company_id, {})} if row.company_id else {}
        lead = RequestLead(
            row.lead_id,
            min(state.stage, len(funnel.stages) - 2),
            row.created_at,
            state.entered,
            drop_missing({**attributes(row.attributes), **lead_history.get(row.lead_id, {})}),
            row.company_id,
            drop_missing(company),
            interactions_by_lead.get(row.lead_id, ()),
            recommendations.get(row.lead_id),
        )
        people[row.lead_id] = Person(lead, state.status, state.name, row.opted_out, row.review_asked, row.version)
    return StoredLeads(people)


def _people(connection: Connection, lead_ids: Sequence[str]) -> list[Row[Any]]:
    """The rows of these leads and of everybody who shares a company with one."""
    requested_rows = _select_in(connection, leads, leads.c.lead_id, list(dict.fromkeys(lead_ids)))
    accounts = sorted({row.company_id for row in requested_rows if row.company_id is not None})
    rows = {row.lead_id: row for row in requested_rows}
    rows |= {row.lead_id: row for row in _select_in(connection, leads, leads.c.company_id, accounts)}
    return [rows[name] for name in sorted(rows)]


def _select_in(
    connection: Connection, table: Table, column: ColumnElement[Any], values: Sequence[str], *conditions: ColumnElement[bool]
) -> list[Row[Any]]:
    """The rows whose column is one of the values."""
    rows: list[Row[Any]] = []
    for begin in range(0, len(values), CHUNK):
        rows += connection.execute(select(table).where(column.in_(values[begin : begin + CHUNK]), *conditions)).all()
    return rows


def _grouped(
    connection: Connection, table: Table, column: ColumnElement[Any], values: Sequence[str], *conditions: ColumnElement[bool]
) -> dict[str, list[Row[Any]]]:
    groups: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in _select_in(connection, table, column, values, *conditions):
        groups[row._mapping[column]].append(row)
    return groups


def _interactions(connection: Connection, names: Sequence[str], as_of: int, known_at: int) -> dict[str, list[Interaction]]:
    """The interactions before as_of, oldest first; equal moments in the order of their ids, so that it is always the same."""
    c = interactions.c
    by_lead: dict[str, list[Interaction]] = defaultdict(list)
    limits = [c.at < as_of] if known_at == NO_MOMENT else [c.at < as_of, c.received_at <= known_at]
    for begin in range(0, len(names), CHUNK):
        query = select(c.lead_id, c.type, c.at, c.direction, c.value, c.content, c.campaign).where(
            c.lead_id.in_(names[begin : begin + CHUNK]), *limits
        )
        rows_of: dict[str, list[Any]] = defaultdict(list)
        for row in connection.execute(query.order_by(c.at, c.event_id)):
            rows_of[row[0]].append(row)
        for lead_id, rows in rows_of.items():
            first_ones = distinct(rows, [tuple(row) for row in rows], [row[2] for row in rows])
            by_lead[lead_id] = [Interaction(*row[1:6]) for row in first_ones]
    return by_lead


def _history(
    connection: Connection, entity: str, names: Sequence[str], as_of: int, known_at: int
) -> dict[str, dict[str, object]]:
    """Entity → columns that have a history, with their values at as_of: None before the first change."""
    c = attribute_changes.c
    rows = _select_in(connection, attribute_changes, c.entity_id, names, c.entity == entity, c.received_at <= known_at)
    by_entity: dict[str, dict[str, object]] = defaultdict(dict)
    for row in sorted(rows, key=lambda row: row.at):
        values = by_entity[row.entity_id]
        if row.at < as_of:
            values[row.name] = unpacked(row.value)
        else:
            values.setdefault(row.name, None)
    return by_entity
