"""Salesforce as Ripeline sees it. A lead stays a lead when it is converted: its contact is another name of it.

A lead's company is the name that stands on the lead, not the account: only converted leads have one, so that knowing the
account would tell the outcome (data leakage).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property, partial
from typing import Any

from connectors.crm.addresses import address_columns
from connectors.crm.attribute_check import columns_of
from connectors.crm.base import BaseConnector
from connectors.crm.changes import DEAL_PREFIX
from connectors.crm.connector import CallBudget, Check
from connectors.crm.http import Http
from connectors.crm.keys import company_key
from connectors.crm.landing import Landing
from connectors.crm.landing_tables import Row
from connectors.crm.mapping import CrmMapping, StageValue
from connectors.crm.moments import iso, moment
from connectors.crm.responses import RefusedError
from connectors.crm.rows import alias_row, history_row, label_row, number, true
from connectors.crm.stream import Page, Stream, changed_rows
from connectors.salesforce import activities
from connectors.salesforce.api import SalesforceApi
from connectors.salesforce.check import TRACKING_SCREEN, budget, checks, history_check
from connectors.salesforce.currencies import Currencies
from connectors.salesforce.histories import (
    ADDRESS,
    CONVERSION,
    CURRENCY,
    DEAL_HISTORY,
    deal_changes,
    field_condition,
    lead_changes,
    stage_label,
)
from connectors.salesforce.read import ObjectKind, Tables, next_query, read_kind
from connectors.salesforce.settings import (
    BULK_FROM,
    CONVERTED,
    INTERACTIONS,
    STAGE,
    STATUS,
    SalesforceSource,
)
from connectors.salesforce.writer import MERGED, SalesforceWriter
from features.attributes.values import has_opted_out

MEMBER, MEMBER_PREFIX = "CampaignMember", "00v"  # Salesforce's own beginning of their ids
CONVERSION_FIELDS = ("IsConverted", "ConvertedDate", "ConvertedAccountId", "ConvertedContactId", "ConvertedOpportunityId")
OPT_OUTS = ("HasOptedOutOfEmail",)
RECORD_TYPE, RECORD_TYPE_COLUMN = "RecordType.DeveloperName", "record_type"
VITAL_FIELDS = frozenset({STATUS, *CONVERSION_FIELDS, *OPT_OUTS})
KINDS_OF_FIELD = {"picklist", "string", "boolean", "double", "int", "percent", "currency", "date", "datetime", "multipicklist"}


SCREEN = "Setup → Permission Sets → Ripeline → Object Settings"


class Salesforce(SalesforceWriter, BaseConnector):
    """One org."""

    kind = "salesforce"

    def __init__(
        self, source: SalesforceSource, http: Http, landing: Landing, history_start: datetime, bulk_from: int = BULK_FROM
    ) -> None:
        super().__init__(SalesforceApi(http, source.api_version), landing, source.write_back.prefix)
        self._begin(source, http, landing, history_start)
        self.bulk_from = bulk_from
        self._kinds: dict[str, ObjectKind] = {}  # stream → what it reads

    @cached_property
    def _lead_fields(self) -> dict[str, dict[str, Any]]:
        return self.api.describe("Lead")

    def hello(self) -> None:
        """See `BaseConnector`."""
        self.api.limits()

    def read_account(self) -> str | None:
        """See `BaseConnector`: the id of the org; a sandbox has another than production."""
        try:
            pages = list(self.api.query("SELECT Id FROM Organization"))
        except RefusedError:
            return None
        return next((str(record["Id"]) for page in pages for record in page), None)

    def streams(self) -> Sequence[Stream]:
        """Records before what hangs on them."""
        if self._formulas:
            listed = f"{', '.join(self._formulas[:12])}{' …' if len(self._formulas) > 12 else ''}"
            self.left_out["formula fields"] = f"{listed}: a change of one does not make its lead a modified one."
        acts = activities
        roles = self._plain_kind("OpportunityContactRole", acts.ROLES, acts.roles)
        stages = ObjectKind("OpportunityHistory", acts.STAGES, "CreatedDate", acts.stages)
        start_text = iso(self.history_start)
        optional_objects = (
            ("tasks", "Task", acts.TASKS, acts.tasks, f"IsClosed = true AND CreatedDate >= {start_text}"),
            ("events", "Event", acts.EVENTS, acts.events, f"StartDateTime >= {start_text}"),
            ("campaign_members", MEMBER, acts.MEMBERS, acts.members, ""),
            ("emails", "EmailMessage", acts.EMAILS, acts.emails, f"CreatedDate >= {start_text}"),
            ("email_people", "EmailMessageRelation", acts.PARTICIPANTS, acts.participants, acts.ADDRESSED_FILTER),
            # who may see tasks sees these; an org that never allowed several people to one has none
            *(
                (name, object_name, fields, acts.attendees, acts.people_condition(visible_fields))
                for name, (object_name, *fields) in acts.ATTENDEES.items()
                if (visible_fields := self.api.describe(object_name))
            ),
        )
        streams = [
            self._stream("leads", self._leads(), "Lead", VITAL_FIELDS),
            self._optional("contacts", self._plain_kind("Contact", acts.MERGES, self._contact_rows), "Contact"),
            self._optional("opportunities", self._opportunities(), "Opportunity"),
            self._sweep_stream(),
            self._lead_histories(),
            *self._deal_histories(),
            self._optional("opportunity_history", stages, "Opportunity"),
            self._optional("contact_roles", roles, "OpportunityContactRole"),
            Stream("stages", self._stages, due=self.is_fresh),
            *(
                self._optional(name, self._visible_kind(object_name, fields, rows, condition), object_name)
                for name, object_name, fields, rows, condition in optional_objects
            ),
        ]
        if not self.fresh:
            cursors = self.landing.cursors()
            queries = [next_query(kind, cursors.get(name)) for name, kind in self._kinds.items()]
            self.api.ask_together([query for query in queries if query is not None])
        return streams

    def greet(self, oldest: float = 0.0) -> None:
        """See `BaseConnector`. What objects there are is asked anew with what the org defines."""
        super().greet(oldest)
        self.api.settled = not self.fresh
        self.api.ask_together([])  # nothing of an earlier run is left

    def _stream(self, name: str, kind: ObjectKind | None, needs: str, vital: frozenset[str] = frozenset()) -> Stream:
        if kind is not None:
            self._kinds[name] = kind

        def read(cursor: Any) -> Iterator[Page]:
            if kind is None:
                raise RefusedError(f"Salesforce shows our user no {needs}.", "", 403)
            yield from read_kind(self.api, self.landing, kind, cursor, self.bulk_from)

        fields = frozenset(kind.fields) if kind else frozenset()
        return Stream(name, read, needs=f"read access to {needs} ({SCREEN})", fields=fields, vital=vital)

    def _optional(self, name: str, kind: ObjectKind | None, needs: str) -> Stream:
        return replace(self._stream(name, kind, needs), optional=True)

    def _recorded(self, name: str, kind: ObjectKind | None, needs: str, tracked: Sequence[str]) -> Stream:
        """A stream of changes: of a field that was not asked for before, those of earlier are read once more."""
        stream = self._optional(name, kind, needs)
        return replace(stream, fields=stream.fields | {f"history of {field}" for field in tracked})

    def _lead_histories(self) -> Stream:
        needs = "LeadHistory, and history tracking on Lead"
        return self._recorded("lead_history", self._history(), needs, [ADDRESS, *self._tracked_fields])

    def _deal_histories(self) -> Iterator[Stream]:
        """What became of the opportunities' own fields that lead stages are made of."""
        tracked = [name for name in self.deal_stages if name != STAGE]
        if tracked:
            kind = self._visible_kind("OpportunityFieldHistory", DEAL_HISTORY, deal_changes, field_condition(tracked))
            kind = kind and replace(kind, time_field="CreatedDate", fields=[f for f in kind.fields if f != "SystemModstamp"])
            needs = "OpportunityFieldHistory, and history tracking on Opportunity"
            yield self._recorded("opportunity_field_history", kind, needs, tracked)

    def _sweep_stream(self) -> Stream:
        """The recycle bin is emptied after fifteen days, or by hand; what was in it is listed nowhere. Members of campaigns
        never come there."""
        lists = {"people": partial(self.api.ids, "Lead"), "deals": partial(self.api.ids, "Opportunity")}
        if self.api.describe(MEMBER):
            lists[f"engagements/{MEMBER_PREFIX}"] = partial(self.api.ids, MEMBER)
        words = {"people": "leads", "deals": "opportunities", f"engagements/{MEMBER_PREFIX}": "campaign members"}
        return self.sweep_stream(lists, words)

    def _history(self) -> ObjectKind:
        condition = field_condition([STATUS, CONVERSION, ADDRESS, *self._tracked_fields])
        fields = [*activities.HISTORY, *([CURRENCY] if "CurrencyIsoCode" in self._lead_fields else [])]
        return ObjectKind("LeadHistory", fields, "CreatedDate", self._lead_history, condition=condition)

    def _plain_kind(self, name: str, fields: Sequence[str], rows: Any) -> ObjectKind:
        return ObjectKind(name, ("Id", *fields, "SystemModstamp"), "SystemModstamp", rows)

    def _visible_kind(self, name: str, fields: Sequence[str], rows: Any, condition: str) -> ObjectKind | None:
        """An object with those of the fields that we may see; none where it is hidden."""
        visible_fields = self.api.describe(name)
        if not visible_fields:
            return None
        field_names = [f for f in fields if f in visible_fields]
        return ObjectKind(
            name,
            ("Id", *field_names, *activities.PARENTS.get(name, ()), "SystemModstamp"),
            "SystemModstamp",
            rows,
            condition=condition,
        )

    @property
    def volatile(self) -> frozenset[str]:
        """Fields whose change is no news: our own scores, and when anything was last modified."""
        own_fields = {name for name in self._lead_fields if name.startswith(self.api_prefix)}
        return frozenset({"SystemModstamp", "LastModifiedDate", "LastActivityDate", *own_fields})

    @cached_property
    def _custom_fields(self) -> list[str]:
        return [
            name
            for name, f in self._lead_fields.items()
            if f.get("custom")
            and f.get("type") in KINDS_OF_FIELD
            and not name.startswith(self.api_prefix)
            and name not in self._formulas
            and name not in self.person_stages
            and self.attribute(name, f.get("label"))
        ]

    @cached_property
    def _formulas(self) -> list[str]:
        """Custom fields that Salesforce computes: one that changes is no modification of the lead, so what was read of it is
        soon stale. Left out, but for those that `columns` names."""
        named = {*self.source.leads.values(), *self.source.companies.values()}
        return [n for n, f in self._lead_fields.items() if f.get("custom") and f.get("calculated") and n not in named]

    @cached_property
    def _currencies(self) -> Currencies:
        return Currencies(self.api, self._lead_fields, lambda what, why: self.left_out.update({what: why}), SCREEN)

    def _value(self, record: Mapping[str, Any], name: str) -> Any:
        return self._currencies.of_lead(record.get(name), name, record.get("CurrencyIsoCode"))

    @cached_property
    def _mapped_fields(self) -> list[str]:
        candidates = [*self.source.leads.values(), *self.source.companies.values(), *self.person_stages]
        return [name for name in dict.fromkeys(candidates) if name in self._lead_fields]

    @property
    def _tracked_fields(self) -> list[str]:
        """Attributes and fields of lead stages whose history Salesforce may have."""
        return list(dict.fromkeys([*self._mapped_fields, *self._custom_fields]))

    def _leads(self) -> ObjectKind:
        visible_fields = self._lead_fields
        fields = (
            "CreatedDate", "Email", STATUS, "Company", "CurrencyIsoCode", "IsDeleted", "MasterRecordId", *CONVERSION_FIELDS,
            *OPT_OUTS,
        )  # fmt: skip
        field_names = [f for f in dict.fromkeys([*fields, *self._mapped_fields, *self._custom_fields]) if f in visible_fields]
        field_names += [RECORD_TYPE] if "RecordTypeId" in visible_fields else []
        return ObjectKind(
            "Lead", ("Id", *field_names, "SystemModstamp"), "SystemModstamp", self._lead_rows, "people", "", self.volatile
        )

    def _lead_rows(self, records: Sequence[Mapping[str, Any]]) -> Tables:
        people, aliases, history, deal_people = [], [], [], []
        for record in records:
            name, created = str(record["Id"]), moment(record.get("CreatedDate"))
            if true(record.get("IsDeleted")):
                # whom it was merged into is as old as it
                people.append({"_id": name, "_created_at": created, "_gone_at": moment(record.get("SystemModstamp"))})
                if record.get("MasterRecordId"):
                    aliases.append(alias_row("lead", name, record["MasterRecordId"], moment(record.get("SystemModstamp"))))
                continue
            columns = [STATUS, *self._mapped_fields, *self._custom_fields, "ConvertedContactId", "ConvertedOpportunityId"]
            people.append(
                {
                    **{f: self._value(record, f) for f in columns if f in record},
                    **({RECORD_TYPE_COLUMN: record[RECORD_TYPE]} if record.get(RECORD_TYPE) else {}),
                    "_id": name,
                    "_created_at": created,
                    "_company": company_key(record.get("Company"), self.landing.salt),
                    **address_columns([record.get(ADDRESS)], self.landing.salt),
                    "_opted_out": "true" if any(has_opted_out(record.get(f)) for f in OPT_OUTS) else "false",
                }
            )
            if true(record.get("IsConverted")):
                # a day, for whom there is no history; nothing that happened on it is counted as before it
                converted_at = moment(record.get("ConvertedDate"))
                converted_at = max(converted_at, created) if converted_at and created else converted_at
                row = history_row("lead", name, CONVERTED, "true", converted_at)
                history.append({**row, "_id": f"{row['_id']}|day", "rough": True})
                if record.get("ConvertedContactId"):
                    aliases.append(alias_row("lead", str(record["ConvertedContactId"]), name, converted_at, name))
                if record.get("ConvertedOpportunityId"):
                    deal = str(record["ConvertedOpportunityId"])
                    deal_people.append({"_id": f"{deal}|{name}", "deal": deal, "person": name})
        return {"people": people, "aliases": aliases, "history": history, "deal_people": deal_people}

    def _contact_rows(self, records: Sequence[Mapping[str, Any]]) -> Tables:
        """Contacts merged into another; whether they are leads is said by the leads."""
        merged_contacts = [record for record in records if record.get("MasterRecordId")]
        return {
            "aliases": [
                alias_row("lead", str(o["Id"]), o["MasterRecordId"], moment(o.get("SystemModstamp")), MERGED)
                for o in merged_contacts
            ]
        }

    def _opportunities(self) -> ObjectKind | None:
        visible_fields = self.api.describe("Opportunity")
        if not visible_fields:
            return None
        fields = (
            "CreatedDate", "Amount", "CurrencyIsoCode", "CloseDate", "LastStageChangeDate", "IsClosed", "IsWon", STAGE,
            "IsDeleted",
        )  # fmt: skip
        field_names = [f for f in fields if f in visible_fields]
        return ObjectKind(
            "Opportunity", ("Id", *field_names, "SystemModstamp"), "SystemModstamp", self._deal_rows, "deals", "", self.volatile
        )

    def _deal_rows(self, records: Sequence[Mapping[str, Any]]) -> Tables:
        return {"deals": [self._deal(record) for record in records]}

    def _deal(self, record: Mapping[str, Any]) -> Row:
        if true(record.get("IsDeleted")):
            return {"_id": str(record["Id"]), "_gone_at": moment(record.get("SystemModstamp"))}
        closed, won = true(record.get("IsClosed")), true(record.get("IsWon"))
        currency = record.get("CurrencyIsoCode") or self._currencies.usual
        amount, currency = self._currencies.of_deal(number(record.get("Amount")), currency, record.get("CloseDate"))
        return {
            "_id": str(record["Id"]),
            "_created_at": moment(record.get("CreatedDate")),
            # the day on the form may be any; when it last changed its stage is when it was closed
            "_closed_at": (moment(record.get("LastStageChangeDate")) or moment(record.get("CloseDate"))) if closed else None,
            "_amount": amount,
            "_currency": currency,
            "_status": "won" if won else "lost" if closed else "open",
            STAGE: record.get(STAGE),
        }

    def _lead_history(self, records: Sequence[Mapping[str, Any]]) -> Tables:
        return lead_changes(records, {STATUS, *self._tracked_fields}, self._currencies.of_lead, self.landing.salt)

    def _stages(self, cursor: Any) -> Iterator[Page]:
        """What the org's stages and statuses are called and mean."""
        rows: list[Row] = []
        try:
            for page in self.api.query("SELECT Id, MasterLabel, ApiName, IsClosed, IsWon FROM OpportunityStage"):
                rows += [stage_label(record) for record in page]
        except RefusedError as error:
            if error.http != 403:  # who sees no opportunities need not see their stages
                raise
        rows.append(label_row(CONVERTED, "true", "converted"))
        for option in self._lead_fields.get(STATUS, {}).get("picklistValues", []):
            rows.append(label_row(STATUS, str(option["value"]), str(option["label"])))
        yield Page({"labels": changed_rows(self.landing, "labels", rows, frozenset())}, {"read": True})

    def mapping(self, stages: Mapping[str, Mapping[str, str | None]]) -> CrmMapping:
        """What becomes what."""
        excluded = {*self._formulas, STATUS, STAGE, "ConvertedContactId", "ConvertedOpportunityId"}
        return CrmMapping.of_source(
            self.source,
            stages,
            INTERACTIONS,
            excluded,
            opted_out=OPT_OUTS,
            companies_on_people=True,
            default_type=activities.fallback_type,
            present=dict.fromkeys(("leads", "companies"), frozenset({*self._lead_fields, RECORD_TYPE_COLUMN})),
            recorded=dict.fromkeys(("leads", "companies"), frozenset(self._tracked_fields)),
            recorded_by_changes="field",
            history_remedy=f"Salesforce records it from the day on that you switch it on: {TRACKING_SCREEN}",
            stages_from_creation=frozenset(self.person_stages) - {STATUS, CONVERTED},
        )

    def stage_names(self) -> set[str]:
        """See `Connector`: any field of leads and opportunities."""
        deals = {f"{DEAL_PREFIX}{name}" for name in (STAGE, *(self.api.describe("Opportunity") or self.deal_stages))}
        return {*self._lead_fields, CONVERTED, *deals}

    def propose(self, value: StageValue) -> str | None:
        """A conversion is intent to buy that sales has confirmed."""
        return "sql" if value.field == CONVERTED else None

    def checks(self) -> Iterator[Check]:
        """See `Connector`."""
        readable = True
        for check in checks(self.api, self.api_prefix):
            readable &= check.subject not in ("login", "Lead") or check.status != "bad"
            yield check
        if readable:
            attributes = columns_of(self.source, self._tracked_fields, self.person_stages)
            record_type = {f"lead.{RECORD_TYPE_COLUMN}": RECORD_TYPE} if "RecordTypeId" in self._lead_fields else {}
            yield history_check({**attributes, **record_type}, self._lead_fields, self.api.tracked("Lead"))

    def budget(self, leads: int) -> CallBudget:
        """See `Connector`."""
        return budget(self.api, leads, self.batch)
