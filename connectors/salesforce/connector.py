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

from connectors.crm.base import BaseConnector
from connectors.crm.connector import Budget, Check
from connectors.crm.http import Http
from connectors.crm.keys import company_key
from connectors.crm.landing import Landing, Row
from connectors.crm.mapping import Shape, StageValue, plain
from connectors.crm.moments import iso, moment
from connectors.crm.responses import RefusedError
from connectors.crm.rows import alias_row, before_row, history_row, label_row, text, true
from connectors.crm.stream import Page, Stream, changed
from connectors.files.privacy import mail_domain
from connectors.salesforce import activities
from connectors.salesforce.api import Api
from connectors.salesforce.check import budget, checks
from connectors.salesforce.read import Kind, Tables, read_kind
from connectors.salesforce.settings import (
    BULK_FROM,
    CONVERTED,
    INTERACTIONS,
    STAGE,
    STATUS,
    SalesforceSource,
)
from connectors.salesforce.writer import SalesforceWriter

LINKS = ("IsConverted", "ConvertedDate", "ConvertedAccountId", "ConvertedContactId", "ConvertedOpportunityId")
OPT_OUTS = ("HasOptedOutOfEmail",)
VITAL = frozenset({STATUS, *LINKS, *OPT_OUTS})
KINDS_OF_FIELD = {"picklist", "string", "boolean", "double", "int", "percent", "currency", "date", "datetime", "multipicklist"}


