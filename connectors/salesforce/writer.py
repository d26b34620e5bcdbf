"""Scores into custom fields of leads, and of the contacts that leads became, since a converted lead is closed to writing.

The contact of a person account is closed too: its fields stand on the account, called `__pc` in place of `__c`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from connectors.crm.landing import Landing
from connectors.crm.merges import LONGEST_CHAIN
from connectors.crm.moments import iso
from connectors.crm.score_fields import ScoreField, Value
from connectors.crm.write_back import Record, RecordResult
from connectors.salesforce.api import SalesforceApi
from features.common.errors import CrmError

METADATA = Path(__file__).with_name("metadata")
KINDS = {"number": {"double", "currency", "percent", "int"}, "text": {"string"}, "long": {"textarea"}, "time": {"datetime"}}
BATCH = 200
ACCESS_BATCH = 400  # ids that an address has room for
OBJECTS = {"Account": "001", "Contact": "003", "Lead": "00Q"}  # Salesforce's own beginnings of their ids
MERGED = "merged"  # behind the alias of a contact that was merged into another
GONE_CODES = ("ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND")
RETRY_CODES = ("UNABLE_TO_LOCK_ROW", "REQUEST_RUNNING_TOO_LONG")


class SalesforceWriter:
    """Writes score fields of Lead and Contact."""

    title = "Salesforce"
    batch = BATCH

    def __init__(self, api: SalesforceApi, landing: Landing, prefix: str) -> None:
        self.api, self.landing, self.prefix = api, landing, prefix
        self._person_accounts: dict[str, str] = {}  # contact → its person account, "" for none

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
        places = self.places([name for name, _ in records])
        updates = [self._record(places.get(name, name), values) for name, values in records]
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
        places = self.places(ids)
        names = {places.get(name, name): name for name in ids}
        problems: dict[str, str] = {}
        for kind in OBJECTS:
            targets = sorted(target for target in names if kind_of(target) == kind)
            for begin in range(0, len(targets), ACCESS_BATCH):
                for target in self.api.not_editable(kind, targets[begin : begin + ACCESS_BATCH]):
                    problems[names[target]] = f"our user may not edit the {kind.lower()} {target} (sharing)"
        return problems

    def places(self, ids: Sequence[str]) -> dict[str, str]:
        """See `Writer`; the contacts that these leads became, or that those were merged into, or their person accounts."""
        contact_ids: dict[str, str] = {}
        for begin in range(0, len(ids), 1_000):
            contact_ids |= self.landing.values("people", "ConvertedContactId", ids[begin : begin + 1_000])
        places = {name: contact for name, contact in contact_ids.items() if contact}
        moved = self._merged_contacts(sorted(set(places.values())))
        places = {name: moved.get(contact, contact) for name, contact in places.items()}
        accounts = self._accounts(sorted(set(places.values())))
        return {name: accounts.get(contact, contact) for name, contact in places.items()}

    def _accounts(self, contacts: Sequence[str]) -> dict[str, str]:
        """The person accounts of these contacts; an org without such accounts is not asked."""
        unknown = [name for name in contacts if name not in self._person_accounts] if self._has_person_accounts else []
        for begin in range(0, len(unknown), ACCESS_BATCH):
            batch = unknown[begin : begin + ACCESS_BATCH]
            self._person_accounts |= {**dict.fromkeys(batch, ""), **self.api.person_accounts(batch)}
        return {name: account for name in contacts if (account := self._person_accounts.get(name))}

    @cached_property
    def _has_person_accounts(self) -> bool:
        return {"IsPersonAccount", "AccountId"} <= self.api.describe("Contact").keys()

    def _merged_contacts(self, contacts: Sequence[str]) -> dict[str, str]:
        """Those of the contacts that were merged, with the one that each is by now."""
        winners: dict[str, str] = {}
        waiting = list(contacts)
        for _ in range(LONGEST_CHAIN):
            merges: dict[str, str] = {}
            for begin in range(0, len(waiting), 1_000):
                rows = [f"lead|{name}|{MERGED}" for name in waiting[begin : begin + 1_000]]
                merges |= self.landing.values("aliases", "into", rows)
            if not merges:
                break
            winners |= {row.split("|")[1]: target for row, target in merges.items()}
            waiting = sorted(set(merges.values()) - winners.keys())
        return {name: _last(winners, name) for name in contacts if name in winners}

    def _record(self, record_id: str, values: Mapping[str, Value]) -> dict[str, Any]:
        kind = kind_of(record_id)
        names = {key: self.field(key).removesuffix("__c") + ("__pc" if kind == "Account" else "__c") for key in values}
        fields = {names[key]: iso(v) if isinstance(v, datetime) else v for key, v in values.items()}
        return {"attributes": {"type": kind}, "id": record_id, **fields}


def kind_of(record: str) -> str:
    """The object of a record that holds a score, by Salesforce's own beginning of its id.

    >>> kind_of("001000000000001AAA"), kind_of("003000000000001AAA"), kind_of("00Q000000000001AAA")
    ('Account', 'Contact', 'Lead')
    """
    return next((kind for kind, beginning in OBJECTS.items() if record.startswith(beginning)), "Lead")


def _last(winners: Mapping[str, str], name: str) -> str:
    """Whom merges of merges lead to."""
    for _ in winners:
        name = winners.get(name, name)
    return name
