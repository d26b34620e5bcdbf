"""Contacts, companies and deals, each with the history of what matters; changes since the last run; the deleted and the merged.

The first run lists everything. Later ones search for what was modified, in windows, since a search ends at 10,000 results; a
record whose content is as landed (our own score, say, was all that changed) is not read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from features.sources.crm.landing import Landing, Row, content_hash
from features.sources.crm.moments import milliseconds, moment
from features.sources.crm.rows import alias_row, history_row
from features.sources.crm.stream import Page, changed
from features.sources.hubspot.api import CAP, Api, following, server_now

OVERLAP = 5 * 60_000  # milliseconds; HubSpot's search sees a change a little later than it happens

Tables = dict[str, list[Row]]


@dataclass(frozen=True)
class Kind:
    """One kind of record: HubSpot's `name`, where it is landed, what is asked for, and how rows are made of it.

    `row` makes the record's own, `more` what hangs on whole records (history, who belongs to it).
    """

    name: str
    table: str
    entity: str
    modified: str
    properties: Sequence[str]
    history: Sequence[str]
    row: Callable[[Mapping[str, Any]], Row]
    more: Callable[[Sequence[Mapping[str, Any]]], Tables]
    volatile: frozenset[str]


def read_kind(api: Api, landing: Landing, kind: Kind, cursor: Any) -> Iterator[Page]:
    """Pages of a kind of record from `cursor` on: the list, then what was modified since it began, then what was
    deleted."""
    if cursor is None:
        cursor = {"list": "", "from": server_now(api.http) - OVERLAP}
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
    begun, newest = server_now(api.http), since
    start = since
    while True:
        seen, last = 0, start
        for body in _window(api, kind, [_filter(kind.modified, "GTE", start)], kind.modified):
            results = body["results"]
            seen += len(results)
            last = max([last, *(_when(one, kind) for one in results)])
            newest = max(newest, last)
            yield Page(_news(api, landing, kind, results), {"since": max(since, newest - OVERLAP)}, seen, body.get("total"))
        if seen < CAP:
            break
        if last == start:  # more records share one moment than a search gives: by id then
            yield from _same_moment(api, landing, kind, start, since)
            last = start + 1
        start = last
    yield Page({}, {"since": max(since, min(begun, newest) - OVERLAP)})


def _same_moment(api: Api, landing: Landing, kind: Kind, at: int, since: int) -> Iterator[Page]:
    last = 0
    while True:
        seen = 0
        filters = [_filter(kind.modified, "EQ", at), _filter("hs_object_id", "GT", last)]
        for body in _window(api, kind, filters, "hs_object_id"):
            results = body["results"]
            seen += len(results)
            last = max([last, *(int(one["id"]) for one in results)])
            yield Page(_news(api, landing, kind, results), {"since": since}, seen, body.get("total"))
        if seen < CAP:
            return


def _window(api: Api, kind: Kind, filters: Sequence[Mapping[str, Any]], sort: str) -> Iterator[Any]:
    """The pages of one search, up to its cap."""
    after, seen = None, 0
    while seen < CAP:
        body = api.search(kind.name, filters, sort, kind.properties, after)
        yield body
        seen += len(body["results"])
        after = following(body)
        if after is None:
            return


def _filter(name: str, operator: str, value: int) -> dict[str, str]:
    return {"propertyName": name, "operator": operator, "value": str(value)}


def _when(record: Mapping[str, Any], kind: Kind) -> int:
    at = moment(record["properties"].get(kind.modified)) or moment(record.get("updatedAt"))
    return milliseconds(at) if at else 0


def _news(api: Api, landing: Landing, kind: Kind, results: Sequence[Mapping[str, Any]]) -> Tables:
    """Of a page of a search, what is not as it was landed, read whole."""
    rows = [kind.row(one) for one in results]
    names = {row["_id"] for row in changed(landing, kind.table, rows, kind.volatile)}
    return whole(api, kind, [str(one["id"]) for one, row in zip(results, rows, strict=True) if row["_id"] in names])


def whole(api: Api, kind: Kind, ids: Sequence[str]) -> Tables:
    """Records by id with their history and what hangs on them; those that are gone by now are not among them."""
    found = api.read(kind.name, ids, kind.properties, kind.history) if ids else []
    rows = [kind.row(one) for one in found]
    for row in rows:
        row["_hash"] = content_hash(row, kind.volatile)
    return {kind.table: rows, **(kind.more(found) if found else {})}


def _archived(api: Api, landing: Landing, kind: Kind) -> Iterator[Page]:
    """Deleted records, as long as HubSpot lists them (90 days)."""
    after = None
    while True:
        found, after = api.ids(kind.name, after, archived=True)
        rows: list[Row] = [
            {"_id": kind.row(one)["_id"], "_gone_at": moment(one.get("archivedAt")) or moment(one.get("updatedAt"))}
            for one in found
        ]
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
