"""Contacts, companies and deals, each with the history of what matters; changes since the last run; the deleted and the merged.

The first run lists everything. Later ones search for what was modified, each page by a search of its own that begins where the
last one ended (keyset pagination): a record that is modified meanwhile moves to the end and must not shift others out of
sight, and a search ends at 10,000 results. A record whose content is as landed (our own score, say, was all that changed) is
not read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.crm.addresses import address_columns, address_row, further_rows
from connectors.crm.keys import mail_key
from connectors.crm.landing import Landing
from connectors.crm.landing_tables import Row, content_hash
from connectors.crm.moments import milliseconds, moment
from connectors.crm.rows import alias_row, history_row
from connectors.crm.stream import Page, changed_rows
from connectors.crm.sweep import departed_rows
from connectors.hubspot.api import HubSpotApi, next_cursor

EMAIL, FURTHER_ADDRESSES = "email", "hs_additional_emails"
MERGED_IDS, MERGED_CONTACTS = "hs_merged_object_ids", "hs_calculated_merged_vids"
SAME_TIME = timedelta(days=1)
OVERLAP = 5 * 60_000  # milliseconds; HubSpot's search sees a change a little later than it happens

Tables = dict[str, list[Row]]


@dataclass(frozen=True)
class RecordKind:
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
    related: Callable[[Sequence[Mapping[str, Any]], Mapping[str, list[str]]], Tables]
    volatile: frozenset[str]
    members: str | None = None


def read_kind(api: HubSpotApi, landing: Landing, kind: RecordKind, cursor: Any) -> Iterator[Page]:
    """Pages of a kind of record from `cursor` on: the list, then what was modified since it began."""
    if cursor is None:
        cursor = {"list": "", "from": api.server_now() - OVERLAP}
    if "list" in cursor:
        yield from _list_pages(api, kind, cursor)
        cursor = {"since": cursor["from"]}
    yield from _modified_pages(api, landing, kind, int(cursor["since"]))


def _list_pages(api: HubSpotApi, kind: RecordKind, cursor: Mapping[str, Any]) -> Iterator[Page]:
    page_cursor: str | None = cursor["list"] or None
    read_count = int(cursor.get("done", 0))
    while True:
        records, following_page = api.ids(kind.name, page_cursor, archived=False)
        tables = read_records(api, kind, [str(record["id"]) for record in records])
        read_count += len(records)
        list_start = cursor["from"]
        yield Page(
            tables,
            {"list": following_page, "from": list_start, "done": read_count} if following_page else {"since": list_start},
            read_count,
        )
        if following_page is None:
            return
        page_cursor = following_page


def _modified_pages(api: HubSpotApi, landing: Landing, kind: RecordKind, lower_bound: int) -> Iterator[Page]:
    """What was modified from `lower_bound` on (ms), oldest first; the cursor follows."""
    run_start, newest, start = api.server_now(), lower_bound, lower_bound
    read_count, total, border_ids = 0, None, set[str]()  # border: those of the moment `start` that came already
    while True:
        body = api.search(kind.name, [_filter(kind.modified, "GTE", start)], kind.modified, kind.properties)
        fresh_records = [record for record in body["results"] if str(record["id"]) not in border_ids]
        latest = max([start, *(_modified_ms(record, kind) for record in body["results"])])
        read_count, total, newest = read_count + len(fresh_records), total or body.get("total"), max(newest, latest)
        yield Page(
            _changed_tables(api, landing, kind, fresh_records), {"since": max(lower_bound, newest - OVERLAP)}, read_count, total
        )
        if next_cursor(body) is None:
            break
        if latest == start:  # more records share one moment than a page has: by id then
            yield from _same_moment_pages(api, landing, kind, start, lower_bound)
            start, border_ids = start + 1, set()
            continue
        start, border_ids = latest, {str(record["id"]) for record in body["results"] if _modified_ms(record, kind) == latest}
    yield Page({}, {"since": max(lower_bound, min(run_start, newest) - OVERLAP)})


def _same_moment_pages(api: HubSpotApi, landing: Landing, kind: RecordKind, timestamp: int, lower_bound: int) -> Iterator[Page]:
    last_id, more_pages = 0, True
    while more_pages:
        filters = [_filter(kind.modified, "EQ", timestamp), _filter("hs_object_id", "GT", last_id)]
        body = api.search(kind.name, filters, "hs_object_id", kind.properties)
        yield Page(_changed_tables(api, landing, kind, body["results"]), {"since": lower_bound})
        last_id = max([last_id, *(int(record["id"]) for record in body["results"])])
        more_pages = next_cursor(body) is not None


def _filter(name: str, operator: str, value: int) -> dict[str, str]:
    return {"propertyName": name, "operator": operator, "value": str(value)}


def _modified_ms(record: Mapping[str, Any], kind: RecordKind) -> int:
    timestamp = moment(record["properties"].get(kind.modified)) or moment(record.get("updatedAt"))
    return milliseconds(timestamp) if timestamp else 0


def _rows(api: HubSpotApi, kind: RecordKind, records: Sequence[Mapping[str, Any]]) -> tuple[list[Row], dict[str, list[str]]]:
    """The records' rows, and the contacts that belong to each."""
    rows = [kind.row(record) for record in records]
    if kind.members is None or not records:
        return rows, {}
    people = api.associations(kind.name, "contacts", [str(record["id"]) for record in records])
    for record, row in zip(records, rows, strict=True):
        row[kind.members] = ";".join(["", *sorted(people.get(str(record["id"]), [])), ""])
    return rows, people


