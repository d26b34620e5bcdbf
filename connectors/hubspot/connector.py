"""HubSpot as Ripeline sees it: what is read, in which order, and what it means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property, partial
from typing import Any

from connectors.crm.base import BaseConnector
from connectors.crm.connector import Budget, Check
from connectors.crm.http import Http
from connectors.crm.interactions import form_type
from connectors.crm.keys import mail_key
from connectors.crm.landing import Landing, Row
from connectors.crm.mapping import Shape, StageValue, plain
from connectors.crm.moments import moment
from connectors.crm.rows import label_row, number
from connectors.crm.stream import Page, Stream, changed
from connectors.crm.webhooks import Event
from connectors.files.privacy import mail_domain
from connectors.hubspot import activities
from connectors.hubspot.api import Api
from connectors.hubspot.check import budget, checks
from connectors.hubspot.records import Kind, Tables, alias_rows, gone, history_rows, read_kind, whole
from connectors.hubspot.settings import INTERACTIONS, OUTCOMES, HubSpotSource
from connectors.hubspot.writer import HubSpotWriter

OPT_OUTS = ("hs_email_optout",)
ATTRIBUTE_TYPES = {"enumeration", "number", "bool", "date", "datetime", "string"}
STAGES: Mapping[str, str] = {
    "subscriber": "",
    "lead": "",
    "marketingqualifiedlead": "mql",
    "salesqualifiedlead": "sql",
    "opportunity": "sql",
    "customer": "customer",
    "evangelist": "customer",
    "other": "",
}
STATUSES = {"UNQUALIFIED": "disqualified", "BAD_TIMING": ""}
ENTERED = "hs_v2_date_entered_"
MERGED = "hs_merged_object_ids"


class HubSpot(HubSpotWriter, BaseConnector):
    """One account."""

    kind = "hubspot"

    def __init__(self, source: HubSpotSource, http: Http, landing: Landing, since: datetime) -> None:
        super().__init__(Api(source, http), source.write_back.prefix)
        self._begin(source, http, landing, since)

    @cached_property
    def _defined(self) -> dict[str, dict[str, dict[str, Any]]]:
        """kind → property → its definition."""
        return {kind: {p["name"]: p for p in self.api.properties(kind)} for kind in ("contacts", "companies", "deals")}

    @property
    def volatile(self) -> frozenset[str]:
        """Properties whose change is no news: our own scores, and when anything was last modified."""
        own = {name for name in self._defined["contacts"] if name.startswith(f"{self.source.write_back.prefix}_")}
        return frozenset({"lastmodifieddate", "hs_lastmodifieddate", *own})

    def hello(self) -> None:
        """See `BaseConnector`."""
        self._defined  # noqa: B018  three calls that are needed anyway

    def streams(self) -> Sequence[Stream]:
        """Records before what hangs on them."""
        found = [self._records("companies"), self._records("contacts"), self._records("deals")]
        for name in activities.ENGAGEMENTS:
            scope = (
                f"crm.objects.contacts.read and sales-email-read for {name}"
                if name == "emails"
                else "crm.objects.contacts.read"
            )
            read = activities.engagement(self.api, self.landing, name)
            found.append(Stream(name, read, optional=True, needs=scope))
        return [
            *found,
            self._swept(),
            Stream("stages", self._stages),
            Stream("email_events", activities.email_events(self.api, self.landing, self.since), True, "the scope content"),
            Stream("forms", activities.forms(self.api, self.landing, self.since), True, "the scope forms"),
            Stream(
                "visits",
                activities.visits(self.api, self.landing, self.since),
                True,
                "an Enterprise plan and the scope behavioral_events.event_definitions.read_write",
            ),
            Stream(
                "marketing_events", activities.marketing_events(self.api), True, "the scope crm.objects.marketing_events.read"
            ),
        ]

    def _swept(self) -> Stream:
        """HubSpot lists what was deleted for ninety days, and not at all what was deleted for good or came back."""
        names = {"companies": "companies", "people": "contacts", "deals": "deals"}
        lists = {table: partial(self.api.every, name) for table, name in names.items()}
        return self.swept(lists, lambda table, ids: whole(self.api, self._kind(names[table]), ids))

    def _records(self, name: str) -> Stream:
        kind = self._kind(name)
        read = partial(read_kind, self.api, self.landing, kind)
        return Stream(name, read, needs=f"crm.objects.{name}.read", fields=frozenset(kind.properties))

    def _kind(self, name: str) -> Kind:
        if name == "companies":
            mapped = [p for p in self.source.companies.values() if p in self._defined[name]]
            wanted = [*mapped, "createdate", "hs_lastmodifieddate", MERGED]
            row, more = (
                self._company,
                lambda found, _: {"history": _histories("company", found), "aliases": _aliases("company", found)},
            )
            return Kind(
                name, name, "company", "hs_lastmodifieddate", self._there(name, wanted), mapped, row, more, self.volatile
            )
        if name == "contacts":
            return self._contacts()
        wanted = [
            "dealstage",
            "pipeline",
            "amount",
            "deal_currency_code",
            "createdate",
            "closedate",
            "hs_is_closed",
            "hs_is_closed_won",
            "hs_lastmodifieddate",
            MERGED,
        ]
        history = self._there(name, ["dealstage", "amount"])
        return Kind(
            name,
            name,
            "deal",
            "hs_lastmodifieddate",
            self._there(name, wanted),
            history,
            self._deal,
            self._around_deals,
            self.volatile,
            "_people",
        )

    def _there(self, kind: str, names: Sequence[str]) -> list[str]:
        """Those that the account defines; asking for another is not answered at all."""
        return [name for name in dict.fromkeys(names) if name in self._defined[kind]]

    def _contacts(self) -> Kind:
        defined = self._defined["contacts"]
        own = f"{self.source.write_back.prefix}_"
        custom = [
            name
            for name, p in defined.items()
            if not p.get("hubspotDefined")
            and p.get("type") in ATTRIBUTE_TYPES
            and p.get("fieldType") not in ("textarea", "file", "html", "phonenumber")
            and not name.startswith(own)
            and self.attribute(name, p.get("label"))
        ]
        entered = [name for name in defined if name.startswith(ENTERED)]
        stages = self._there("contacts", ["lifecyclestage", "hs_lead_status"])
        mapped = self._there("contacts", list(self.source.leads.values()))
        wanted = [
            *("createdate", "lastmodifieddate", "associatedcompanyid", "hs_email_domain", "email", MERGED),
            *OPT_OUTS, *stages, *mapped, *custom, *entered,
        ]  # fmt: skip
        backstop = {name: ("lifecyclestage", name.removeprefix(ENTERED)) for name in entered}

        def row(one: Mapping[str, Any]) -> Row:
            given = one.get("properties") or {}
            return {
                **{name: given.get(name) for name in [*stages, *mapped, *custom, *entered, MERGED]},
                "_id": str(one["id"]),
                "_created_at": moment(given.get("createdate") or one.get("createdAt")),
                "_company": given.get("associatedcompanyid") or None,
                # the address itself is not landed
                "_email_domain": given.get("hs_email_domain") or mail_domain(given.get("email") or ""),
                "_email_key": mail_key(given.get("email"), self.landing.salt),
                "_opted_out": "true" if any(given.get(name) == "true" for name in OPT_OUTS) else "false",
            }

        def more(found: Sequence[Mapping[str, Any]], _people: Mapping[str, list[str]]) -> Tables:
            return {
                "history": [h for one in found for h in history_rows("lead", one, backstop)],
                "aliases": _aliases("lead", found),
            }

        history = [*stages, *mapped, *self._there("contacts", OPT_OUTS)]
        return Kind(
            "contacts", "people", "lead", "lastmodifieddate", self._there("contacts", wanted), history, row, more, self.volatile
        )

    def _stages(self, _cursor: Any) -> Iterator[Page]:
        """What lead stages, statuses and deal stages are called and mean."""
        rows = [label_row("deal.dealstage", value, s["label"], s["meaning"]) for value, s in self._deal_stages.items()]
        rows += [
            label_row(field, str(option["value"]), str(option["label"]))
            for field in ("lifecyclestage", "hs_lead_status")
            for option in self._defined["contacts"].get(field, {}).get("options", [])
        ]
        yield Page({"labels": changed(self.landing, "labels", rows, frozenset())}, {"read": True})

    def _company(self, one: Mapping[str, Any]) -> Row:
        given = one.get("properties") or {}
        return {"_id": str(one["id"]), **{name: given.get(name) for name in [*self.source.companies.values(), MERGED]}}

    def _deal(self, one: Mapping[str, Any]) -> Row:
        given = one.get("properties") or {}
        stage = self._deal_stages.get(str(given.get("dealstage")), {})
        won = given.get("hs_is_closed_won") == "true" or stage.get("meaning") == "won"
        closed = given.get("hs_is_closed") == "true" or bool(stage.get("meaning"))
        return {
            "_id": str(one["id"]),
            "_created_at": moment(given.get("createdate") or one.get("createdAt")),
            "_closed_at": moment(given.get("closedate")) if closed else None,
            "_amount": number(given.get("amount")),
            "_currency": given.get("deal_currency_code") or None,
            "_status": "won" if won else "lost" if closed else "open",
            "dealstage": given.get("dealstage"),
            "pipeline": given.get("pipeline"),
            MERGED: given.get(MERGED),
        }

    def _around_deals(self, found: Sequence[Mapping[str, Any]], people: Mapping[str, list[str]]) -> Tables:
        return {
            "deal_people": [
                {"_id": f"{deal}|{person}", "deal": deal, "person": person} for deal, many in people.items() for person in many
            ],
            "history": _histories("deal", found),
            "aliases": _aliases("deal", found),
        }

    @cached_property
    def _deal_stages(self) -> dict[str, dict[str, str]]:
        """Deal stage → its label, and whether it means won or lost."""
        found = {}
        for pipeline in self.api.pipelines():
            for stage in pipeline["stages"]:
                about = stage.get("metadata") or {}
                closed = str(about.get("isClosed")).lower() == "true"
                chance = number(about.get("probability"))
                meaning = ("won" if chance == 1 else "lost") if closed else ""
                found[str(stage["id"])] = {"label": f"{pipeline['label']}: {stage['label']}", "meaning": meaning}
        return found

    def reread(self, events: Sequence[Event]) -> Iterator[Page]:
        """See `Connector`; HubSpot's search knows a change some seconds after its webhook."""
        for name, entity in (("companies", "company"), ("contacts", "contact"), ("deals", "deal")):
            ids = list(dict.fromkeys(event.record for event in events if event.entity == entity))
            if ids:
                kind = self._kind(name)
                found = whole(self.api, kind, ids)
                there = {row["_id"] for row in found[kind.table]}
                lost = gone(kind, [name for name in ids if name not in there], self.now())
                yield Page({**found, kind.table: [*found[kind.table], *lost]}, None)

    def shape(self, stages: Mapping[str, Mapping[str, str | None]]) -> Shape:
        """What becomes what; `form: *` and the like are found by their beginning."""
        own = f"{self.source.write_back.prefix}_"
        landed = self.landing.tables().get("people", [])
        return Shape(
            self.source.leads,
            self.source.companies,
            {**INTERACTIONS, **self.source.interactions},
            stages,
            OUTCOMES | set(self.source.exclude) | {c for c in landed if c.startswith((ENTERED, own))},
            OPT_OUTS,
            other=_other,
        )

    def propose(self, value: StageValue) -> str | None:
        """HubSpot's own lead stages and statuses."""
        if value.field == "lifecyclestage" and value.value in STAGES:
            return STAGES[value.value] or None
        return STATUSES.get(value.value) or None if value.field == "hs_lead_status" else None

    def checks(self) -> list[Check]:
        """See `Connector`."""
        return checks(self.api)

    def budget(self, leads: int) -> Budget:
        """See `Connector`."""
        return budget(self.api, leads)


def _other(name: str) -> str | None:
    """A form by what its title speaks of, anything else by its own name."""
    return form_type(name.removeprefix("form: ")) if name.startswith("form: ") else plain(name)


def _histories(entity: str, found: Sequence[Mapping[str, Any]]) -> list[Row]:
    return [row for one in found for row in history_rows(entity, one, {})]


def _aliases(entity: str, found: Sequence[Mapping[str, Any]]) -> list[Row]:
    return [row for one in found for row in alias_rows(entity, one)]
