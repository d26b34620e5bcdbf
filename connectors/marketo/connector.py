"""Marketo as Ripeline sees it.

Leads come by bulk extract, month by month; afterwards a lead is read again when one of its fields changed. The changes
themselves are asked for field by field, so that a written score is none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any

from connectors.crm.base import BaseConnector
from connectors.crm.connector import Budget, Check
from connectors.crm.http import Http
from connectors.crm.interactions import form_type, page_name, page_type
from connectors.crm.keys import company_key
from connectors.crm.landing import Landing, Row
from connectors.crm.mapping import Shape, StageValue, plain
from connectors.crm.moments import iso, moment
from connectors.crm.rows import alias_row, history_row, label_row, true
from connectors.crm.stream import Page, Stream
from connectors.files.privacy import mail_domain
from connectors.marketo.api import BATCH, TYPES, Api, LostExportError
from connectors.marketo.check import budget, checks
from connectors.marketo.records import as_rest, deal, histories, ids
from connectors.marketo.settings import (
    CONVERTED,
    INTERACTIONS,
    OUTCOMES,
    REVENUE_STAGE,
    STAGE,
    STATUS,
    MarketoSource,
)
from connectors.marketo.writer import MarketoWriter

MONTH = timedelta(days=30)  # an export may span 31 days
AHEAD = 6  # jobs in the queue, which has ten places
UNSAID = 3  # jobs that a kill may make unknown; they and `QUEUE_DEPTH` others fit into the queue
BULK_FROM = timedelta(days=7)  # activities older than that come by export
YEARS = 10
OVERLAP = timedelta(minutes=5)
FORGOTTEN = timedelta(days=13)  # deletions older than fourteen days may not be listed any more
ACTS = (1, 2, 3, 6, 8, 9, 10, 11, 21, 27, 32, 34, 35, 36, 39, 40, 41, 45, 46, 101, 102, 104)
VISIT, FORM, CONVERT, MERGE, PROGRESS = 1, 2, 21, 32, 104
DEALS, MOMENT, STAGES = (34, 35, 36), 46, (101, 102)
CUSTOM = 100_000
OUTBOUND = {6, 8, 27, 39}
OPT_OUTS = ("unsubscribed",)
KINDS_OF_FIELD = {"string", "integer", "float", "boolean", "date", "datetime", "currency", "percent", "score"}
EXPORTED = [
    "marketoGUID",
    "leadId",
    "activityDate",
    "activityTypeId",
    "campaignId",
    "primaryAttributeValueId",
    "primaryAttributeValue",
    "attributes",
]
DEAL_FIELDS = ("externalOpportunityId", "amount", "isClosed", "isWon", "stage", "closeDate", "externalCreatedDate", "createdAt")

Tables = dict[str, list[Row]]


@dataclass(frozen=True)
class _Part:
    """Rows of exports; where a month is whole, its end and the jobs that are queued behind it."""

    rows: list[dict[str, str | None]]
    at: datetime | None = None
    jobs: Mapping[str, str] = field(default_factory=dict)
    urgent: bool = False

    def page(self, tables: Tables, span: tuple[datetime, datetime], going_on: Callable[[str], dict[str, Any]]) -> Page:
        days = (span[1] - span[0]).days
        if self.at is None:
            return Page(tables, None, None, days)
        return Page(tables, {**going_on(iso(self.at)), "jobs": self.jobs}, (self.at - span[0]).days, days, urgent=self.urgent)


class Marketo(MarketoWriter, BaseConnector):
    """One instance."""

    kind = "marketo"

    def __init__(self, source: MarketoSource, http: Http, landing: Landing, since: datetime) -> None:
        super().__init__(Api(http, source.api_version), source.write_back.prefix)
        self._begin(source, http, landing, since)
        self.leads_since = source.leads_since
        # in this run, not landed perhaps: who was merged, and who was found in a deal
        self._merged: set[str] = set()
        self._dealt: dict[str, set[str]] = {}

    @cached_property
    def _fields(self) -> dict[str, dict[str, Any]]:
        return self.api.fields()

    @cached_property
    def _types(self) -> dict[int, str]:
        return self.api.activity_types()

    @cached_property
    def _mapped(self) -> list[str]:
        """The fields that become columns, and custom ones that are not personal."""
        custom = [
            name
            for name, f in self._fields.items()
            if f.get("isCustom")
            and f.get("dataType") in KINDS_OF_FIELD
            and not name.startswith(self.prefix)
            and self.attribute(name, f.get("displayName"))
        ]
        every = [STATUS, *OPT_OUTS, *self.source.leads.values(), *self.source.companies.values(), *custom]
        return [name for name in dict.fromkeys(every) if name in self._fields]

    @property
    def _asked(self) -> list[str]:
        return ["id", "createdAt", "updatedAt", "email", "company", *self._mapped]

    def hello(self) -> None:
        """See `BaseConnector`."""
        self._fields  # noqa: B018  a call that is needed anyway

    def streams(self) -> Sequence[Stream]:
        """Records before what hangs on them."""
        return [
            Stream("leads", self._leads, needs="the permission Read-Only Lead", fields=frozenset(self._mapped)),
            Stream("lead_changes", self._changes, needs="the permission Read-Only Activity"),
            Stream("activities", self._activities, needs="the permission Read-Only Activity"),
            Stream("deleted", self._deleted, needs="the permission Read-Only Activity"),
        ]

    def _leads(self, cursor: Any) -> Iterator[Page]:
        """Every lead by the month of its creation, once; afterwards changes say whom to read."""
        if cursor is not None and cursor.get("whole"):
            return
        first = self.leads_since or date.today() - timedelta(days=365 * YEARS)  # noqa: DTZ011  a default by years
        begin = moment(cursor["from"]) if cursor else datetime.combine(first, time(), UTC)
        end = moment(cursor["until"]) if cursor else self.now()
        assert begin is not None and end is not None  # noqa: S101, PT018  our own cursor
        until = iso(end)
        for part in self._exports("leads", {"fields": self._asked}, (begin, end), (cursor or {}).get("jobs", {})):
            people = [self._person(row) for row in part.rows]
            yield part.page({"people": people}, (begin, end), lambda at: {"from": at, "until": until})
        yield Page({}, {"whole": True})

    def _exports(
        self, what: str, order: Mapping[str, Any], span: tuple[datetime, datetime], jobs: Mapping[str, str]
    ) -> Iterator[_Part]:
        """The rows of a span, a month a job.

        Marketo runs two jobs and queues ten; some wait in the queue while the first is read. A run that goes on where another
        was killed finds that one's jobs: those it does not know of would stand in its way in the queue, and count twice
        against the day's quota.
        """
        months = list(_months(*span))
        queued = dict(jobs)
        said = set(queued.values())
        wanted = order.get("filter", {})
        for place, (begin, stop) in enumerate(months):
            for first, last in months[place : place + AHEAD]:
                if iso(first) not in queued:
                    given = {**wanted, "createdAt": {"startAt": iso(first), "endAt": iso(last)}}
                    queued[iso(first)] = self.api.begin_export(what, {**order, "filter": given})
            urgent = len(set(queued.values()) - said) >= UNSAID
            said = set(queued.values()) if urgent else said
            yield _Part([], begin, dict(queued), urgent=urgent)
            for again in (False, True):
                try:
                    for rows in self.api.export_rows(what, queued[iso(begin)], self.landing.folder):
                        yield _Part(rows)
                    break
                except LostExportError:
                    if again:
                        raise
                    # of a run that was broken off long ago, or Marketo failed: another; rows that came come again
                    given = {**wanted, "createdAt": {"startAt": iso(begin), "endAt": iso(stop)}}
                    queued[iso(begin)] = self.api.begin_export(what, {**order, "filter": given})
                    yield _Part([], begin, dict(queued))
            del queued[iso(begin)]
            yield _Part([], stop, dict(queued))

    def _person(self, one: Mapping[str, Any]) -> Row:
        return {
            **{name: one.get(name) for name in self._mapped},
            "_id": str(one["id"]),
            "_created_at": moment(one.get("createdAt")),
            "_company": company_key(one.get("company"), self.landing.salt),
            "_email_domain": mail_domain(one.get("email") or ""),
            "_opted_out": "true" if any(true(one.get(name)) for name in OPT_OUTS) else "false",
        }

    def _changes(self, cursor: Any) -> Iterator[Page]:
        """What fields became, and the leads read anew in which they did."""
        token = str(cursor["token"]) if cursor else self.api.token(self.since)
        done = 0
        asked = ",".join(["email", "company", *self._mapped])
        for rows, following, _ in self.api.stream("/leadchanges.json", {"fields": asked, "batchSize": BATCH}, token):
            ids = list(dict.fromkeys(int(one["leadId"]) for one in rows))
            people = [self._person(one) for one in self.api.leads(ids, self._asked)]
            created = {row["_id"]: row["_created_at"] for row in people}
            done += len(rows)
            history = histories(rows, created, frozenset(self._mapped))
            labels = self._labels([row for row in history if row["field"] == STATUS])
            yield Page({"people": people, "history": history, "labels": labels}, {"token": following}, done)

    def _activities(self, cursor: Any) -> Iterator[Page]:
        """What people did: older than a week by exports of a month, newer page by page."""
        state: dict[str, Any] = dict(cursor or {"exported": iso(self.since)})
        wanted = [t for t in self._types if t in ACTS or t > CUSTOM]
        if "tokens" not in state:
            yield from self._exported(state, wanted)
            from_there = moment(state["exported"])
            assert from_there is not None  # noqa: S101  our own cursor
            token = self.api.token(from_there)
            state = {"tokens": {str(n): token for n in range(-(-len(wanted) // TYPES))}}
        for n in range(-(-len(wanted) // TYPES)):
            group = wanted[n * TYPES : (n + 1) * TYPES]
            token = state["tokens"].get(str(n)) or self.api.token(self.since)
            params = {"activityTypeIds": ",".join(map(str, group)), "batchSize": BATCH}
            done = 0
            for rows, following, _ in self.api.stream(".json", params, token):
                state = {"tokens": {**state["tokens"], str(n): following}}
                done += len(rows)
                yield Page(self._acts(rows), dict(state), done)

    def _exported(self, state: dict[str, Any], wanted: Sequence[int]) -> Iterator[Page]:
        begin, now = moment(state["exported"]), self.now()
        assert begin is not None  # noqa: S101  our own cursor
        if begin >= now - BULK_FROM:
            return
        order = {"fields": EXPORTED, "filter": {"activityTypeIds": list(wanted)}}
        for part in self._exports("activities", order, (begin, now - OVERLAP), state.get("jobs", {})):
            if part.at is not None:
                state["exported"] = iso(part.at)
            acts = self._acts([as_rest(row) for row in part.rows])
            yield part.page(acts, (begin, now), lambda at: {"exported": at})

    def _acts(self, rows: Sequence[Mapping[str, Any]]) -> Tables:
        tables: Tables = {"activities": [], "history": [], "aliases": []}
        dealing: list[int] = []
        for one in rows:
            kind, lead, at = int(one["activityTypeId"]), str(one["leadId"]), moment(one["activityDate"])
            given = {a["name"]: a.get("value") for a in one.get("attributes") or []}
            if at is None or true(given.get("Is Bot Activity")):
                continue
            if kind == MERGE:
                losers = ids(given.get("Merge IDs"))
                self._merged.update(losers)
                tables["aliases"] += [alias_row("lead", old, lead, at) for old in losers]
            elif kind in DEALS:
                dealing.append(int(lead))
            elif kind in STAGES:
                tables["history"].append(
                    history_row("lead", lead, REVENUE_STAGE, str(given.get("New Stage") or given.get("New Stage ID") or ""), at)
                )
            elif kind == CONVERT:
                tables["history"].append(history_row("lead", lead, CONVERTED, "true", at))
            else:
                tables["activities"].append(self._act(one, kind, lead, at, given))
        dealt = self._deals(dealing)
        labels = [*self._labels(tables["history"]), *dealt.pop("labels", [])]
        tables["history"] += dealt.pop("history", [])
        return {**tables, **dealt, "labels": labels}

    def _act(self, one: Mapping[str, Any], kind: int, lead: str, at: datetime, given: Mapping[str, Any]) -> Row:
        named = one.get("primaryAttributeValue")
        name = self._types.get(kind, str(kind))
        if kind == VISIT:
            name = page_type(str(given.get("Webpage URL") or named or ""))
        elif kind == FORM:
            name = f"form: {named or ''}"
        elif kind == PROGRESS:
            name = f"program: {given.get('New Status') or ''}"
        elif kind == MOMENT:
            name = f"moment: {named or ''}"
        return {
            "_id": str(one.get("marketoGUID") or one.get("id")),
            "person": lead,
            "type": name,
            "at": at,
            "content": page_name(str(named)) if named and kind != MOMENT else None,
            "campaign": str(one["campaignId"]) if one.get("campaignId") else None,
            "direction": "out" if kind in OUTBOUND else "in",
        }

    def _deals(self, leads: Sequence[int]) -> Tables:
        """The opportunities of leads whose opportunities changed; there is no other way to find them."""
        if not leads:
            return {}
        asked = list(dict.fromkeys(leads))
        roles = self.api.lookup("/opportunities/roles.json", "leadId", asked, ("externalOpportunityId", "leadId", "isPrimary"))
        wanted = list(dict.fromkeys(str(one["externalOpportunityId"]) for one in roles))
        found = self.api.lookup("/opportunities.json", "externalOpportunityId", wanted, DEAL_FIELDS)
        people = [
            {
                "_id": f"{o['externalOpportunityId']}|{o['leadId']}",
                "deal": str(o["externalOpportunityId"]),
                "person": str(o["leadId"]),
            }
            for o in roles
        ]
        people += self._left([str(lead) for lead in asked], {str(row["_id"]) for row in people})
        deals = [deal(one) for one in found]
        stages = [
            history_row("deal", d["_id"], STAGE, str(d[STAGE]), d["_closed_at"] or d["_created_at"])
            for d in deals
            if d[STAGE] and d["_created_at"]
        ]
        labels = [
            label_row(f"deal.{STAGE}", str(d[STAGE]), str(d[STAGE]), d["_status"].replace("open", ""))
            for d in deals
            if d[STAGE]
        ]
        return {"deals": deals, "deal_people": people, "history": stages, "labels": labels}

    def _left(self, leads: Sequence[str], roles: set[str]) -> list[Row]:
        """The ends of what the roles tell no longer: deals that these leads, or who was merged into them, belonged to."""
        merged = self.landing.named("aliases", "into", leads)
        losers = [name.removeprefix("lead|") for name in merged]
        known = set(self.landing.named("deal_people", "person", [*leads, *losers]))
        for lead in leads:
            known |= self._dealt.get(lead, set())
            self._dealt[lead] = {row for row in roles if row.rpartition("|")[2] == lead}
        at = self.now()
        parts = [(row, *row.rpartition("|")[::2]) for row in sorted(known - roles)]
        return [{"_id": row, "deal": deal, "person": person, "_gone_at": at} for row, deal, person in parts]

    def _labels(self, history: Sequence[Row]) -> list[Row]:
        return [label_row(h["field"], h["value"], h["value"]) for h in history if h["value"]]

    def _deleted(self, cursor: Any) -> Iterator[Page]:
        """Leads that were deleted. Marketo forgets deletions after two weeks: who was away longer asks for every lead."""
        begun, known = self.now(), cursor or {}
        token = str(known["token"]) if known else self.api.token(self.since)
        for rows, following, _ in self.api.stream("/deletedleads.json", {"batchSize": BATCH}, token):
            merged = self._merged | self.landing.departed("lead", "people", [str(one["leadId"]) for one in rows])
            gone = [{"_id": str(one["leadId"]), "_gone_at": moment(one["activityDate"])} for one in rows]
            kept = [row for row in gone if row["_id"] not in merged]  # a merged one is known, and when it was created
            yield Page({"people": kept}, {**known, "token": following})
            token = following
        last = moment(known.get("at"))
        if last is not None and begun - last > FORGOTTEN:
            for page in self.swept({"people": self._there}).read(None):
                yield Page(page.tables, None)
        yield Page({}, {"token": token, "at": iso(begun)})

    def _there(self) -> Iterator[str]:
        """Of the leads that are landed those that Marketo still has."""
        for batch in self.landing.standing("people"):
            names = [int(name) for name in batch.column(0).to_pylist()]
            yield from (str(one["id"]) for one in self.api.leads(names, ["id"]))

    def shape(self, stages: Mapping[str, Mapping[str, str | None]]) -> Shape:
        """What becomes what."""
        interactions = {**INTERACTIONS, **self.source.interactions}
        left = OUTCOMES | {STAGE, *OPT_OUTS, *self.source.exclude}
        return Shape(
            self.source.leads, self.source.companies, interactions, stages, frozenset(left), OPT_OUTS, True, other=_other
        )

    def propose(self, value: StageValue) -> str | None:
        """A lead that was converted in the CRM was accepted by sales."""
        return "sql" if value.field == CONVERTED else None

    def checks(self) -> list[Check]:
        """See `Connector`."""
        return checks(self.api, STATUS, self.since)

    def budget(self, leads: int) -> Budget:
        """See `Connector`."""
        return budget(self.api, leads)


def _months(begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    while begin < end:
        yield begin, min(begin + MONTH, end)
        begin += MONTH


def _other(name: str) -> str | None:
    """Forms by their name, statuses of programmes by whether they are success; other things by their own name."""
    if name.startswith("form: "):
        return form_type(name.removeprefix("form: "))
    if name.startswith("program: "):
        return "program_progressed"
    return "interesting_moment" if name.startswith("moment: ") else plain(name)
