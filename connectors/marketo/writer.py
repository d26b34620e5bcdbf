"""Scores into lead fields of our own, 300 leads a call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from connectors.crm.moments import iso
from connectors.crm.responses import RefusedError
from connectors.crm.score_fields import LONGEST, ScoreField, Value
from connectors.crm.write_back import Record, Written
from connectors.marketo.api import BATCH, Api
from features.common.errors import CrmError

KINDS = {"number": "float", "text": "string", "long": "string", "time": "datetime"}  # the API makes no long text fields
NOT_FOUND = ("1004", "1013")
LATER = ("1018", "1019", "1077")  # busy with a sync, an import or another call


class MarketoWriter:
    """Writes lead fields; never `leadScore`, which the customer's campaigns own."""

    title = "Marketo"
    batch = BATCH

    def __init__(self, api: Api, prefix: str) -> None:
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
        there = self.api.fields()
        missing = []
        for field in fields:
            name = self.field(field.key)
            found = there.get(name)
            if found is None:
                missing.append(field)
            elif found.get("dataType") != KINDS[field.kind] or not str(found.get("description") or "").startswith(self._mark):
                raise CrmError(
                    f"Marketo has a lead field {name} of type {found.get('dataType')}"
                    f" that is described as {str(found.get('description'))[:60]!r}; ours is of type "
                    f"{KINDS[field.kind]}.",
                    "It belongs to somebody else: choose another `write_back: prefix:`.",
                )
        if create and missing:
            self._create(missing)
            return []
        return [self.field(f.key) for f in missing]

    def _create(self, missing: Sequence[ScoreField]) -> None:
        """Make fields, idempotently: an attempt whose answer was lost may have made them, so what is there after it counts."""
        said = ""
        try:
            order = {"input": [self._definition(f) for f in missing]}
            result = self.api.http.post(f"{self.api.rest}/leads/schema/fields.json", order).body.get("result") or []
            said = "; ".join(str(r.get("message")) for one in result for r in one.get("reasons") or ())
        except RefusedError as error:
            said = error.fact
        there = self.api.fields()
        lost = [self.field(f.key) for f in missing if self.field(f.key) not in there]
        if lost:
            raise CrmError(
                f"Marketo did not make {', '.join(lost)}: {said or 'no reason given'}", "The role needs Read-Write Schema."
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

    def write(self, records: Sequence[Record]) -> list[Written]:
        """See `Writer`."""
        sent = [{"id": int(name), **{self.field(k): _told(v) for k, v in values.items()}} for name, values in records]
        order: dict[str, Any] = {"action": "updateOnly", "lookupField": "id", "input": sent}
        result = self.api.http.post(f"{self.api.rest}/leads.json", order).body.get("result") or []
        return [_written(name, answer) for (name, _), answer in zip(records, result, strict=False)]


def _told(value: Value) -> object:
    if isinstance(value, datetime):
        return iso(value)
    return value[: LONGEST - 1] + "…" if isinstance(value, str) and len(value) > LONGEST else value


def _written(name: str, answer: dict[str, Any]) -> Written:
    if answer.get("status") == "updated":
        return Written(name)
    reasons = answer.get("reasons") or [{"code": "", "message": "no reason given"}]
    codes = [str(reason.get("code")) for reason in reasons]
    words = "; ".join(f"{code} {reason.get('message')}" for code, reason in zip(codes, reasons, strict=True))
    return Written(name, words, any(c in LATER for c in codes), any(c in NOT_FOUND for c in codes))
