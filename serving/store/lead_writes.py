"""One lead as it is from a moment on: what changed is written, what was the same is not; two writers do not undo each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, func, select, update

from features.common.errors import RequestError
from serving.store.connect import insert
from serving.store.erasures import Erased
from serving.store.json_values import attributes, drop_missing, packed
from serving.store.rescore_queue import enqueue
from serving.store.tables import attribute_changes, companies, lead_stages, leads

EMPTY = packed(None)  # the text of an attribute that has no value
EPOCH_START = 0  # what is known of a company from the beginning holds since 1970


class GoneError(RequestError):
    """The lead was erased."""

    status = 410


class ChangedError(RequestError):
    """Somebody else wrote the lead meanwhile."""

    status = 412


@dataclass(frozen=True)
class LeadChange:
    """What is told of a lead; None leaves a thing as it is. Moments in microseconds since 1970.

    `effective_at`: from when it holds; None is now. `attributes`, `company`: those named, null empties one. `company_id` "":
    none.
    """

    lead_id: str
    effective_at: int | None = None
    created_at: int | None = None
    lead_stage: str | None = None
    lead_stage_since: int | None = None
    attributes: Mapping[str, object] | None = None
    company_id: str | None = None
    company: Mapping[str, object] | None = None
    opted_out: bool | None = None
    review_asked: bool | None = None


@dataclass(frozen=True)
class WriteResult:
    """What a write did; `version` is the lead's now."""

    version: int
    created: bool
    changed: bool


def write_lead(
    connection: Connection,
    change: LeadChange,
    now: int,
    erased: Erased,
    *,
    expected: int | None = None,
    create_only: bool = False,
) -> WriteResult:
    """Upsert what changed. `expected`: the version the writer saw (optimistic lock); `create_only`: only if nobody knows the
    lead.

    Raises
    ------
    GoneError, ChangedError, RequestError
        if it was erased, is another version by now, or is new and without `created_at`.
    """
    if erased.find_erased(connection, [change.lead_id]):
        raise GoneError("This lead was erased and is not taken in again.", "An administrator may forget the erasure.")
    row = _row(connection, change.lead_id)
    if row is None:
        if expected is not None:
            raise ChangedError("Nobody knows this lead, so it has no version.", "Leave out If-Match.")
        if change.created_at is None:
            raise RequestError("A lead that is not known yet needs created_at.", "Say when it was created.")
        if _create(connection, change, now):
            _stage(connection, change, change.effective_at if change.effective_at is not None else change.created_at, now)
            _company(connection, change, now)
            enqueue(connection, [change.lead_id], now)
            return WriteResult(1, True, True)
        row = _row(connection, change.lead_id)  # somebody else was first
        assert row is not None  # noqa: S101
    if create_only:
        raise ChangedError("The lead is known already.", "Leave out If-None-Match.")
    if expected is not None and row.version != expected:
        raise ChangedError(f"The lead is version {row.version} by now, not {expected}.", "Read it again, then write.")
    return _change(connection, row, change, now)


def _row(connection: Connection, lead_id: str) -> Row[Any] | None:
    return connection.execute(select(leads).where(leads.c.lead_id == lead_id).with_for_update()).first()


def _create(connection: Connection, change: LeadChange, now: int) -> bool:
    row = {
        "lead_id": change.lead_id,
        "company_id": change.company_id or None,
        "created_at": change.created_at,
        "opted_out": bool(change.opted_out),
        "review_asked": bool(change.review_asked),
        "attributes": packed(drop_missing(change.attributes or {})),
        "version": 1,
        "received_at": now,
    }
    written = insert(connection, leads).on_conflict_do_nothing().returning(leads.c.lead_id)
    return connection.execute(written, [row]).first() is not None


