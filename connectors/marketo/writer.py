"""Scores into lead fields of our own, 300 leads a call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from connectors.crm.moments import iso
from connectors.crm.responses import RefusedError
from connectors.crm.score_fields import LONGEST, ScoreField, Value
from connectors.crm.write_back import Record, RecordResult
from connectors.marketo.api import BATCH, MarketoApi
from features.common.errors import CrmError

KINDS = {"number": "float", "text": "string", "long": "string", "time": "datetime"}  # the API makes no long text fields
NOT_FOUND_CODES = ("1004", "1013")
RETRY_CODES = ("1018", "1019", "1077")  # busy with a sync, an import or another call


class MarketoWriter:
    """Writes lead fields; never `leadScore`, which the customer's campaigns own."""

    title = "Marketo"
    batch = BATCH

    def __init__(self, api: MarketoApi, prefix: str) -> None:
        self.api, self.prefix = api, prefix

    def field(self, key: str) -> str:
        """The API name of a score field.

        >>> MarketoWriter(None, "ripeline").field("lead_stage")
        'ripelineLeadStage'
        """
        return self.prefix + "".join(word.capitalize() for word in key.split("_"))

    @property
    def _mark(self) -> str:
        return f"{self.prefix.capitalize()}: "  # how a description begins that is ours

    def prepare(self, fields: Sequence[ScoreField], create: bool) -> list[str]:
        """See `Writer`. A field of our name whose description is not ours, or of another type, is somebody else's."""
        existing_fields = self.api.fields()
        missing = []
        for field in fields:
            name = self.field(field.key)
            existing = existing_fields.get(name)
            if existing is None:
                missing.append(field)
            elif existing.get("dataType") != KINDS[field.kind] or not str(existing.get("description") or "").startswith(
                self._mark
            ):
                raise CrmError(
                    f"Marketo has a lead field {name} of type {existing.get('dataType')}"
                    f" that is described as {str(existing.get('description'))[:60]!r}; ours is of type "
                    f"{KINDS[field.kind]}.",
                    "It belongs to somebody else: choose another `write_back: prefix:`.",
                )
        if create and missing:
            self._create(missing)
            return []
        return [self.field(f.key) for f in missing]

    def _create(self, missing: Sequence[ScoreField]) -> None:
        """Make fields, idempotently: an attempt whose answer was lost may have made them, so what is there after it counts."""
        message = ""
        try:
            order = {"input": [self._definition(f) for f in missing]}
            result = self.api.http.post(f"{self.api.rest_path}/leads/schema/fields.json", order).body.get("result") or []
            message = "; ".join(str(r.get("message")) for record in result for r in record.get("reasons") or ())
        except RefusedError as error:
            message = error.fact
        existing_fields = self.api.fields()
        failed_fields = [self.field(f.key) for f in missing if self.field(f.key) not in existing_fields]
        if failed_fields:
            raise CrmError(
                f"Marketo did not make {', '.join(failed_fields)}: {message or 'no reason given'}",
                "The role needs Read-Write Schema.",
            )

    def _definition(self, field: ScoreField) -> dict[str, Any]:
        return {
            "displayName": f"{self.prefix.capitalize()} {field.label}",
            "name": self.field(field.key),
            "description": self._mark + field.description,
            "dataType": KINDS[field.kind],
        }

    def places(self, ids: Sequence[str]) -> dict[str, str]:
        """See `Writer`; a lead's scores stand on itself."""
        return {}

    def write(self, records: Sequence[Record]) -> list[RecordResult]:
        """See `Writer`."""
        updates = [{"id": int(name), **{self.field(k): _api_value(v) for k, v in values.items()}} for name, values in records]
        order: dict[str, Any] = {"action": "updateOnly", "lookupField": "id", "input": updates}
        result = self.api.http.post(f"{self.api.rest_path}/leads.json", order).body.get("result") or []
        return [_write_result(name, answer) for (name, _), answer in zip(records, result, strict=False)]


def _api_value(value: Value) -> object:
    if isinstance(value, datetime):
        return iso(value)
    return value[: LONGEST - 1] + "…" if isinstance(value, str) and len(value) > LONGEST else value


def _write_result(name: str, answer: dict[str, Any]) -> RecordResult:
    if answer.get("status") == "updated":
        return RecordResult(name)
    reasons = answer.get("reasons") or [{"code": "", "message": "no reason given"}]
    codes = [str(reason.get("code")) for reason in reasons]
    words = "; ".join(f"{code} {reason.get('message')}" for code, reason in zip(codes, reasons, strict=True))
    return RecordResult(name, words, any(c in RETRY_CODES for c in codes), any(c in NOT_FOUND_CODES for c in codes))
