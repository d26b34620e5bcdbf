"""Rows of the landing that look alike for every CRM."""

from __future__ import annotations

from datetime import datetime

from connectors.crm.landing_tables import Row
from connectors.crm.moments import iso
from connectors.crm.responses import masked


def history_row(entity: str, record: str, field: str, value: str, changed_at: datetime | None) -> Row:
    """A field of a record became a value."""
    value = masked(value)  # an address may stand in a field of any name
    key = f"{entity}|{record}|{field}|{iso(changed_at) if changed_at else ''}|{value}"
    return {"_id": key, "entity": entity, "record": record, "field": field, "value": value, "at": changed_at}


def before_row(change: Row, value: str, created_at: datetime) -> Row:
    """The value that a field had before a change, since the record was created."""
    return {**change, "_id": f"{change['_id']}|before", "value": masked(value), "at": created_at, "until": change["at"]}


def alias_row(entity: str, record: str, target: object, merged_at: datetime | None, way: str = "") -> Row:
    """A record is another one by now. `way`: tells apart the others that one record can be."""
    name = "|".join([entity, record, *([way] if way else [])])
    return {"_id": name, "entity": entity, "record": record, "into": str(target), "at": merged_at}


def label_row(field: str, value: str, label: str, meaning: str = "") -> Row:
    """What a stored value is called, and whether it means won or lost."""
    return {"_id": f"{field}|{value}", "field": field, "value": value, "label": label, "meaning": meaning}


def true(value: object) -> bool:
    """JSON says true, files say "true", some fields 1."""
    return value is True or str(value).lower() in ("true", "1")


def text(value: object) -> str:
    """A value as it is compared with those of the configuration."""
    return ("true" if value else "false") if isinstance(value, bool) else "" if value is None else str(value)


def number(value: object) -> float | None:
    """A number, or nothing where there is none."""
    try:
        return float(str(value)) if value not in (None, "") else None
    except ValueError:
        return None
