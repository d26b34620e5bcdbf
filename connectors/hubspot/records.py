"""Contacts, companies and deals, each with the history of what matters; changes since the last run; the deleted and the merged.

The first run lists everything. Later ones search for what was modified, each page by a search of its own that begins where the
last one ended (keyset pagination): a record that is modified meanwhile moves to the end and must not shift others out of
sight, and a search ends at 10,000 results. A record whose content is as landed (our own score, say, was all that changed) is
not read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.crm.landing import Landing, Row, content_hash
from connectors.crm.moments import milliseconds, moment
from connectors.crm.rows import alias_row, history_row
from connectors.crm.stream import Page, changed
from connectors.hubspot.api import Api, following

OVERLAP = 5 * 60_000  # milliseconds; HubSpot's search sees a change a little later than it happens

Tables = dict[str, list[Row]]


@dataclass(frozen=True)
class Kind:
    """One kind of record: HubSpot's `name`, where it is landed, what is asked for, and how rows are made of it.

    `row` makes the record's own, `related` what hangs on whole records (history, who belongs to it). `members`: the column of
    the contacts that it is associated with, since HubSpot need not take an association for a modification.
    """

    name: str
    table: str
    entity: str
    modified: str
    properties: Sequence[str]
    history: Sequence[str]
    row: Callable[[Mapping[str, Any]], Row]
    more: Callable[[Sequence[Mapping[str, Any]], Mapping[str, list[str]]], Tables]
    volatile: frozenset[str]
    members: str | None = None


def read_kind(api: Api, landing: Landing, kind: Kind, cursor: Any) -> Iterator[Page]:
    """Pages of a kind of record from `cursor` on: the list, then what was modified since it began, then what was
    deleted."""
    if cursor is None:
        cursor = {"list": "", "from": api.server_now() - OVERLAP}
    if "list" in cursor:
        yield from _list(api, kind, cursor)
        cursor = {"since": cursor["from"]}
    yield from _modified(api, landing, kind, int(cursor["since"]))
    yield from _archived(api, landing, kind)


def _list(api: Api, kind: Kind, cursor: Mapping[str, Any]) -> Iterator[Page]:
    after: str | None = cursor["list"] or None
    done = int(cursor.get("done", 0))
    while True:
        found, following_page = api.ids(kind.name, after, archived=False)
        tables = whole(api, kind, [str(one["id"]) for one in found])
        done += len(found)
        begun = cursor["from"]
        yield Page(tables, {"list": following_page, "from": begun, "done": done} if following_page else {"since": begun}, done)
        if following_page is None:
            return
        after = following_page


def _modified(api: Api, landing: Landing, kind: Kind, since: int) -> Iterator[Page]:
    """What was modified from `since` on (ms), oldest first; the cursor follows."""
    begun, newest, start = api.server_now(), since, since
    done, total, border = 0, None, set[str]()  # border: those of the moment `start` that came already
    while True:
        body = api.search(kind.name, [_filter(kind.modified, "GTE", start)], kind.modified, kind.properties)
        fresh = [one for one in body["results"] if str(one["id"]) not in border]
        last = max([start, *(_when(one, kind) for one in body["results"])])
        done, total, newest = done + len(fresh), total or body.get("total"), max(newest, last)
        yield Page(_news(api, landing, kind, fresh), {"since": max(since, newest - OVERLAP)}, done, total)
        if following(body) is None:
            break
        if last == start:  # more records share one moment than a page has: by id then
            yield from _same_moment(api, landing, kind, start, since)
            start, border = start + 1, set()
            continue
        start, border = last, {str(one["id"]) for one in body["results"] if _when(one, kind) == last}
    yield Page({}, {"since": max(since, min(begun, newest) - OVERLAP)})


def _same_moment(api: Api, landing: Landing, kind: Kind, at: int, since: int) -> Iterator[Page]:
    last, more = 0, True
    while more:
        filters = [_filter(kind.modified, "EQ", at), _filter("hs_object_id", "GT", last)]
        body = api.search(kind.name, filters, "hs_object_id", kind.properties)
        yield Page(_news(api, landing, kind, body["results"]), {"since": since})
        last = max([last, *(int(one["id"]) for one in body["results"])])
        more = following(body) is not None


def _filter(name: str, operator: str, value: int) -> dict[str, str]:
    return {"propertyName": name, "operator": operator, "value": str(value)}


def _when(record: Mapping[str, Any], kind: Kind) -> int:
    at = moment(record["properties"].get(kind.modified)) or moment(record.get("updatedAt"))
    return milliseconds(at) if at else 0


def _rows(api: Api, kind: Kind, found: Sequence[Mapping[str, Any]]) -> tuple[list[Row], dict[str, list[str]]]:
    """The records' rows, and the contacts that belong to each."""
    rows = [kind.row(one) for one in found]
    if kind.members is None or not found:
        return rows, {}
    people = api.associated(kind.name, "contacts", [str(one["id"]) for one in found])
    for one, row in zip(found, rows, strict=True):
        row[kind.members] = ";".join(["", *sorted(people.get(str(one["id"]), [])), ""])
    return rows, people


