"""One Salesforce object as a stream: in the order of a time field and the id, so that it goes on anywhere.

The first read of a large object goes through Bulk 2.0, which costs a few calls for any number of records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.crm.landing import Landing, Row, content_hash
from connectors.crm.moments import iso, moment
from connectors.crm.responses import RefusedError
from connectors.crm.stream import Page, changed
from connectors.salesforce.api import Api, DeadJobError

OVERLAP = timedelta(minutes=5)  # a change is stamped when its transaction begins and seen when it ends

SETTLED = timedelta(hours=1)  # no transaction takes so long

Tables = dict[str, list[Row]]


@dataclass(frozen=True)
class Kind:
    """An object: its fields, the time field it is read by, and what rows are made of its records.

    `main`: the landed table of the records themselves, where unchanged ones are known again; `volatile` fields are no news.
    """

    name: str
    fields: Sequence[str]
    by: str
    rows: Callable[[Sequence[Mapping[str, Any]]], Tables]
    main: str | None = None
    where: str = ""
    volatile: frozenset[str] = frozenset()


def read_kind(api: Api, landing: Landing, kind: Kind, cursor: Any, bulk_from: int) -> Iterator[Page]:
    """Pages of an object from `cursor` on."""
    if cursor is None and api.count(kind.name) >= bulk_from:
        begun = datetime.fromtimestamp(api.http.now(), UTC) - OVERLAP
        cursor = {"job": api.begin_bulk(_soql(kind, None)), "locator": None, "from": iso(begun)}
        yield Page({}, cursor)
    if cursor is not None and "job" in cursor:
        yield from _bulk(api, kind, cursor)
        cursor = {"at": cursor["from"], "id": ""}
    yield from _ordered(api, landing, kind, cursor)


def _soql(kind: Kind, after: str | None) -> str:
    conditions = [f"({c})" for c in (kind.where, after) if c]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    order = f" ORDER BY {kind.by} ASC, Id ASC" if after is not None else ""
    return f"SELECT {', '.join(kind.fields)} FROM {kind.name}{where}{order}"


def _bulk(api: Api, kind: Kind, cursor: Mapping[str, Any]) -> Iterator[Page]:
    """The files of a job, from the one on at which an earlier run was broken off."""
    try:
        yield from _files(api, kind, cursor)
    except (RefusedError, DeadJobError) as error:
        if isinstance(error, RefusedError) and error.code != "404":
            raise
        # it failed, or its results, which are kept for seven days, are gone: another; rows that came come again
        anew = {"job": api.begin_bulk(_soql(kind, None)), "locator": None, "from": cursor["from"]}
        yield Page({}, anew)
        yield from _files(api, kind, anew)


def _files(api: Api, kind: Kind, cursor: Mapping[str, Any]) -> Iterator[Page]:
    job, locator = str(cursor["job"]), cursor["locator"]
    total, done = api.wait_bulk(job), 0
    while True:
        found, locator = api.bulk_rows(job, locator)
        done += len(found)
        going_on = {"job": job, "locator": locator, "from": cursor["from"]}
        yield Page(_made(kind, found), going_on if locator else {"at": cursor["from"], "id": ""}, done, total)
        if locator is None:
            return


def _ordered(api: Api, landing: Landing, kind: Kind, cursor: Any) -> Iterator[Page]:
    """By keyset: after the last record's time and id (pagination). What the last run saw is looked at again a little way
    back; so is what a run saw that was broken off, unless it was so old that nothing of that time can have come since.
    """
    known = (cursor or {}).get("at")
    start = moment(known) if known else None
    name = "" if cursor is None or cursor.get("whole") else str(cursor.get("id", ""))
    if start is not None and (not name or cursor.get("recent", True)):
        start, name = start - OVERLAP, ""
    after = "Id != null"
    if start is not None:
        after = f"{kind.by} >= {iso(start)}"
        if name:
            after = f"{kind.by} > {iso(start)} OR ({kind.by} = {iso(start)} AND Id > '{name}')"
    last: dict[str, Any] = {"at": known, "id": ""}
    done, settled = 0, datetime.fromtimestamp(api.http.now(), UTC) - SETTLED
    for found in api.query(_soql(kind, after)):
        done += len(found)
        if found:
            at = moment(found[-1][kind.by]) or datetime.now(UTC)
            last = {"at": iso(at), "id": str(found[-1]["Id"]), "recent": at > settled}
        made = _made(kind, found) if known is None else _news(landing, kind, found)
        yield Page(made, dict(last) if last["at"] else None, done)
    newest = last["at"] or iso(datetime.fromtimestamp(api.http.now(), UTC))
    yield Page({}, {"at": newest, "whole": True})


def _news(landing: Landing, kind: Kind, found: Sequence[Mapping[str, Any]]) -> Tables:
    if kind.main is None:
        return {name: changed(landing, name, rows, frozenset()) for name, rows in kind.rows(found).items()}
    own = {row["_id"]: row for row in kind.rows(found)[kind.main]}
    new = {row["_id"] for row in changed(landing, kind.main, list(own.values()), kind.volatile)}
    return _made(kind, [record for record in found if str(record["Id"]) in new])


def _made(kind: Kind, found: Sequence[Mapping[str, Any]]) -> Tables:
    tables = kind.rows(found)
    for name in tables if kind.main is None else [kind.main]:
        for row in tables[name]:
            row["_hash"] = content_hash(row, kind.volatile)
    return tables
