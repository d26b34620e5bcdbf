"""Scores into contact properties of our own group, 100 contacts a call."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.crm.moments import iso
from connectors.crm.responses import RefusedError
from connectors.crm.score_fields import ScoreField, Value, plain_number
from connectors.crm.write_back import Record, Written
from connectors.hubspot.api import Api
from features.common.errors import CrmError

DEFINITIONS = Path(__file__).with_name("properties.json")
BATCH = 100


def definitions(prefix: str) -> dict[str, Any]:
    """The shipped group and properties under this prefix."""
    text = DEFINITIONS.read_text(encoding="utf-8").replace("{prefix}", prefix).replace("{Prefix}", prefix.capitalize())
    found: dict[str, Any] = json.loads(text)
    return found


class HubSpotWriter:
    """Writes contacts' score properties."""

    title = "HubSpot"
    batch = BATCH

    def __init__(self, api: Api, prefix: str) -> None:
        self.api, self.prefix = api, prefix
        self._names: dict[str, str] = {}

    def prepare(self, fields: Sequence[ScoreField], create: bool) -> list[str]:
        """See `Writer`. A property of our name in another group, or of another type, is somebody else's: it is not
        touched."""
        shipped = definitions(self.prefix)
        group = shipped["group"]["name"]
        there = {p["name"]: p for p in self.api.properties("contacts")}
        missing = []
        for field, wanted in [(f, p) for f in fields for p in shipped["properties"] if p["key"] == f.key]:
            name = wanted["name"]
            found = there.get(name)
            if found and (found.get("groupName") != group or found.get("type") != wanted["type"]):
                raise CrmError(
                    f"HubSpot has a contact property {name!r} of type {found.get('type')} in the group"
                    f" {found.get('groupName')!r}; ours is of type {wanted['type']} in {group!r}.",
                    "It belongs to somebody else: choose another `write_back: prefix:`.",
                )
            self._names[field.key] = name
            if not found:
                missing.append((field, wanted))
        if create and missing:
            self._create(shipped["group"], missing)
            return []
        return [wanted["name"] for _, wanted in missing]

    def _create(self, group: dict[str, Any], missing: Sequence[tuple[ScoreField, dict[str, Any]]]) -> None:
        path = f"/crm/properties/{self.api.version}/contacts"
        _once(self.api, f"{path}/groups", group)
        for field, wanted in missing:
            body = {k: v for k, v in wanted.items() if k != "key"}
            label = f"{self.prefix.capitalize()} {field.label}"
            _once(self.api, path, {**body, "groupName": group["name"], "label": label, "description": field.description})

    def places(self, ids: Sequence[str]) -> dict[str, str]:
        """See `Writer`; a lead's scores stand on itself."""
        return {}

    def write(self, records: Sequence[Record]) -> list[Written]:
        """See `Writer`. Values go as text, the only thing HubSpot takes; empty text empties a property."""
        inputs = [{"id": name, "properties": {self._names[k]: _text(v) for k, v in values.items()}} for name, values in records]
        body = self.api.http.post(f"/crm/objects/{self.api.version}/contacts/batch/update", {"inputs": inputs}).body
        found = {str(one["id"]): Written(str(one["id"])) for one in body.get("results", [])}
        said = ""
        for error in body.get("errors", []):
            gone = error.get("category") == "OBJECT_NOT_FOUND"
            context = error.get("context") or {}
            names = context.get("ids") or context.get("id") or []
            found |= {str(name): Written(str(name), str(error.get("message")), gone=gone) for name in names}
            said = said if names else str(error.get("message"))
        silent = [name for name, _ in records if name not in found]
        merged = len(found) > len(records) - len(silent)  # answered for another: the record that it was merged into
        for name in silent:
            if merged:
                found[name] = Written(name, "it was merged into another", gone=True)
            elif said:
                found[name] = Written(name, said)
        return list(found.values())


def _once(api: Api, path: str, body: Any) -> None:
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
