"""One lead as it is from a moment on: what changed is written, what was the same is not; two writers do not undo each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, select, update

from features.common.errors import RequestError
from serving.store.connect import insert
from serving.store.erasures import Erased
from serving.store.json_values import attributes, known, packed
from serving.store.rescore_queue import mark
from serving.store.tables import attribute_changes, companies, lead_stages, leads

ALWAYS = 0  # what is known of a company from the beginning holds since 1970


class GoneError(RequestError):
    """The lead was erased."""

    status = 410


class ChangedError(RequestError):
    """Somebody else wrote the lead meanwhile."""

    status = 412


@dataclass(frozen=True)
class LeadChange:
    """What is told of a lead; None leaves a thing as it is. Moments in microseconds since 1970.

    `at`: from when it holds; None is now. `attributes`, `company`: those named, null empties one. `company_id` "": none.
    """

    lead_id: str
    at: int | None = None
    created_at: int | None = None
    lead_stage: str | None = None
    lead_stage_since: int | None = None
    attributes: Mapping[str, object] | None = None
    company_id: str | None = None
    company: Mapping[str, object] | None = None
    opted_out: bool | None = None
    review_asked: bool | None = None


@dataclass(frozen=True)
class Put:
    """What a write did; `version` is the lead's now."""

    version: int
    created: bool
    changed: bool


def put(
    connection: Connection, told: LeadChange, now: int, erased: Erased, *, expected: int | None = None, new: bool = False
) -> Put:
    """Upsert what changed. `expected`: the version the writer saw (optimistic lock); `new`: only if nobody knows the lead.

    Raises
    ------
    GoneError, ChangedError, RequestError
        if it was erased, is another version by now, or is new and without `created_at`.
    """
    if erased.among(connection, [told.lead_id]):
        raise GoneError("This lead was erased and is not taken in again.", "An administrator may forget the erasure.")
    row = _row(connection, told.lead_id)
    if row is None:
        if expected is not None:
            raise ChangedError("Nobody knows this lead, so it has no version.", "Leave out If-Match.")
        if told.created_at is None:
            raise RequestError("A lead that is not known yet needs created_at.", "Say when it was created.")
        if _create(connection, told, now):
            _stage(connection, told, told.at if told.at is not None else told.created_at, now)
            _company(connection, told, now)
            mark(connection, [told.lead_id], now)
            return Put(1, True, True)
        row = _row(connection, told.lead_id)  # somebody else was first
        assert row is not None  # noqa: S101
    if new:
        raise ChangedError("The lead is known already.", "Leave out If-None-Match.")
    if expected is not None and row.version != expected:
        raise ChangedError(f"The lead is version {row.version} by now, not {expected}.", "Read it again, then write.")
    return _change(connection, row, told, now)


def _row(connection: Connection, lead_id: str) -> Row[Any] | None:
    return connection.execute(select(leads).where(leads.c.lead_id == lead_id).with_for_update()).first()


def _create(connection: Connection, told: LeadChange, now: int) -> bool:
    row = {
        "lead_id": told.lead_id,
        "company_id": told.company_id or None,
        "created_at": told.created_at,
        "opted_out": bool(told.opted_out),
        "review_asked": bool(told.review_asked),
        "attributes": packed(known(told.attributes or {})),
        "version": 1,
        "received_at": now,
    }
    written = insert(connection, leads).on_conflict_do_nothing().returning(leads.c.lead_id)
    return connection.execute(written, [row]).first() is not None


def _change(connection: Connection, row: Row[Any], told: LeadChange, now: int) -> Put:
    at = now if told.at is None else told.at
    given = {
        "created_at": told.created_at,
        "opted_out": told.opted_out,
        "review_asked": told.review_asked,
        **({} if told.company_id is None else {"company_id": told.company_id or None}),
    }
    other = {
        name: value
        for name, value in given.items()
        if (value is not None or name == "company_id") and value != row._mapping[name]
    }
    changed = bool(other)
    changed |= _stage(connection, told, at, now)
    origin = row.created_at if told.created_at is None else told.created_at
    changed |= _attributes(connection, "lead", row.lead_id, row, origin, told.attributes or {}, at, now)
    changed |= _company(connection, told, now)
    if not changed:
        return Put(row.version, False, False)
    connection.execute(update(leads).where(leads.c.lead_id == row.lead_id).values(**other, version=row.version + 1))
    left = []
    if "company_id" in other and row.company_id is not None:  # who stays behind has one colleague less
        left = list(connection.execute(select(leads.c.lead_id).where(leads.c.company_id == row.company_id).limit(1)).scalars())
    mark(connection, {row.lead_id, *left}, now)
    return Put(row.version + 1, False, True)


def _stage(connection: Connection, told: LeadChange, at: int, now: int) -> bool:
    """Write the lead stage from `at` on, where it was another."""
    if told.lead_stage is None:
        return False
    since = at if told.lead_stage_since is None else told.lead_stage_since
    c = lead_stages.c
    asked = select(c.lead_stage).where(c.lead_id == told.lead_id, c.at <= since).order_by(c.at.desc()).limit(1)
    if connection.execute(asked).scalar() == told.lead_stage:
        return False
    row = {"lead_id": told.lead_id, "lead_stage": told.lead_stage, "at": since, "received_at": now}
    connection.execute(insert(connection, lead_stages).on_conflict_do_nothing(), [row])
    return True


def _company(connection: Connection, told: LeadChange, now: int) -> bool:
    if not told.company_id or told.company is None:
        return False
    row = {"company_id": told.company_id, "attributes": packed(known(told.company)), "received_at": now}
    written = insert(connection, companies).on_conflict_do_nothing().returning(companies.c.company_id)
    if connection.execute(written, [row]).first() is not None:
        return True
    asked = select(companies).where(companies.c.company_id == told.company_id).with_for_update()
    before = connection.execute(asked).one()
    at = now if told.at is None else told.at
    return _attributes(connection, "company", told.company_id, before, ALWAYS, told.company, at, now)


def _attributes(
    connection: Connection, entity: Literal["lead", "company"], name: str, row: Row[Any], origin: int,
    given: Mapping[str, object], at: int, now: int,
) -> bool:  # fmt: skip
    """Write the attributes that are others from `at` on; the first change of one keeps what was known before it, from the
    `origin` on."""
    if not given:
        return False
    c = attribute_changes.c
    asked = select(c.name, c.at, c.value).where(c.entity == entity, c.entity_id == name, c.name.in_(sorted(given)))
    history: dict[str, list[tuple[int, str]]] = {}
    for column, moment, value in connection.execute(asked.order_by(c.at)):
        history.setdefault(column, []).append((moment, value))
    base = {column: packed(value) for column, value in attributes(row.attributes).items()}
    nothing = packed(None)
    rows = []
    for column, value in sorted(given.items()):
        wanted, told = packed(value) if known({column: value}) else nothing, history.get(column, [])
        was = [text for moment, text in told if moment <= at]
        if wanted == (was[-1] if was else nothing if told else base.get(column, nothing)):
            continue
        if not told and column in base and origin < at:
            rows.append((column, origin, base[column], row.received_at))
        rows.append((column, at, wanted, now))
    if not rows:
        return False
    written = insert(connection, attribute_changes)
    written = written.on_conflict_do_update(
        index_elements=["entity", "entity_id", "name", "at"],
        set_={"value": written.excluded.value, "received_at": written.excluded.received_at},
    )
    names = ("name", "at", "value", "received_at")
    connection.execute(written, [{"entity": entity, "entity_id": name, **dict(zip(names, one, strict=True))} for one in rows])
    return True
