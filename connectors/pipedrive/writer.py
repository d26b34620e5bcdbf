"""Scores into custom fields of persons, one person a call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from connectors.crm.moments import iso
from connectors.crm.responses import RefusedError, UnreachableError
from connectors.crm.score_fields import ScoreField
from connectors.crm.write_back import Record, RecordResult
from connectors.pipedrive.api import WRITE_COST, PipedriveApi
from features.common.errors import CrmError

KINDS = {"number": "double", "text": "varchar", "long": "text", "time": "varchar"}  # it has no type for a moment
GONE_STATUSES = (404, 410)
ATTEMPTS = 3


class PipedriveWriter:
    """Writes custom fields of persons."""

    title = "Pipedrive"
    batch = 1

    def __init__(self, api: PipedriveApi, prefix: str) -> None:
        self.api, self.prefix = api, prefix
        self._codes: dict[str, str] = {}

    @property
    def label_prefix(self) -> str:
        return f"{self.prefix.capitalize()} "

    def prepare(self, fields: Sequence[ScoreField], create: bool) -> list[str]:
        """See `Writer`. Fields are known by their name; Pipedrive gives each a code of its own."""
        existing_fields, missing = self._fields_by_name(), []
        for field in fields:
            name = self.label_prefix + field.label
            existing = existing_fields.get(name, [])
            if len(existing) > 1:
                raise CrmError(f"Pipedrive has {len(existing)} person fields named {name!r}.", "Rename or remove all but one.")
            if existing and existing[0].get("field_type") != KINDS[field.kind]:
                raise CrmError(
                    f"Pipedrive has a person field {name!r} of type {existing[0].get('field_type')}, "
                    f"ours is {KINDS[field.kind]}.",
                    "It belongs to somebody else: choose another `write_back: prefix:`.",
                )
            if existing:
                self._codes[field.key] = str(existing[0]["field_code"])
            else:
                missing.append(field)
        for field in missing if create else ():
            self._codes[field.key] = self._create_field(field)
        return [] if create else [self.label_prefix + field.label for field in missing]

    def _fields_by_name(self) -> dict[str, list[dict[str, Any]]]:
        """Name → the fields of that name."""
        fields: dict[str, list[dict[str, Any]]] = {}
        for f in self.api.all_rows("/personFields"):
            fields.setdefault(str(f["field_name"]), []).append(f)
        return fields

    def _create_field(self, field: ScoreField) -> str:
        """Make a field; its code. It is not idempotent, Pipedrive would make two of one name: where no answer came we look."""
        name = self.label_prefix + field.label
        order = {"field_name": name, "field_type": KINDS[field.kind]}
        for attempt in range(ATTEMPTS):
            try:
                return str(self.api.http.post(f"{self.api.v2}/personFields", order, repeat=False).body["data"]["field_code"])
            except UnreachableError:
                if existing := self._fields_by_name().get(name):
                    return str(existing[0]["field_code"])
                if attempt == ATTEMPTS - 1:
                    raise
        raise AssertionError("not reached")

    def places(self, ids: Sequence[str]) -> dict[str, str]:
        """See `Writer`; a lead's scores stand on itself."""
        return {}

    def write(self, records: Sequence[Record]) -> list[RecordResult]:
        """See `Writer`."""
        results = []
        for name, values in records:
            custom = {self._codes[k]: iso(v) if isinstance(v, datetime) else v for k, v in values.items()}
            self.api.tokens += WRITE_COST
            try:
                self.api.http.patch(f"{self.api.v2}/persons/{name}", {"custom_fields": custom})
                results.append(RecordResult(name))
            except RefusedError as error:
                if error.http in (401, 402, 403):
                    raise
                results.append(RecordResult(name, error.fact, missing=error.http in GONE_STATUSES))
        return results