def _news(api: Api, landing: Landing, kind: Kind, results: Sequence[Mapping[str, Any]]) -> Tables:
    """Of a page of a search, what is not as it was landed, read whole."""
    rows, _ = _rows(api, kind, results)
    names = {row["_id"] for row in changed(landing, kind.table, rows, kind.volatile)}
    return whole(api, kind, [str(one["id"]) for one, row in zip(results, rows, strict=True) if row["_id"] in names])


def whole(api: Api, kind: Kind, ids: Sequence[str]) -> Tables:
    """Records by id with their history and what hangs on them; those that are gone by now are not among them."""
    found = api.read(kind.name, ids, kind.properties, kind.history) if ids else []
    rows, people = _rows(api, kind, found)
    for row in rows:
        row["_hash"] = content_hash(row, kind.volatile)
    return {kind.table: rows, **(kind.more(found, people) if found else {})}


def gone(kind: Kind, ids: Sequence[str], at: datetime) -> list[Row]:
    """Records that are not there any more."""
    return [{"_id": kind.row({"id": name, "properties": {}})["_id"], "_gone_at": at} for name in ids]


def _archived(api: Api, landing: Landing, kind: Kind) -> Iterator[Page]:
    """Deleted records, as long as HubSpot lists them (90 days)."""
    after = None
    while True:
        found, after = api.ids(kind.name, after, archived=True)
        rows = []
        for one in found:
            at = moment(one.get("archivedAt")) or moment(one.get("updatedAt"))
            # whom it was merged into is as old as it
            created = {"_created_at": moment(one.get("createdAt"))} if kind.table == "people" else {}
            rows.append({"_id": kind.row(one)["_id"], "_gone_at": at, **created})
        yield Page({kind.table: changed(landing, kind.table, rows, kind.volatile)}, None)
        if after is None:
            return


def history_rows(entity: str, record: Mapping[str, Any], backstop: Mapping[str, tuple[str, str]]) -> list[Row]:
    """What the properties of a record became, and when.

    HubSpot keeps a limited number of versions; where it has forgotten that a lead stage was entered, `backstop` (property:
    (field, value)) still says when.
    """
    name = str(record["id"])
    found: list[Row] = []
    known: set[tuple[str, str]] = set()
    for field, versions in (record.get("propertiesWithHistory") or {}).items():
        for version in versions:
            at, value = moment(version.get("timestamp")), str(version.get("value") or "")
            if at is None:
                continue
            known.add((field, value))
            found.append(history_row(entity, name, field, value, at))
    for source, (field, value) in backstop.items():
        at = moment(record["properties"].get(source))
        if at is not None and (field, value) not in known:
            found.append(history_row(entity, name, field, value, at))
    return found


def alias_rows(entity: str, record: Mapping[str, Any]) -> list[Row]:
    """The records that were merged into this one."""
    merged = str(record["properties"].get("hs_merged_object_ids") or "")
    at = moment(record.get("updatedAt"))
    return [alias_row(entity, old.strip(), record["id"], at) for old in merged.split(";") if old.strip()]
