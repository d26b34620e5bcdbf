"""Scores into custom fields of leads, and of the contacts that leads became, since a converted lead is closed to writing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.crm.landing import Landing
from connectors.crm.moments import iso
from connectors.crm.score_fields import ScoreField, Value
from connectors.crm.write_back import Record, RecordResult
from connectors.salesforce.api import SalesforceApi
from features.common.errors import CrmError

METADATA = Path(__file__).with_name("metadata")
KINDS = {"number": {"double", "currency", "percent", "int"}, "text": {"string"}, "long": {"textarea"}, "time": {"datetime"}}
BATCH = 200
ACCESS_BATCH = 400  # ids that an address has room for
GONE_CODES = ("ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND")
RETRY_CODES = ("UNABLE_TO_LOCK_ROW", "REQUEST_RUNNING_TOO_LONG")


class SalesforceWriter:
    """Writes score fields of Lead and Contact."""

    title = "Salesforce"
    batch = BATCH

    def __init__(self, api: SalesforceApi, landing: Landing, prefix: str) -> None:
        self.api, self.landing, self.prefix = api, landing, prefix

    @property
    def api_prefix(self) -> str:
        return f"{self.prefix.capitalize()}_"

    def field(self, key: str) -> str:
        """The API name of a score field.

        >>> SalesforceWriter(None, None, "ripeline").field("lead_stage")
        'Ripeline_Lead_Stage__c'
        """
        return self.api_prefix + "_".join(word.capitalize() for word in key.split("_")) + "__c"

    def prepare(self, fields: Sequence[ScoreField], create: bool) -> list[str]:
        """See `Writer`. Salesforce's fields are made by an administrator, from the metadata that ships with
        Ripeline."""
        missing = []
        for kind in ("Lead", "Contact"):
            existing_fields = self.api.describe(kind)
            for field in fields:
                name = self.field(field.key)
                existing = existing_fields.get(name)
                if existing is None:
                    missing.append(f"{kind}.{name}")
                elif existing["type"] not in KINDS[field.kind]:
                    raise CrmError(
                        f"Salesforce has a field {kind}.{name} of type {existing['type']}, ours is "
                        f"{' or '.join(sorted(KINDS[field.kind]))}.",
                        "It belongs to somebody else: choose another `write_back: prefix:`.",
                    )
                elif not existing.get("updateable", True):
                    raise CrmError(f"Our user may not write {kind}.{name}.", "Assign the permission set Ripeline to it.")
        if create and missing:
            raise CrmError(
                f"Salesforce lacks {len(missing)} fields, among them {missing[0]}.",
                "Deploy them once: sf project deploy start --source-dir connectors/salesforce/metadata "
                "(docs/crm/salesforce.md).",
            )
        return missing

    def write(self, records: Sequence[Record]) -> list[RecordResult]:
        """See `Writer`."""
        contacts = self.places([name for name, _ in records])
        updates = [self._record(name, values, contacts.get(name)) for name, values in records]
        answers = self.api.update(updates)
        results = []
        for (name, _), answer in zip(records, answers, strict=False):  # one that is not answered is no acknowledgement
            errors = answer.get("errors") or []
            codes = [str(error.get("statusCode")) for error in errors]
            words = "; ".join(f"{code}: {error.get('message')}" for code, error in zip(codes, errors, strict=True))
            problem = "" if answer.get("success") else words or "no reason given"
            results.append(
                RecordResult(name, problem, any(c in RETRY_CODES for c in codes), any(c in GONE_CODES for c in codes))
            )
        return results

    def unwritable(self, ids: Sequence[str]) -> dict[str, str]:
        """See `Writer`: by Salesforce's sharing. Records that are not there any more are found at the write."""
        contacts = self.places(ids)
        names = {contacts.get(name, name): name for name in ids}
        problems: dict[str, str] = {}
        for kind, targets in (("Contact", set(contacts.values())), ("Lead", names.keys() - set(contacts.values()))):
            ordered = sorted(targets)
            for begin in range(0, len(ordered), ACCESS_BATCH):
                for target in self.api.not_editable(kind, ordered[begin : begin + ACCESS_BATCH]):
                    problems[names[target]] = f"our user may not edit the {kind.lower()} {target} (sharing)"
        return problems

    def places(self, ids: Sequence[str]) -> dict[str, str]:
        """See `Writer`; the contacts that these leads became."""
        contact_ids: dict[str, str] = {}
        for begin in range(0, len(ids), 1_000):
            contact_ids |= self.landing.values("people", "ConvertedContactId", ids[begin : begin + 1_000])
        return {name: contact for name, contact in contact_ids.items() if contact}

    def _record(self, name: str, values: Mapping[str, Value], contact: str | None) -> dict[str, Any]:
        fields = {self.field(key): iso(v) if isinstance(v, datetime) else v for key, v in values.items()}
        return {"attributes": {"type": "Contact" if contact else "Lead"}, "id": contact or name, **fields}