class Salesforce(SalesforceWriter, BaseConnector):
    """One org."""

    kind = "salesforce"

    def __init__(
        self, source: SalesforceSource, http: Http, landing: Landing, since: datetime, bulk_from: int = BULK_FROM
    ) -> None:
        super().__init__(Api(http, source.api_version), landing, source.write_back.prefix)
        self._begin(source, http, landing, since)
        self.bulk_from = bulk_from

    @cached_property
    def _lead_fields(self) -> dict[str, dict[str, Any]]:
        return self.api.describe("Lead")

    def hello(self) -> None:
        """See `BaseConnector`."""
        self.api.limits()

    def streams(self) -> Sequence[Stream]:
        """Records before what hangs on them."""
        acts = activities
        roles = self._plain("OpportunityContactRole", acts.ROLES, acts.roles)
        stages = Kind("OpportunityHistory", acts.STAGES, "CreatedDate", acts.stages)
        since = iso(self.since)
        more = (
            ("tasks", "Task", acts.TASKS, acts.tasks, f"IsClosed = true AND CreatedDate >= {since}"),
            ("events", "Event", acts.EVENTS, acts.events, f"StartDateTime >= {since}"),
            ("campaign_members", "CampaignMember", acts.MEMBERS, acts.members, ""),
            ("emails", "EmailMessage", acts.EMAILS, acts.emails, f"CreatedDate >= {since}"),
            ("email_people", "EmailMessageRelation", acts.TAKERS, acts.takers, acts.ADDRESSED),
        )
        return [
            self._stream("leads", self._leads(), "Lead", VITAL),
            self._stream("contacts", self._plain("Contact", acts.MERGES, self._contact_rows), "Contact"),
            self._stream("opportunities", self._opportunities(), "Opportunity"),
            self._swept(),
            self._optional("lead_history", self._history(), "LeadHistory, and history tracking on Lead"),
            self._optional("opportunity_history", stages, "Opportunity"),
            self._optional("contact_roles", roles, "OpportunityContactRole"),
            Stream("stages", self._stages),
            *(self._optional(name, self._there(what, fields, rows, where), what) for name, what, fields, rows, where in more),
        ]

    def _stream(self, name: str, kind: Kind | None, needs: str, vital: frozenset[str] = frozenset()) -> Stream:
        def read(cursor: Any) -> Iterator[Page]:
            if kind is None:
                raise RefusedError(f"Salesforce shows our user no {needs}.", "", 403)
            yield from read_kind(self.api, self.landing, kind, cursor, self.bulk_from)

        fields = frozenset(kind.fields) if kind else frozenset()
        return Stream(name, read, needs=f"read access to {needs}", fields=fields, vital=vital)

    def _optional(self, name: str, kind: Kind | None, needs: str) -> Stream:
        return replace(self._stream(name, kind, needs), optional=True)

    def _swept(self) -> Stream:
        """The recycle bin is emptied after fifteen days, or by hand; what was in it is listed nowhere."""
        return self.swept({"people": partial(self.api.ids, "Lead"), "deals": partial(self.api.ids, "Opportunity")})

    def _history(self) -> Kind:
        wanted = "Field IN ('Status', 'leadConverted'" + "".join(f", '{f}'" for f in self._tracked) + ")"
        return Kind("LeadHistory", activities.HISTORY, "CreatedDate", self._lead_history, where=wanted)

    def _plain(self, name: str, fields: Sequence[str], rows: Any) -> Kind:
        return Kind(name, ("Id", *fields, "SystemModstamp"), "SystemModstamp", rows)

    def _there(self, name: str, fields: Sequence[str], rows: Any, where: str) -> Kind | None:
        """An object with those of the fields that we may see; none where it is hidden."""
        known = self.api.describe(name)
        if not known:
            return None
        wanted = [f for f in fields if f in known]
        return Kind(
            name, ("Id", *wanted, *activities.PARENTS.get(name, ()), "SystemModstamp"), "SystemModstamp", rows, where=where
        )

    @property
    def volatile(self) -> frozenset[str]:
        """Fields whose change is no news: our own scores, and when anything was last modified."""
        own = {name for name in self._lead_fields if name.startswith(self.api_prefix)}
        return frozenset({"SystemModstamp", "LastModifiedDate", "LastActivityDate", *own})

    @cached_property
    def _custom(self) -> list[str]:
        return [
            name
            for name, f in self._lead_fields.items()
            if f.get("custom")
            and f.get("type") in KINDS_OF_FIELD
            and not name.startswith(self.api_prefix)
            and self.attribute(name, f.get("label"))
        ]

    @cached_property
    def _mapped(self) -> list[str]:
        every = [*self.source.leads.values(), *self.source.companies.values()]
        return [name for name in dict.fromkeys(every) if name in self._lead_fields]

    @property
    def _tracked(self) -> list[str]:
        """Attributes whose history Salesforce may have."""
        return [name for name in self.source.leads.values() if name in self._lead_fields]

    def _leads(self) -> Kind:
        known = self._lead_fields
        fields = ("CreatedDate", "Email", STATUS, "Company", "IsDeleted", "MasterRecordId", *LINKS, *OPT_OUTS)
        wanted = [f for f in dict.fromkeys([*fields, *self._mapped, *self._custom]) if f in known]
        return Kind("Lead", ("Id", *wanted, "SystemModstamp"), "SystemModstamp", self._lead_rows, "people", "", self.volatile)

    def _lead_rows(self, found: Sequence[Mapping[str, Any]]) -> Tables:
        people, aliases, history, deal_people = [], [], [], []
        for one in found:
            name, created = str(one["Id"]), moment(one.get("CreatedDate"))
            if true(one.get("IsDeleted")):
                # whom it was merged into is as old as it
                people.append({"_id": name, "_created_at": created, "_gone_at": moment(one.get("SystemModstamp"))})
                if one.get("MasterRecordId"):
                    aliases.append(alias_row("lead", name, one["MasterRecordId"], moment(one.get("SystemModstamp"))))
                continue
            own = [STATUS, *self._mapped, *self._custom, "ConvertedContactId", "ConvertedOpportunityId"]
            people.append(
                {
                    **{f: one.get(f) for f in own if f in one},
                    "_id": name,
                    "_created_at": created,
                    "_company": company_key(one.get("Company"), self.landing.salt),
                    "_email_domain": mail_domain(one.get("Email") or ""),
                    "_opted_out": "true" if any(true(one.get(f)) for f in OPT_OUTS) else "false",
                }
            )
            if true(one.get("IsConverted")):
                # a day, for whom there is no history; nothing that happened on it is counted as before it
                at = moment(one.get("ConvertedDate"))
                at = max(at, created) if at and created else at
                row = history_row("lead", name, CONVERTED, "true", at)
                history.append({**row, "_id": f"{row['_id']}|day", "rough": True})
                if one.get("ConvertedContactId"):
                    aliases.append(alias_row("lead", str(one["ConvertedContactId"]), name, at))
                if one.get("ConvertedOpportunityId"):
                    deal = str(one["ConvertedOpportunityId"])
                    deal_people.append({"_id": f"{deal}|{name}", "deal": deal, "person": name})
        return {"people": people, "aliases": aliases, "history": history, "deal_people": deal_people}

    def _contact_rows(self, found: Sequence[Mapping[str, Any]]) -> Tables:
        """Contacts merged into another; whether they are leads is said by the leads."""
        merged = [one for one in found if one.get("MasterRecordId")]
        return {
            "aliases": [alias_row("lead", str(o["Id"]), o["MasterRecordId"], moment(o.get("SystemModstamp"))) for o in merged]
        }

    def _opportunities(self) -> Kind:
        known = self.api.describe("Opportunity")
        fields = (
            "CreatedDate",
            "Amount",
            "CurrencyIsoCode",
            "CloseDate",
            "LastStageChangeDate",
            "IsClosed",
            "IsWon",
            STAGE,
            "IsDeleted",
        )
        wanted = [f for f in fields if f in known]
        return Kind(
            "Opportunity", ("Id", *wanted, "SystemModstamp"), "SystemModstamp", self._deal_rows, "deals", "", self.volatile
        )

    def _deal_rows(self, found: Sequence[Mapping[str, Any]]) -> Tables:
        return {"deals": [self._deal(one) for one in found]}

    def _deal(self, one: Mapping[str, Any]) -> Row:
        if true(one.get("IsDeleted")):
            return {"_id": str(one["Id"]), "_gone_at": moment(one.get("SystemModstamp"))}
        closed, won = true(one.get("IsClosed")), true(one.get("IsWon"))
        amount = one.get("Amount")
        return {
            "_id": str(one["Id"]),
            "_created_at": moment(one.get("CreatedDate")),
            # the day on the form may be any; when it last changed its stage is when it was closed
            "_closed_at": (moment(one.get("LastStageChangeDate")) or moment(one.get("CloseDate"))) if closed else None,
            "_amount": float(amount) if amount not in (None, "") else None,
            "_currency": one.get("CurrencyIsoCode") or self._currency,
            "_status": "won" if won else "lost" if closed else "open",
            STAGE: one.get(STAGE),
        }

    @cached_property
    def _currency(self) -> str | None:
        """The org's currency, where deals have none of their own."""
        for page in self.api.query("SELECT Id, DefaultCurrencyIsoCode FROM Organization") if self._has_currency else ():
            for one in page:
                return str(one["DefaultCurrencyIsoCode"]) if one.get("DefaultCurrencyIsoCode") else None
        return None

    @cached_property
    def _has_currency(self) -> bool:
        return "DefaultCurrencyIsoCode" in self.api.describe("Organization")

    def _lead_history(self, found: Sequence[Mapping[str, Any]]) -> Tables:
        """New values, and of each change the value before it."""
        rows: dict[str, Row] = {}
        for one in found:
            at, name, field = moment(one["CreatedDate"]), str(one["LeadId"]), str(one["Field"])
            if at is None or true(one.get("IsDeleted")):
                continue
            if field == "leadConverted":
                row = history_row("lead", name, CONVERTED, "true", at)
                rows[row["_id"]] = row
                continue
            row = history_row("lead", name, field, text(one.get("NewValue")), at)
            rows[row["_id"]] = row
            created, old = moment(one.get("Lead.CreatedDate")), text(one.get("OldValue"))
            if created and created < at:
                before = before_row(row, old, created)
                rows[before["_id"]] = before
        return {"history": list(rows.values())}

    def _stages(self, cursor: Any) -> Iterator[Page]:
        """What the org's stages and statuses are called and mean."""
        rows: list[Row] = []
        for page in self.api.query("SELECT Id, MasterLabel, ApiName, IsClosed, IsWon FROM OpportunityStage"):
            rows += [_stage(one) for one in page]
        rows.append(label_row(CONVERTED, "true", "converted"))
        for option in self._lead_fields.get(STATUS, {}).get("picklistValues", []):
            rows.append(label_row(STATUS, str(option["value"]), str(option["label"])))
        yield Page({"labels": changed(self.landing, "labels", rows, frozenset())}, {"read": True})

    def shape(self, stages: Mapping[str, Mapping[str, str | None]]) -> Shape:
        """What becomes what."""
        left = {STATUS, STAGE, "ConvertedContactId", "ConvertedOpportunityId", *self.source.exclude}
        interactions = {**INTERACTIONS, **self.source.interactions}
        return Shape(
            self.source.leads, self.source.companies, interactions, stages, frozenset(left), OPT_OUTS, True, other=_other
        )

    def propose(self, value: StageValue) -> str | None:
        """A conversion is intent to buy that sales has confirmed."""
        return "sql" if value.field == CONVERTED else None

    def checks(self) -> list[Check]:
        """See `Connector`."""
        return checks(self.api, self.api_prefix)

    def budget(self, leads: int) -> Budget:
        """See `Connector`."""
        return budget(self.api, leads, self.batch)


def _stage(one: Mapping[str, Any]) -> Row:
    meaning = "won" if true(one.get("IsWon")) else "lost" if true(one.get("IsClosed")) else ""
    label = str(one["MasterLabel"])
    return label_row(f"deal.{STAGE}", str(one.get("ApiName") or label), label, meaning)


def _other(name: str) -> str | None:
    """A campaign of a type of the org's own: who answered did something, who was put on it did not."""
    if name.startswith("campaign: "):
        return "campaign_responded" if name.endswith(": responded") else "campaign_member"
    return plain(name)