def _changed_tables(api: HubSpotApi, landing: Landing, kind: RecordKind, results: Sequence[Mapping[str, Any]]) -> Tables:
    """Of a page of a search, what is not as it was landed, read whole."""
    rows, _ = _rows(api, kind, results)
    names = {row["_id"] for row in changed_rows(landing, kind.table, rows, kind.volatile)}
    return read_records(
        api, kind, [str(record["id"]) for record, row in zip(results, rows, strict=True) if row["_id"] in names]
    )


def read_records(api: HubSpotApi, kind: RecordKind, ids: Sequence[str]) -> Tables:
    """Records by id with their history and what hangs on them; those that are gone by now are not among them."""
    records = api.read(kind.name, ids, kind.properties, kind.history) if ids else []
    rows, people = _rows(api, kind, records)
    for row in rows:
        row["_hash"] = content_hash(row, kind.volatile)
    return {kind.table: rows, **(kind.related(records, people) if records else {})}


def deletion_rows(landing: Landing, kind: RecordKind, ids: Sequence[str], deleted_at: datetime) -> list[Row]:
    """Records that are not there any more."""
    names = [str(kind.row({"id": name, "properties": {}})["_id"]) for name in ids]
    return departed_rows(landing, kind.table, names, deleted_at)


def archived_pages(api: HubSpotApi, landing: Landing, kind: RecordKind) -> Iterator[Page]:
    """Deleted records, as long as HubSpot lists them (90 days). It cannot be asked for the newest alone."""
    page_cursor = None
    while True:
        records, page_cursor = api.ids(kind.name, page_cursor, archived=True)
        rows = []
        keys = landing.values(kind.table, "_email_key", [str(record["id"]) for record in records])
        for record in records:
            name = kind.row(record)["_id"]
            deleted_at = moment(record.get("archivedAt")) or moment(record.get("updatedAt"))
            # whom it was merged into is as old as it; its acts are found by its key until it is erased
            person = {"_created_at": moment(record.get("createdAt")), "_email_key": keys.get(name)}
            rows.append({"_id": name, "_gone_at": deleted_at, **(person if kind.table == "people" else {})})
        yield Page({kind.table: changed_rows(landing, kind.table, rows, kind.volatile)}, None)
        if page_cursor is None:
            return


def history_rows(entity: str, record: Mapping[str, Any], backstop: Mapping[str, tuple[str, str]]) -> list[Row]:
    """What the properties of a record became, and when.

    HubSpot keeps a limited number of versions; where it has forgotten that a lead stage was entered, `backstop` (property:
    (field, value)) still says when.
    """
    name = str(record["id"])
    rows: list[Row] = []
    known_values: set[tuple[str, str]] = set()
    for field, versions in (record.get("propertiesWithHistory") or {}).items():
        for version in versions if field != EMAIL else ():
            timestamp, value = moment(version.get("timestamp")), str(version.get("value") or "")
            if timestamp is None:
                continue
            known_values.add((field, value))
            rows.append(history_row(entity, name, field, value, timestamp))
    for source, (field, value) in backstop.items():
        timestamp = moment(record["properties"].get(source))
        if timestamp is not None and (field, value) not in known_values:
            rows.append(history_row(entity, name, field, value, timestamp))
    return rows


def alias_rows(entity: str, record: Mapping[str, Any]) -> list[Row]:
    """The records that were merged into this one. Older merges of contacts stand, with their moments, in a property of their
    own ("12:1609459200000;15:…")."""
    changed_at, properties = moment(record.get("updatedAt")), record["properties"]
    merged_at: dict[str, datetime | None] = dict.fromkeys(_listed(properties.get(MERGED_IDS)), changed_at)
    for entry in _listed(properties.get(MERGED_CONTACTS)):
        old_id, _, timestamp = entry.partition(":")
        merged_at[old_id.strip()] = moment(int(timestamp)) if timestamp.strip().isdigit() else changed_at
    return [alias_row(entity, old_id, record["id"], at) for old_id, at in merged_at.items() if old_id != str(record["id"])]


def _listed(value: object) -> list[str]:
    return [part.strip() for part in str(value or "").split(";") if part.strip()]


def addresses_of(properties: Mapping[str, Any]) -> list[str]:
    """A contact's addresses, the main one first; those of contacts that were merged into it are among them."""
    return [str(properties.get(EMAIL) or ""), *_listed(properties.get(FURTHER_ADDRESSES))]


def address_rows(record: Mapping[str, Any], salt: bytes) -> list[Row]:
    """The addresses of a contact that its own row does not keep: further ones, and former ones with their moments."""
    name, properties = str(record["id"]), record["properties"]
    rows = further_rows([{"_id": name, **address_columns(addresses_of(properties), salt)}])
    versions = (record.get("propertiesWithHistory") or {}).get(EMAIL) or []
    created = moment(properties.get("createdate") or record.get("createdAt"))
    dated = [(mail_key(version.get("value"), salt), moment(version.get("timestamp"))) for version in versions]
    if len(dated) == 1 and created and dated[0][1] and dated[0][1] <= created + SAME_TIME:
        return rows  # it has had its address since there is such a contact
    return rows + [address_row(name, key, at) for key, at in dated if at]


def entity_histories(entity: str, records: Sequence[Mapping[str, Any]]) -> list[Row]:
    """The history rows of several records."""
    return [row for record in records for row in history_rows(entity, record, {})]


def entity_aliases(entity: str, records: Sequence[Mapping[str, Any]]) -> list[Row]:
    """The merged records of several."""
    return [row for record in records for row in alias_rows(entity, record)]


def company_relations(records: Sequence[Mapping[str, Any]], _people: Mapping[str, list[str]]) -> Tables:
    """What hangs on companies."""
    return {"history": entity_histories("company", records), "aliases": entity_aliases("company", records)}
