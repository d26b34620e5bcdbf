"""The tables of a landing: which columns they have whatever the CRM, rows as Arrow, and a hash of a record's content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, TypeAlias

import pyarrow as pa

from connectors.crm.responses import masked

Row: TypeAlias = dict[str, Any]

TIME = pa.timestamp("us", tz="UTC")

# the columns that every table of that name has, whether rows fill them or not
COLUMNS: dict[str, dict[str, pa.DataType]] = {
    # one row per record; vendor's columns beside ours. `_further_keys`: what its further addresses are known by, as ";12;14;"
    "people": {
        "_created_at": TIME,
        "_company": pa.string(),
        "_email_domain": pa.string(),
        "_email_key": pa.string(),
        "_further_keys": pa.string(),
        "_opted_out": pa.string(),
        "_gone_at": TIME,
    },
    "companies": {"_gone_at": TIME},
    # `_people`: whose a deal is by now, as ";12;14;", where rows of deal_people may be stale
    "deals": {
        "_person": pa.string(),
        "_people": pa.string(),
        "_company": pa.string(),
        "_created_at": TIME,
        "_closed_at": TIME,
        "_amount": pa.float64(),
        "_currency": pa.string(),
        "_status": pa.string(),
        "_gone_at": TIME,
    },
    # who belongs to a deal
    "deal_people": {"deal": pa.string(), "person": pa.string(), "_gone_at": TIME},
    # what a field of a record became, and when; where a vendor tells a change with the value before it, that value is a row
    # too, from the record's creation `until` the change: of several the one that ended first is the value at the creation.
    # `rough`: only the day is known; counts where nothing else tells of that value
    "history": {
        "entity": pa.string(),
        "record": pa.string(),
        "field": pa.string(),
        "value": pa.string(),
        "at": TIME,
        "until": TIME,
        "rough": pa.bool_(),
    },
    # records whose only use is that acts hang on them; `people`: whose they are by now, as ";12;14;", where acts may be stale;
    # `stands_for`: another record that tells of the same, and less
    "engagements": {"people": pa.string(), "stands_for": pa.string(), "_gone_at": TIME},
    # whose acts of a record are too, or at all, where the vendor tells the two apart
    "takers": {"record": pa.string(), "person": pa.string(), "_gone_at": TIME},
    # one act of or towards a person; `person` or, where the vendor only names the address, `email_key`
    "activities": {
        "record": pa.string(),
        "person": pa.string(),
        "email_key": pa.string(),
        "type": pa.string(),
        "at": TIME,
        "value": pa.float64(),
        "content": pa.string(),
        "campaign": pa.string(),
        "direction": pa.string(),
    },
    # a record that is another one by now: merged, or a contact that was a lead
    "aliases": {"entity": pa.string(), "record": pa.string(), "into": pa.string(), "at": TIME},
    # the main address of a person `at` a moment and from then on ("" for none), or what it was before a change, `until` then;
    # without a moment a further address, which it has beside the main one
    "addresses": {"person": pa.string(), "email_key": pa.string(), "at": TIME, "until": TIME},
    # people whom a source of their own was recorded for
    "inbox": {"person": pa.string(), "source": pa.string(), "channel": pa.string(), "at": TIME},
    # deals whose history and participants, and people whose mails were read, each by a call of its own, and up to which change
    "changelogs": {"read": pa.string()},
    "participations": {"read": pa.string()},
    "mailboxes": {"read": pa.string()},
    # what a stored value is called on the vendor's screens
    "labels": {"field": pa.string(), "value": pa.string(), "label": pa.string(), "meaning": pa.string()},
}
ENTITIES = {"people": "lead", "companies": "company", "deals": "deal"}  # what aliases call the records of a table
OWN_COLUMNS = {"_id": pa.string(), "_seq": pa.int64(), "_hash": pa.string()}


def arrow(table: str, rows: Sequence[Row]) -> pa.Table:
    """Rows → Arrow: our columns of their types, the vendor's as text."""
    own_columns = {**OWN_COLUMNS, **COLUMNS[table]}
    vendor_names = sorted({name for row in rows for name in row} - own_columns.keys())
    columns = {
        name: pa.array([_text(row.get(name)) if kind == pa.string() else row.get(name) for row in rows], kind)
        for name, kind in own_columns.items()
    }
    for name in vendor_names:
        columns[name] = pa.array([_text(row.get(name)) for row in rows], pa.string())
    return pa.table(columns)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return masked(value) or None if value else None  # an address may stand in a field of any name
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if isinstance(value, dict | list) else str(value)


def content_hash(row: Row, excluded: frozenset[str]) -> str:
    """16 hex digits that change when a record's content does, fields in `excluded` apart."""
    content = [
        (k, str(v)) for k, v in sorted(row.items()) if k not in excluded and k not in OWN_COLUMNS and v not in (None, "")
    ]
    return hashlib.blake2b(repr(content).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