def _change(connection: Connection, row: Row[Any], change: LeadChange, now: int) -> WriteResult:
    effective_at = now if change.effective_at is None else change.effective_at
    fields = {
        "created_at": change.created_at,
        "opted_out": change.opted_out,
        "review_asked": change.review_asked,
        **({} if change.company_id is None else {"company_id": change.company_id or None}),
    }
    changed_fields = {
        name: value
        for name, value in fields.items()
        if (value is not None or name == "company_id") and value != row._mapping[name]
    }
    changed = bool(changed_fields)
    changed |= _stage(connection, change, effective_at, now)
    origin = row.created_at if change.created_at is None else change.created_at
    changed |= _attributes(connection, "lead", row.lead_id, row, origin, change.attributes or {}, effective_at, now)
    changed |= _company(connection, change, now)
    if not changed:
        return WriteResult(row.version, False, False)
    connection.execute(update(leads).where(leads.c.lead_id == row.lead_id).values(**changed_fields, version=row.version + 1))
    former_colleagues = []
    if "company_id" in changed_fields and row.company_id is not None:  # who stays behind has one colleague less
        former_colleagues = list(
            connection.execute(select(leads.c.lead_id).where(leads.c.company_id == row.company_id).limit(1)).scalars()
        )
    enqueue(connection, {row.lead_id, *former_colleagues}, now)
    return WriteResult(row.version + 1, False, True)


def _stage(connection: Connection, change: LeadChange, effective_at: int, now: int) -> bool:
    """Write the lead stage from `effective_at` on, where it was another."""
    if change.lead_stage is None:
        return False
    stage_since = effective_at if change.lead_stage_since is None else change.lead_stage_since
    c = lead_stages.c
    own = c.lead_id == change.lead_id
    newest = select(func.max(c.at)).where(own, c.at <= stage_since).scalar_subquery()
    # of several at one moment an exit may be the last: the same lead stage again is then a return
    if set(connection.execute(select(c.lead_stage).where(own, c.at == newest)).scalars()) == {change.lead_stage}:
        return False
    row = {"lead_id": change.lead_id, "lead_stage": change.lead_stage, "at": stage_since, "received_at": now}
    written = insert(connection, lead_stages).on_conflict_do_nothing().returning(c.lead_id)
    return connection.execute(written, [row]).first() is not None


def _company(connection: Connection, change: LeadChange, now: int) -> bool:
    if not change.company_id or change.company is None:
        return False
    row = {"company_id": change.company_id, "attributes": packed(drop_missing(change.company)), "received_at": now}
    written = insert(connection, companies).on_conflict_do_nothing().returning(companies.c.company_id)
    if connection.execute(written, [row]).first() is not None:
        return True
    query = select(companies).where(companies.c.company_id == change.company_id).with_for_update()
    company_row = connection.execute(query).one()
    effective_at = now if change.effective_at is None else change.effective_at
    return _attributes(connection, "company", change.company_id, company_row, EPOCH_START, change.company, effective_at, now)


def _attributes(
    connection: Connection, entity: Literal["lead", "company"], name: str, row: Row[Any], origin: int,
    new_values: Mapping[str, object], effective_at: int, now: int,
) -> bool:  # fmt: skip
    """Write the attributes that are others from `effective_at` on; the first change of one keeps what was known before it, from
    the `origin` on."""
    if not new_values:
        return False
    c = attribute_changes.c
    query = select(c.name, c.at, c.value).where(c.entity == entity, c.entity_id == name, c.name.in_(sorted(new_values)))
    history: dict[str, list[tuple[int, str]]] = {}
    for column, moment, value in connection.execute(query.order_by(c.at)):
        history.setdefault(column, []).append((moment, value))
    base = {column: packed(value) for column, value in attributes(row.attributes).items()}
    rows = []
    for column, value in sorted(new_values.items()):
        new_text, column_history = packed(value) if drop_missing({column: value}) else EMPTY, history.get(column, [])
        if new_text == _text_at(column_history, effective_at, base.get(column, EMPTY)):
            continue
        if not column_history and column in base and origin < effective_at:
            rows.append((column, origin, base[column], row.received_at))
        rows.append((column, effective_at, new_text, now))
    if not rows:
        return False
    written = insert(connection, attribute_changes)
    written = written.on_conflict_do_update(
        index_elements=["entity", "entity_id", "name", "at"],
        set_={"value": written.excluded.value, "received_at": written.excluded.received_at},
    )
    names = ("name", "at", "value", "received_at")
    connection.execute(
        written, [{"entity": entity, "entity_id": name, **dict(zip(names, entry, strict=True))} for entry in rows]
    )
    return True


def _text_at(history: Sequence[tuple[int, str]], moment: int, base: str) -> str:
    """What an attribute was at a moment, by its changes in order; `base` where it never changed."""
    earlier_texts = [text for at, text in history if at <= moment]
    if earlier_texts:
        return earlier_texts[-1]
    return EMPTY if history else base
