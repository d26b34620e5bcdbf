"""HubSpot as Ripeline sees it: what is read, in which order, and what it means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any

from connectors.crm.addresses import address_columns
from connectors.crm.attribute_check import attribute_check, columns_of
from connectors.crm.base import BaseConnector
from connectors.crm.changes import DEAL_PREFIX
from connectors.crm.connector import CallBudget, Check
from connectors.crm.http import Http
from connectors.crm.landing import Landing
from connectors.crm.landing_tables import Row
from connectors.crm.mapping import CrmMapping, StageValue
from connectors.crm.moments import iso, moment
from connectors.crm.responses import RefusedError
from connectors.crm.rows import label_row, number
from connectors.crm.stream import FORBIDDEN, Page, Stream, changed_rows
from connectors.crm.sweep import due
from connectors.crm.webhooks import FOR_GOOD, Event
from connectors.hubspot import activities
from connectors.hubspot.api import HubSpotApi
from connectors.hubspot.check import budget, checks
from connectors.hubspot.forms import Forms
from connectors.hubspot.records import (
    EMAIL,
    FURTHER_ADDRESSES,
    MERGED_CONTACTS,
    MERGED_IDS,
    RecordKind,
    Tables,
    address_rows,
    addresses_of,
    archived_pages,
    company_relations,
    deletion_rows,
    entity_aliases,
    entity_histories,
    history_rows,
    read_kind,
    read_records,
)
from connectors.hubspot.settings import INTERACTIONS, LEAD_STAGES, OUTCOMES, RECORDS, SCOPES, STAGES, STATUSES, HubSpotSource
from connectors.hubspot.writer import HubSpotWriter
from features.attributes.values import has_opted_out

OPT_OUTS = ("hs_email_optout",)
ATTRIBUTE_TYPES = {"enumeration", "number", "bool", "date", "datetime", "string"}
ENTERED_PREFIX = "hs_v2_date_entered_"
SCREEN = "Settings → Integrations → Service keys → Scopes"


class HubSpot(HubSpotWriter, BaseConnector):
    """One account."""

    kind = "hubspot"
    restorable = timedelta(days=90)
    missing_for_good = True

    def __init__(self, source: HubSpotSource, http: Http, landing: Landing, history_start: datetime) -> None:
        super().__init__(HubSpotApi(source, http), source.write_back.prefix)
        self._hidden: dict[str, RefusedError] = {}
        self._contacts_mark: Any = None  # the cursor behind the contacts that were read
        self._begin(source, http, landing, history_start)

    @cached_property
    def _definitions(self) -> dict[str, dict[str, dict[str, Any]]]:
        """kind → property → its definition; empty for companies or deals that we may not see (`_hidden`)."""
        definitions: dict[str, dict[str, dict[str, Any]]] = {}
        self._hidden = {}
        for kind in RECORDS:
            try:
                definitions[kind] = {p["name"]: p for p in self.api.properties(kind)}
            except RefusedError as error:
                if kind == "contacts" or error.http != 403:
                    raise
                definitions[kind], self._hidden[kind] = {}, error
        return definitions

    @property
    def volatile(self) -> frozenset[str]:
        """Properties whose change is no news: our own scores, and when anything was last modified."""
        own_properties = {
            name for name in self._definitions["contacts"] if name.startswith(f"{self.source.write_back.prefix}_")
        }
        return frozenset({"lastmodifieddate", "hs_lastmodifieddate", *own_properties})

    def hello(self) -> None:
        """See `BaseConnector`."""
        self._definitions  # noqa: B018  three calls that are needed anyway

    def read_account(self) -> str | None:
        """See `BaseConnector`: the number of the portal, where the token may ask for it."""
        try:
            portal = self.api.http.get(f"/account-info/{self.api.version}/details").body["portalId"]
        except RefusedError:
            return None
        return str(portal)

    def streams(self) -> Sequence[Stream]:
        """Records before what hangs on them."""
        now_and_then = partial(due, self.now, self.source.sweep_hours)
        forms = Forms(self.api, self.landing, self.history_start, lambda: self._contacts_mark)
        return [
            *(self._records(name) for name in RECORDS),
            *(
                Stream(kind.name, partial(read_kind, self.api, self.landing, kind), True, f"{SCOPES[kind.name]} ({SCREEN})")
                for kind in self._related_kinds
            ),
            Stream("archived", self._archived, due=now_and_then),
            self._sweep_stream(),
            Stream("stages", self._stages, lands_first=True, due=self.is_fresh),
            Stream(
                "email_events", activities.email_events(self.api, self.landing, self.history_start), True, "the scope content"
            ),
            Stream("forms", forms.read, True, "the scope forms", due=forms.due),
            Stream(
                "visits",
                activities.visits(self.api, self.landing, self.history_start),
                True,
                "an Enterprise plan and the scope behavioral_events.event_definitions.read_write",
            ),
            Stream(
                "marketing_events", activities.marketing_events(self.api), True, "the scope crm.objects.marketing_events.read"
            ),
        ]

    @property
    def _related_kinds(self) -> list[RecordKind]:
        """What hangs on contacts: calls, meetings, e-mails, leads of the sales workspace."""
        return [*map(activities.engagement, activities.ENGAGEMENTS), activities.sales_leads()]

    def _archived(self, _cursor: Any) -> Iterator[Page]:
        """What was deleted. It is listed from the beginning, whatever is known of it, so only as often as all ids are."""
        started_at = self.now()
        for kind in [*map(self._kind, RECORDS), *self._related_kinds]:
            try:
                yield from archived_pages(self.api, self.landing, kind)
            except RefusedError as error:  # its own stream says so
                if error.http not in FORBIDDEN:
                    raise
        yield Page({}, {"at": iso(started_at)})

    def _sweep_stream(self) -> Stream:
        """HubSpot lists what was deleted for ninety days, and not at all what was deleted for good or came back."""
        names = {"companies": "companies", "people": "contacts", "deals": "deals"}
        lists = {table: partial(self.api.all_ids, name) for table, name in names.items()}
        return self.sweep_stream(lists, names, lambda table, ids: read_records(self.api, self._kind(names[table]), ids))

    def _records(self, name: str) -> Stream:
        kind = self._kind(name)

        def read(cursor: Any) -> Iterator[Page]:
            if name in self._hidden:
                raise self._hidden[name]
            for page in read_kind(self.api, self.landing, kind, cursor):
                if name == "contacts":
                    self._contacts_mark = page.cursor
                yield page

        needs = f"the scopes crm.objects.{name}.read and crm.schemas.{name}.read ({SCREEN})"
        recorded = {f"history of {field}" for field in kind.history}
        return Stream(name, read, name != "contacts", needs, frozenset({*kind.properties, *recorded}))

    def _kind(self, name: str) -> RecordKind:
        if name == "companies":
            mapped = [p for p in self.source.companies.values() if p in self._definitions[name]]
            property_names = [*mapped, "createdate", "hs_lastmodifieddate", MERGED_IDS]
            properties = self._existing_properties(name, property_names)
            row, related = self._company, company_relations
            return RecordKind(name, name, "company", "hs_lastmodifieddate", properties, mapped, row, related, self.volatile)
        if name == "contacts":
            return self._contacts()
        property_names = [
            "dealstage",
            "pipeline",
            "amount",
            "deal_currency_code",
            "createdate",
            "closedate",
            "hs_is_closed",
            "hs_is_closed_won",
            "hs_lastmodifieddate",
            MERGED_IDS,
            *self.deal_stages,
        ]
        history = self._existing_properties(name, ["dealstage", "amount", *self.deal_stages])
        return RecordKind(
            name,
            name,
            "deal",
            "hs_lastmodifieddate",
            self._existing_properties(name, property_names),
            history,
            self._deal,
            self._deal_relations,
            self.volatile,
            "_people",
        )

    def _existing_properties(self, kind: str, names: Sequence[str]) -> list[str]:
        """Those that the account defines; asking for another is not answered at all."""
        return [name for name in dict.fromkeys(names) if name in self._definitions[kind]]

    def _contacts(self) -> RecordKind:
        defined = self._definitions["contacts"]
        own_prefix = f"{self.source.write_back.prefix}_"
        stages = self._existing_properties("contacts", ["lifecyclestage", "hs_lead_status", *self.person_stages])
        custom = [
            name
            for name, p in defined.items()
            if name not in stages
            and not p.get("hubspotDefined")
            and p.get("type") in ATTRIBUTE_TYPES
            and p.get("fieldType") not in ("textarea", "file", "html", "phonenumber", "calculation_score")
            and not name.startswith(own_prefix)
            and self.attribute(name, p.get("label"))
        ]
        entered_properties = [name for name in defined if name.startswith(ENTERED_PREFIX)]
        mapped = self._existing_properties("contacts", list(self.source.leads.values()))
        property_names = [
            *("createdate", "lastmodifieddate", "associatedcompanyid", "hs_email_domain", EMAIL, FURTHER_ADDRESSES),
            *(MERGED_IDS, MERGED_CONTACTS),
            *OPT_OUTS, *stages, *mapped, *custom, *entered_properties,
        ]  # fmt: skip
        merged = (MERGED_IDS, MERGED_CONTACTS)
        backstop = {name: ("lifecyclestage", name.removeprefix(ENTERED_PREFIX)) for name in entered_properties}

        def row(record: Mapping[str, Any]) -> Row:
            properties = record.get("properties") or {}
            addresses = address_columns(addresses_of(properties), self.landing.salt)
            return {
                **{name: properties.get(name) for name in [*stages, *mapped, *custom, *entered_properties, *merged]},
                "_id": str(record["id"]),
                "_created_at": moment(properties.get("createdate") or record.get("createdAt")),
                "_company": properties.get("associatedcompanyid") or None,
                **addresses,
                "_email_domain": properties.get("hs_email_domain") or addresses["_email_domain"],
                "_opted_out": "true" if any(has_opted_out(properties.get(name)) for name in OPT_OUTS) else "false",
            }

        def related(records: Sequence[Mapping[str, Any]], _people: Mapping[str, list[str]]) -> Tables:
            return {
                "history": [h for record in records for h in history_rows("lead", record, backstop)],
                "aliases": entity_aliases("lead", records),
                "addresses": [row for record in records for row in address_rows(record, self.landing.salt)],
            }

        history = self._existing_properties("contacts", [*stages, *mapped, *custom, *OPT_OUTS, EMAIL])
        return RecordKind(
            "contacts",
            "people",
            "lead",
            "lastmodifieddate",
            self._existing_properties("contacts", property_names),
            history,
            row,
            related,
            self.volatile,
        )

    def _stages(self, _cursor: Any) -> Iterator[Page]:
        """What lead stages, statuses and deal stages are called and mean."""
        rows = [label_row("deal.dealstage", value, s["label"], s["meaning"]) for value, s in self._deal_stages.items()]
        rows += [
            label_row(field, str(option["value"]), str(option["label"]))
            for field in ("lifecyclestage", "hs_lead_status")
            for option in self._definitions["contacts"].get(field, {}).get("options", [])
        ]
        rows += self._lead_stages()
        yield Page({"labels": changed_rows(self.landing, "labels", rows, frozenset())}, {"read": True})

    def _lead_stages(self) -> list[Row]:
        """What the stages of sales' leads are called, where any were read; without the names a mapping goes by their ids."""
        if not self.landing.ids_where("history", "field", [activities.LEADS_FIELD]):
            return []
        try:
            pipelines = self.api.pipelines("leads")
        except RefusedError as error:
            if error.http not in FORBIDDEN:
                raise
            self.left_out["names of lead stages"] = f"{error.fact} To read them, give {SCOPES['leads']} ({SCREEN})."
            return []
        return [
            label_row(activities.LEADS_FIELD, str(stage["id"]), f"{pipeline['label']}: {stage['label']}")
            for pipeline in pipelines
            for stage in pipeline["stages"]
        ]

    def _company(self, record: Mapping[str, Any]) -> Row:
        properties = record.get("properties") or {}
        return {
            "_id": str(record["id"]),
            **{name: properties.get(name) for name in [*self.source.companies.values(), MERGED_IDS]},
        }

    def _deal(self, record: Mapping[str, Any]) -> Row:
        properties = record.get("properties") or {}
        stage = self._deal_stages.get(str(properties.get("dealstage")), {})
        won = properties.get("hs_is_closed_won") == "true" or stage.get("meaning") == "won"
        closed = properties.get("hs_is_closed") == "true" or bool(stage.get("meaning"))
        return {
            "_id": str(record["id"]),
            "_created_at": moment(properties.get("createdate") or record.get("createdAt")),
            "_closed_at": moment(properties.get("closedate")) if closed else None,
            "_amount": number(properties.get("amount")),
            "_currency": properties.get("deal_currency_code") or None,
            "_status": "won" if won else "lost" if closed else "open",
            "dealstage": properties.get("dealstage"),
            "pipeline": properties.get("pipeline"),
            MERGED_IDS: properties.get(MERGED_IDS),
        }

    def _deal_relations(self, records: Sequence[Mapping[str, Any]], people: Mapping[str, list[str]]) -> Tables:
        return {
            "deal_people": [
                {"_id": f"{deal}|{person}", "deal": deal, "person": person}
                for deal, persons in people.items()
                for person in persons
            ],
            "history": entity_histories("deal", records),
            "aliases": entity_aliases("deal", records),
        }

    @cached_property
    def _deal_stages(self) -> dict[str, dict[str, str]]:
        """Deal stage → its label, and whether it means won or lost."""
        stages = {}
        for pipeline in self.api.pipelines("deals") if "deals" not in self._hidden else ():
            for stage in pipeline["stages"]:
                metadata = stage.get("metadata") or {}
                closed = str(metadata.get("isClosed")).lower() == "true"
                chance = number(metadata.get("probability"))
                meaning = ("won" if chance == 1 else "lost") if closed else ""
                stages[str(stage["id"])] = {"label": f"{pipeline['label']}: {stage['label']}", "meaning": meaning}
        return stages

    def reread(self, events: Sequence[Event]) -> Iterator[Page]:
        """See `Connector`; HubSpot's search knows a change some seconds after its webhook."""
        self.for_good += [event.record for event in events if event.entity == FOR_GOOD]
        for name, entity in (("companies", "company"), ("contacts", "contact"), ("deals", "deal")):
            ids = list(dict.fromkeys(event.record for event in events if event.entity == entity))
            if ids:
                kind = self._kind(name)
                tables = read_records(self.api, kind, ids)
                present_ids = {row["_id"] for row in tables[kind.table]}
                deletions = deletion_rows(self.landing, kind, [name for name in ids if name not in present_ids], self.now())
                yield Page({**tables, kind.table: [*tables[kind.table], *deletions]}, None)

    def mapping(self, stages: Mapping[str, Mapping[str, str | None]]) -> CrmMapping:
        """What becomes what; `form: *` and the like are found by their beginning."""
        own_prefix = f"{self.source.write_back.prefix}_"
        landed_columns = self.landing.tables().get("people", [])
        excluded = OUTCOMES | {c for c in landed_columns if c.startswith((ENTERED_PREFIX, own_prefix))}
        visible = [name for name in ("contacts", "companies") if name not in self._hidden and self._definitions[name]]
        tables = {"contacts": "leads", "companies": "companies"}
        return CrmMapping.of_source(
            self.source,
            stages,
            INTERACTIONS,
            excluded,
            opted_out=OPT_OUTS,
            default_type=activities.fallback_type,
            present={tables[name]: frozenset(self._definitions[name]) for name in visible},
            recorded={tables[name]: frozenset(self._kind(name).history) for name in tables},
        )

    def stage_names(self) -> set[str]:
        """See `Connector`: any property of contacts and deals, and the stages of sales' leads."""
        deals = {f"{DEAL_PREFIX}{name}" for name in self._definitions["deals"] or self.deal_stages}
        return {*self._definitions["contacts"], *deals, f"{DEAL_PREFIX}dealstage", activities.LEADS_FIELD}

    def propose(self, value: StageValue) -> str | None:
        """HubSpot's own lead stages and statuses."""
        if value.field == "lifecyclestage" and value.value in STAGES:
            return STAGES[value.value] or None
        if value.field == activities.LEADS_FIELD:
            return LEAD_STAGES.get(value.value)
        return STATUSES.get(value.value) or None if value.field == "hs_lead_status" else None

    def checks(self) -> Iterator[Check]:
        """See `Connector`."""
        readable = True
        for check in checks(self.api):
            readable &= check.subject != "token" or check.status != "bad"
            yield check
        if readable:
            fields = [name for kind in ("contacts", "companies") for name in self._kind(kind).history]
            columns = columns_of(self.source, fields, {EMAIL, *OPT_OUTS, *OUTCOMES, *self.person_stages})
            yield attribute_check(list(columns), [], "HubSpot keeps the history of every property", "")

    def budget(self, leads: int) -> CallBudget:
        """See `Connector`."""
        return budget(self.api, leads)
