"""Scores into contact properties of our own group, 100 contacts a call."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.crm.moments import iso
from connectors.crm.responses import RefusedError
from connectors.crm.score_fields import ScoreField, Value, plain_number
from connectors.crm.write_back import Record, RecordResult
from connectors.hubspot.api import HubSpotApi
from features.common.errors import CrmError

DEFINITIONS = Path(__file__).with_name("properties.json")
BATCH = 100


def definitions(prefix: str) -> dict[str, Any]:
    """The shipped group and properties under this prefix."""
    text = DEFINITIONS.read_text(encoding="utf-8").replace("{prefix}", prefix).replace("{Prefix}", prefix.capitalize())
    document: dict[str, Any] = json.loads(text)
    return document


class HubSpotWriter:
    """Writes contacts' score properties."""

    title = "HubSpot"
    batch = BATCH

    def __init__(self, api: HubSpotApi, prefix: str) -> None:
        self.api, self.prefix = api, prefix
        self._names: dict[str, str] = {}

    def prepare(self, fields: Sequence[ScoreField], create: bool) -> list[str]:
        """See `Writer`. A property of our name in another group, or of another type, is somebody else's: it is not
        touched."""
        shipped = definitions(self.prefix)
        group = shipped["group"]["name"]
        existing_properties = {p["name"]: p for p in self.api.properties("contacts")}
        missing = []
        for field, definition in [(f, p) for f in fields for p in shipped["properties"] if p["key"] == f.key]:
            name = definition["name"]
            existing = existing_properties.get(name)
            if existing and (existing.get("groupName") != group or existing.get("type") != definition["type"]):
                raise CrmError(
                    f"HubSpot has a contact property {name!r} of type {existing.get('type')} in the group"
                    f" {existing.get('groupName')!r}; ours is of type {definition['type']} in {group!r}.",
                    "It belongs to somebody else: choose another `write_back: prefix:`.",
                )
            self._names[field.key] = name
            if not existing:
                missing.append((field, definition))
        if create and missing:
            self._create(shipped["group"], missing)
            return []
        return [definition["name"] for _, definition in missing]

    def _create(self, group: dict[str, Any], missing: Sequence[tuple[ScoreField, dict[str, Any]]]) -> None:
        path = f"/crm/properties/{self.api.version}/contacts"
        _create_if_absent(self.api, f"{path}/groups", group)
        for field, definition in missing:
            body = {k: v for k, v in definition.items() if k != "key"}
            label = f"{self.prefix.capitalize()} {field.label}"
            _create_if_absent(
                self.api, path, {**body, "groupName": group["name"], "label": label, "description": field.description}
            )

    def places(self, ids: Sequence[str]) -> dict[str, str]:
        """See `Writer`; a lead's scores stand on itself."""
        return {}

    def write(self, records: Sequence[Record]) -> list[RecordResult]:
        """See `Writer`. Values go as text, the only thing HubSpot takes; empty text empties a property."""
        inputs = [{"id": name, "properties": {self._names[k]: _text(v) for k, v in values.items()}} for name, values in records]
        body = self.api.http.post(f"/crm/objects/{self.api.version}/contacts/batch/update", {"inputs": inputs}).body
        answered = Counter(str(result["id"]) for result in body.get("results", []))
        # told twice: another record of the batch was merged into it, and whose values came last nobody knows
        doubled = "another was merged into it"
        results = {name: RecordResult(name, doubled if count > 1 else "", count > 1) for name, count in answered.items()}
        refused, message = _refusals(body.get("errors", []))
        results |= refused
        unanswered_ids = [name for name, _ in records if name not in results]
        # answered for another: the record that it was merged into
        merged = len(results) > len(records) - len(unanswered_ids) or max(answered.values(), default=0) > 1
        for name in unanswered_ids:
            if merged:
                results[name] = RecordResult(name, "it was merged into another", missing=True)
            elif message:
                results[name] = RecordResult(name, message)
        return list(results.values())


def _refusals(errors: Sequence[Mapping[str, Any]]) -> tuple[dict[str, RecordResult], str]:
    """What came of the records that errors name, and what the last error says that names none."""
    results: dict[str, RecordResult] = {}
    message = ""
    for error in errors:
        missing_record = error.get("category") == "OBJECT_NOT_FOUND"
        context = error.get("context") or {}
        names = context.get("ids") or context.get("id") or []
        results |= {str(name): RecordResult(str(name), str(error.get("message")), missing=missing_record) for name in names}
        message = message if names else str(error.get("message"))
    return results, message


def _create_if_absent(api: HubSpotApi, path: str, body: Any) -> None:
    """Create, idempotently: what is there already, from an attempt whose answer was lost, is as good."""
    try:
        api.http.post(path, body)
    except RefusedError as error:
        if error.http != 409:
            raise


def _text(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return iso(value)
    return plain_number(value) if isinstance(value, float) else str(value)
