"""A person removed from what a CRM said: from the landing, the ledger of what was written back, and the events of webhooks."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.crm.addresses import make_owners
from connectors.crm.compile import MEMORY_LIMITS, open_database
from connectors.crm.landing import Landing, _dlt_errors
from connectors.crm.merges import LONGEST_CHAIN, resolve
from features.common.files import whole_file
from features.dataset.data_report import DataReport

# table → columns that name a person
NAMED = {
    "people": ("_id",),
    "history": ("record",),
    "activities": ("person",),
    "aliases": ("record", "into"),
    "addresses": ("person",),
    "inbox": ("person",),
    "takers": ("person",),
    "deal_people": ("person",),
}
KEYED = {"people": ("_id", "_email_key"), "addresses": ("person", "email_key")}  # table → who has which address
LISTED = {"engagements": "people", "deals": "_people"}  # as ";12;14;"


def records_of(landing: Landing, lead_id: str) -> list[str]:
    """The records that are this lead: its own, and those that were merged into it."""
    if "aliases" not in landing.tables():
        return [lead_id]
    records, newest = {lead_id}, {lead_id}
    for _ in range(LONGEST_CHAIN):
        rows = _run(landing, 'SELECT "record" FROM {aliases} WHERE "entity" = \'lead\' AND "into" IN ({ids})', newest)
        newest = {str(row[0]) for row in rows} - records
        if not newest:
            break
        records |= newest
    return sorted(records)


def erase(landing: Landing, records: Sequence[str]) -> int:
    """Delete what names one of the records, and acts that only name an e-mail address of theirs; → rows. Deals and shared
    activities stay, without the person."""
    landing.cursors()  # what was fetched and not landed yet
    tables, deleted = landing.tables(), _erase_addressed(landing, records)
    for table, columns in NAMED.items():
        for column in columns:
            if column in tables.get(table, []):
                deleted += _delete(
                    landing, table, column, records, " AND \"entity\" = 'lead'" if "entity" in tables[table] else ""
                )
    if "deals" in tables:
        _run(landing, 'UPDATE {deals} SET "_person" = NULL WHERE "_person" IN ({ids})', records)
    for table, column in LISTED.items():
        for record in records if column in tables.get(table, []) else ():
            sql = f'UPDATE {{{table}}} SET "{column}" = replace("{column}", {{one}}, \';\') WHERE "{column}" LIKE {{like}}'
            _run(landing, sql, [], one=f";{record};", like=f"%;{record};%")
    return deleted


def _erase_addressed(landing: Landing, records: Sequence[str]) -> int:
    """Delete acts that only name an address of the records, a former or a further one too; → rows. Not those that are another
    lead's, who has or had the same address."""
    tables = landing.tables()
    keyed = {table: columns for table, columns in KEYED.items() if set(columns) <= set(tables.get(table, []))}
    if "activities" not in tables:
        return 0
    keys: set[str] = set()
    for table, (person, key) in keyed.items():
        rows = _run(landing, f'SELECT "{key}" FROM {{{table}}} WHERE "{person}" IN ({{ids}}) AND "{key}" <> \'\'', records)
        keys |= {str(row[0]) for row in rows}
    own_records, shared = set(records), set[str]()
    for table, (person, key) in keyed.items() if keys else ():
        rows = _run(landing, f'SELECT "{key}", "{person}" FROM {{{table}}} WHERE "{key}" IN ({{ids}})', keys)
        shared |= {str(row[0]) for row in rows if str(row[1]) not in own_records}
    deleted = _delete(landing, "activities", "email_key", sorted(keys - shared)) if keys - shared else 0
    spans = _spans_of_others(landing, sorted(shared), own_records) if shared else {}
    for address in sorted(shared):
        exceptions = "".join(f" AND NOT ({span})" for span in spans.get(address, ()))
        deleted += _delete(landing, "activities", "email_key", [address], exceptions)
    return deleted


def _spans_of_others(landing: Landing, keys: Sequence[str], records: set[str]) -> dict[str, list[str]]:
    """Key of an address → SQL of the times in which it was that of a lead that is none of the records."""
    spans: dict[str, list[str]] = {}
    with open_database(landing, MEMORY_LIMITS[-1]) as base:
        resolve(base)
        make_owners(base, DataReport())
        sql = """
            SELECT email_key, lead_id, CASE WHEN since > '-infinity' THEN CAST(since AS VARCHAR) END,
                   CASE WHEN until < 'infinity' THEN CAST(until AS VARCHAR) END
            FROM by_key WHERE email_key IN (SELECT unnest(?))
        """
        rows = base.execute(sql, [list(keys)]).fetchall()
    for key, lead, since, until in rows:
        if lead not in records:
            bounds = [(sign, mark) for sign, mark in ((">=", since), ("<", until)) if mark]
            limits = [f"\"at\" {sign} CAST('{mark}' AS TIMESTAMP WITH TIME ZONE)" for sign, mark in bounds]
            spans.setdefault(key, []).append(" AND ".join(limits) or "1 = 1")
    return spans


