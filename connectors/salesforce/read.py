"""One Salesforce object as a stream: in the order of a time field and the id, so that it goes on anywhere.

The first read of a large object goes through Bulk 2.0, which costs a few calls for any number of records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

from connectors.crm.landing import Landing
from connectors.crm.landing_tables import Row, content_hash
from connectors.crm.moments import iso, moment
from connectors.crm.responses import RefusedError
from connectors.crm.rows import true
from connectors.crm.stream import Page, changed_rows
from connectors.salesforce.api import TIMED_OUT, DeadJobError, SalesforceApi

OVERLAP = timedelta(minutes=5)  # a change is stamped when its transaction begins and seen when it ends

LONGEST_FIELDS = 10_000  # characters of an address that fields may take; Salesforce allows 16,384 for all of it and the headers

SETTLE_TIME = timedelta(hours=1)  # no transaction takes so long

Tables = dict[str, list[Row]]


@dataclass(frozen=True)
class ObjectKind:
    """An object: its fields, the time field it is read by, and what rows are made of its records.

    `main`: the landed table of the records themselves, where unchanged ones are known again; `volatile` fields are no news.
    """

    name: str
    fields: Sequence[str]
    time_field: str
    rows: Callable[[Sequence[Mapping[str, Any]]], Tables]
    main: str | None = None
    condition: str = ""
    volatile: frozenset[str] = frozenset()


def read_kind(api: SalesforceApi, landing: Landing, kind: ObjectKind, cursor: Any, bulk_from: int) -> Iterator[Page]:
    """Pages of an object from `cursor` on."""
    if cursor is None:
        count = api.count(kind.name)
        if count is not None and count < bulk_from:
            try:
                yield from _ordered_pages(api, landing, kind, None)
            except RefusedError as error:
                if error.code != TIMED_OUT:
                    raise
            else:
                return
        job_start = datetime.fromtimestamp(api.http.now(), UTC) - OVERLAP
        cursor = {"job": api.begin_bulk(_soql(kind, kind.fields, None)), "locator": None, "from": iso(job_start)}
        yield Page({}, cursor)
    if "job" in cursor:
        yield from _bulk_pages(api, kind, cursor)
        cursor = {"at": cursor["from"], "id": ""}
    yield from _ordered_pages(api, landing, kind, cursor)


def next_query(kind: ObjectKind, cursor: Any) -> str | None:
    """The query that a stream goes on with from `cursor`; None where it begins, or reads in bulk."""
    if not cursor or "job" in cursor:
        return None
    return _soql(kind, _fitting_fields(kind)[0], _keyset(kind, cursor))


def _soql(kind: ObjectKind, fields: Sequence[str], keyset: str | None) -> str:
    conditions = [f"({c})" for c in (kind.condition, keyset) if c]
    where_clause = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    order = f" ORDER BY {kind.time_field} ASC, Id ASC" if keyset is not None else ""
    return f"SELECT {', '.join(fields)} FROM {kind.name}{where_clause}{order}"


def _fitting_fields(kind: ObjectKind) -> tuple[list[str], list[str]]:
    """The fields that an address has room for, the time of modification among them, and the others."""
    fields, length = [kind.time_field], 0
    for name in kind.fields:
        length += len(quote_plus(f"{name}, "))
        if name not in fields and length <= LONGEST_FIELDS:
            fields.append(name)
    return fields, [name for name in kind.fields if name not in fields]


def _query(api: SalesforceApi, kind: ObjectKind, keyset: str) -> Iterator[list[dict[str, Any]]]:
    """Pages of records in order. What an address has no room for is asked for page by page; who was deleted between the two
    comes again as such."""
    fields, further_fields = _fitting_fields(kind)
    for records in api.query(_soql(kind, fields, keyset)):
        alive_ids = [str(record["Id"]) for record in records if not true(record.get("IsDeleted"))] if further_fields else []
        added = dict(zip(alive_ids, api.retrieve(kind.name, alive_ids, further_fields) if alive_ids else [], strict=True))
        present = [record for record in records if added.get(str(record["Id"]), {}) is not None]
        yield [{**record, **(added.get(str(record["Id"])) or {})} for record in present]


def _bulk_pages(api: SalesforceApi, kind: ObjectKind, cursor: Mapping[str, Any]) -> Iterator[Page]:
    """The files of a job, from the one on at which an earlier run was broken off."""
    try:
        yield from _file_pages(api, kind, cursor)
    except (RefusedError, DeadJobError) as error:
        if isinstance(error, RefusedError) and error.code != "404":
            raise
        # it failed, or its results, which are kept for seven days, are gone: another; rows that came come again
        new_cursor = {"job": api.begin_bulk(_soql(kind, kind.fields, None)), "locator": None, "from": cursor["from"]}
        yield Page({}, new_cursor)
        yield from _file_pages(api, kind, new_cursor)


def _file_pages(api: SalesforceApi, kind: ObjectKind, cursor: Mapping[str, Any]) -> Iterator[Page]:
    job, locator = str(cursor["job"]), cursor["locator"]
    total, read_count = api.wait_bulk(job), 0
    while True:
        records, locator = api.bulk_rows(job, locator)
        read_count += len(records)
        resume_cursor = {"job": job, "locator": locator, "from": cursor["from"]}
        yield Page(
            _hashed_tables(kind, records), resume_cursor if locator else {"at": cursor["from"], "id": ""}, read_count, total
        )
        if locator is None:
            return


def _ordered_pages(api: SalesforceApi, landing: Landing, kind: ObjectKind, cursor: Any) -> Iterator[Page]:
    """By keyset: after the last record's time and id (pagination). What the last run saw is looked at again a little way
    back; so is what a run saw that was broken off, unless it was so old that nothing of that time can have come since.
    """
    previous_time = (cursor or {}).get("at")
    position: dict[str, Any] = {"at": previous_time, "id": ""}
    read_count, settled_before = 0, datetime.fromtimestamp(api.http.now(), UTC) - SETTLE_TIME
    for records in _query(api, kind, _keyset(kind, cursor or {})):
        read_count += len(records)
        if records:
            timestamp = moment(records[-1][kind.time_field]) or datetime.now(UTC)
            position = {"at": iso(timestamp), "id": str(records[-1]["Id"]), "recent": timestamp > settled_before}
        tables = _hashed_tables(kind, records) if previous_time is None else _changed_tables(landing, kind, records)
        yield Page(tables, dict(position) if position["at"] else None, read_count)
    newest = position["at"] or iso(datetime.fromtimestamp(api.http.now(), UTC))
    yield Page({}, {"at": newest, "whole": True})


def _keyset(kind: ObjectKind, cursor: Mapping[str, Any]) -> str:
    """The condition that records after a cursor fulfil; of none all do."""
    if not cursor.get("at") or (start := moment(cursor["at"])) is None:
        return "Id != null"
    name = "" if cursor.get("whole") else str(cursor.get("id", ""))
    if not name or cursor.get("recent", True):
        return f"{kind.time_field} >= {iso(start - OVERLAP)}"
    return f"{kind.time_field} > {iso(start)} OR ({kind.time_field} = {iso(start)} AND Id > '{name}')"


def _changed_tables(landing: Landing, kind: ObjectKind, records: Sequence[Mapping[str, Any]]) -> Tables:
    if kind.main is None:
        return {name: changed_rows(landing, name, rows, frozenset()) for name, rows in kind.rows(records).items()}
    main_rows = {row["_id"]: row for row in kind.rows(records)[kind.main]}
    new_ids = {row["_id"] for row in changed_rows(landing, kind.main, list(main_rows.values()), kind.volatile)}
    return _hashed_tables(kind, [record for record in records if str(record["Id"]) in new_ids])


def _hashed_tables(kind: ObjectKind, records: Sequence[Mapping[str, Any]]) -> Tables:
    tables = kind.rows(records)
    for name in tables if kind.main is None else [kind.main]:
        for row in tables[name]:
            row["_hash"] = content_hash(row, kind.volatile)
    return tables