def erase_departed(landing: Landing, gone_before: datetime, missing_before: datetime | None, people: Sequence[str]) -> int:
    """Erase `people`, and who has been gone since before `gone_before`, which the vendor can bring back no more, with ledger
    and events; → rows. Who was merged stays: the history is the winner's.

    `missing_before`: who was listed nowhere, not even among the deleted, and has been gone since before this moment, goes too.
    Who went later may be among the deleted by now, which were listed before, or merged into somebody who is read next time.
    """
    if "people" not in landing.tables():
        return 0
    earlier = '"_gone_at" < CAST({%s} AS TIMESTAMP WITH TIME ZONE)'
    condition = earlier % "before"
    if missing_before is not None:
        condition = f'({condition} OR ({earlier % "missing_before"} AND "_created_at" IS NULL))'
    merged = ""
    if "aliases" in landing.tables():
        merged = ' AND "_id" NOT IN (SELECT "record" FROM {aliases} WHERE "entity" = \'lead\')'
    moments = {"before": gone_before, "missing_before": missing_before or gone_before}
    values = {name: moment.isoformat() for name, moment in moments.items()}
    rows = _run(landing, f'SELECT "_id" FROM {{people}} WHERE {condition}{merged}', [], **values)
    departed_ids = [*people, *(str(row[0]) for row in rows)]
    deleted = 0
    for begin in range(0, len(departed_ids), 1_000):
        records = set(departed_ids[begin : begin + 1_000])
        for winner in _winners(landing, records):
            records |= set(records_of(landing, winner))
        deleted += erase(landing, sorted(records)) + erase_beside(landing.folder, sorted(records))[0]
    return deleted


def _winners(landing: Landing, records: set[str]) -> set[str]:
    """Those of the records that others were merged into."""
    if "aliases" not in landing.tables():
        return set()
    rows = _run(landing, 'SELECT "into" FROM {aliases} WHERE "entity" = \'lead\' AND "into" IN ({ids})', records)
    return {str(row[0]) for row in rows}


def remaining_rows(landing: Landing, records: Sequence[str]) -> int:
    """Rows that still name one of the records."""
    tables, count = landing.tables(), 0
    for table, columns in {**NAMED, "deals": ("_person",)}.items():
        for column in columns:
            if column in tables.get(table, []):
                condition = " AND \"entity\" = 'lead'" if "entity" in tables[table] else ""
                rows = _run(landing, f'SELECT count(*) FROM {{{table}}} WHERE "{column}" IN ({{ids}}){condition}', records)
                count += int(rows[0][0])
    for table, column in LISTED.items():
        for record in records if column in tables.get(table, []) else ():
            rows = _run(landing, f'SELECT count(*) FROM {{{table}}} WHERE "{column}" LIKE {{like}}', [], like=f"%;{record};%")
            count += int(rows[0][0])
    return count


def _delete(landing: Landing, table: str, column: str, values: Sequence[str], condition: str = "") -> int:
    clause = f'"{column}" IN ({{ids}}){condition}'
    count = int(_run(landing, f"SELECT count(*) FROM {{{table}}} WHERE {clause}", values)[0][0])
    if count:
        _run(landing, f"DELETE FROM {{{table}}} WHERE {clause}", values)
    return count


def _run(landing: Landing, sql: str, ids: Sequence[str] | set[str], **values: str) -> list[Any]:
    """SQL over landed tables, which stand in it as {table}; {ids} are the ids, other names values."""
    arguments: list[str] = []

    class Marks(dict[str, str]):
        def __missing__(self, name: str) -> str:
            if name == "ids":
                arguments.extend(sorted(ids))
                return ", ".join(["%s"] * len(ids))
            if name in values:
                arguments.append(values[name])
                return "%s"
            return client.make_qualified_table_name(name)

    with _dlt_errors(landing), landing._client() as client:
        return list(client.execute_sql(sql.format_map(Marks()), *arguments) or [])


def erase_beside(folder: Path, records: Sequence[str]) -> tuple[int, int]:
    """Ledger, failures and events of webhooks in the landing's folder → rows deleted, rows left."""
    deleted = remaining = 0
    for name, table, column in (("sent.sqlite", "sent", "id"), ("hooks.sqlite", "events", "record")):
        if (folder / name).is_file():
            base = sqlite3.connect(folder / name, isolation_level=None)
            try:
                base.execute("PRAGMA secure_delete=ON")
                marks = ", ".join("?" * len(records))
                deleted += base.execute(f'DELETE FROM {table} WHERE "{column}" IN ({marks})', records).rowcount
                remaining += base.execute(f'SELECT count(*) FROM {table} WHERE "{column}" IN ({marks})', records).fetchone()[0]
                base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                base.close()
    return deleted + erase_rows(folder / "failed.csv", records), remaining


def erase_rows(file: Path, ids: Sequence[str]) -> int:
    """Rows of a CSV file with a cell that is one of the ids → how many there were."""
    if not file.is_file():
        return 0
    with file.open(newline="", encoding="utf-8") as source:
        rows = list(csv.reader(source))
    kept_rows = [row for row in rows if not set(row) & set(ids)]
    if len(kept_rows) < len(rows):
        with whole_file(file) as partial, partial.open("w", newline="", encoding="utf-8") as target:
            csv.writer(target, lineterminator="\n").writerows(kept_rows)
    return len(rows) - len(kept_rows)
