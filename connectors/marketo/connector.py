"""Marketo as Ripeline sees it.

Leads come by bulk extract, month by month; afterwards a lead is read again when one of its fields changed. The changes
themselves are asked for field by field, so that a written score is none of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
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
from connectors.crm.rows import alias_row, history_row, label_row, true
from connectors.crm.stream import Page, Stream
from connectors.marketo.api import BATCH, TYPES_PER_CALL, LostExportError, MarketoApi, fitting
from connectors.marketo.check import RETENTION, budget, checks, history_check
from connectors.marketo.exports import ExportPart, Tables, by_month
from connectors.marketo.records import (
    CONVERT,
    CUSTOM,
    DEAL_FIELDS,
    DEALS,
    EXPORT_FIELDS,
    INTERACTION_TYPES,
    KINDS_OF_FIELD,
    MERGE,
    OPT_OUTS,
    STAGES,
    address_changes,
    deal,
    fallback_type,
    histories,
    ids,
    interaction_row,
    rest_record,
)
from connectors.marketo.settings import (
    CONVERTED,
    INTERACTIONS,
    OUTCOMES,
    REVENUE_STAGE,
    STAGE,
    STATUS,
    MarketoSource,
    permission,
)
from connectors.marketo.writer import MarketoWriter
from features.attributes.values import has_opted_out

QUEUE_DEPTH = 6  # jobs in the queue, which has ten places
UNSAVED_JOBS = 3  # jobs that a kill may make unknown; they and `QUEUE_DEPTH` others fit into the queue
BULK_FROM = timedelta(days=7)  # activities older than that come by export
YEARS = 10
OVERLAP = timedelta(minutes=5)
DELETION_MEMORY = timedelta(days=13)  # deletions older than fourteen days may not be listed any more


class Marketo(MarketoWriter, BaseConnector):
    """One instance."""

    kind = "marketo"

    def __init__(self, source: MarketoSource, http: Http, landing: Landing, history_start: datetime) -> None:
        super().__init__(MarketoApi(http, source.api_version), source.write_back.prefix)
        self._begin(source, http, landing, history_start)
        self.leads_since = source.leads_since
        # in this run, not landed perhaps: who was merged, and who was found in a deal
        self._merged_ids: set[str] = set()
        self._deal_roles: dict[str, set[str]] = {}

    @cached_property
    def _fields(self) -> dict[str, dict[str, Any]]:
        return self.api.fields()

    @cached_property
    def _types(self) -> dict[int, str]:
        return self.api.activity_types()

    @cached_property
    def _mapped_fields(self) -> list[str]:
        """The fields that become columns, and custom ones that are not personal."""
        custom = [
            name
            for name, f in self._fields.items()
            if f.get("isCustom")
            and f.get("dataType") in KINDS_OF_FIELD
            and not name.startswith(self.prefix)
            and self.attribute(name, f.get("displayName"))
        ]
        candidates = [
            STATUS,
            *OPT_OUTS,
            *self.person_stages,
            *self.source.leads.values(),
            *self.source.companies.values(),
            *custom,
        ]
        return [name for name in dict.fromkeys(candidates) if name in self._fields]

    @property
    def _requested_fields(self) -> list[str]:
        return ["id", "createdAt", "updatedAt", "email", "company", *self._mapped_fields]

    def hello(self) -> None:
        """See `BaseConnector`."""
        self._fields  # noqa: B018  a call that is needed anyway

    def read_account(self) -> str | None:
        """See `BaseConnector`: the Munchkin id, which every instance has in its address."""
        munchkin_id = re.search(r"//(\d{3}-[A-Z]{3}-\d{3})\.", self.source.base_url, re.IGNORECASE)
        return munchkin_id.group(1).upper() if munchkin_id else None

    def streams(self) -> Sequence[Stream]:
        """Records before what hangs on them."""
        return [
            Stream("leads", self._leads, needs=permission("Lead"), fields=frozenset(self._mapped_fields)),
            Stream("lead_changes", self._changes, needs=permission("Activity"), fields=frozenset(self._mapped_fields)),
            Stream("activities", self._activities, needs=permission("Activity")),
            Stream("deleted", self._deletion_pages, needs=permission("Activity")),
        ]

    def _leads(self, cursor: Any) -> Iterator[Page]:
        """Every lead by the month of its creation, once; afterwards changes say whom to read."""
        if cursor is not None and cursor.get("whole"):
            return
        first_day = self.leads_since or date.today() - timedelta(days=365 * YEARS)  # noqa: DTZ011  a default by years
        begin = moment(cursor["from"]) if cursor else datetime.combine(first_day, time(), UTC)
        end = moment(cursor["until"]) if cursor else self.now()
        assert begin is not None and end is not None  # noqa: S101, PT018  our own cursor
        end_text = iso(end)
        for part in self._exports("leads", {"fields": self._requested_fields}, (begin, end), (cursor or {}).get("jobs", {})):
            people = [self._person(row) for row in part.rows]
            yield part.page({"people": people}, (begin, end), lambda position: {"from": position, "until": end_text})
        yield Page({}, {"whole": True})

    def _exports(
        self, resource: str, order: Mapping[str, Any], span: tuple[datetime, datetime], jobs: Mapping[str, str]
    ) -> Iterator[ExportPart]:
        """The rows of a span, a month a job.

        Marketo runs two jobs and queues ten; some wait in the queue while the first is read. A run that goes on where another
        was killed finds that one's jobs: those it does not know of would stand in its way in the queue, and count twice
        against the day's quota.
        """
        months = list(by_month(*span))
        queued = dict(jobs)
        saved_jobs = set(queued.values())
        base_filter = order.get("filter", {})
        for index, (begin, stop) in enumerate(months):
            for job_start, job_end in months[index : index + QUEUE_DEPTH]:
                if iso(job_start) not in queued:
                    job_filter = {**base_filter, "createdAt": {"startAt": iso(job_start), "endAt": iso(job_end)}}
                    queued[iso(job_start)] = self.api.begin_export(resource, {**order, "filter": job_filter})
            urgent = len(set(queued.values()) - saved_jobs) >= UNSAVED_JOBS
            saved_jobs = set(queued.values()) if urgent else saved_jobs
            yield ExportPart([], begin, dict(queued), urgent=urgent)
            for retried in (False, True):
                try:
                    for rows in self.api.export_rows(resource, queued[iso(begin)], self.landing.folder):
                        yield ExportPart(rows)
                    break
                except LostExportError:
                    if retried:
                        raise
                    # of a run that was broken off long ago, or Marketo failed: another; rows that came come again
                    job_filter = {**base_filter, "createdAt": {"startAt": iso(begin), "endAt": iso(stop)}}
                    queued[iso(begin)] = self.api.begin_export(resource, {**order, "filter": job_filter})
                    yield ExportPart([], begin, dict(queued))
            del queued[iso(begin)]
            yield ExportPart([], stop, dict(queued))

    def _person(self, record: Mapping[str, Any]) -> Row:
        return {
            **{name: record.get(name) for name in self._mapped_fields},
            "_id": str(record["id"]),
            "_created_at": moment(record.get("createdAt")),
            "_company": company_key(record.get("company"), self.landing.salt),
            **address_columns([record.get("email")], self.landing.salt),
            "_opted_out": "true" if any(has_opted_out(record.get(name)) for name in OPT_OUTS) else "false",
        }

    def _changes(self, cursor: Any) -> Iterator[Page]:
        """What fields became, and the leads read anew in which they did."""
        state = cursor or {}
        tokens = dict(state.get("tokens") or {})
        if "token" in state:  # of an older version, which asked for all fields in one address
            tokens["0"] = state["token"]
        read_count = 0
        for number, group in enumerate(fitting(["email", "company", *self._mapped_fields])):
            token = tokens.get(str(number)) or self.api.token(self.history_start)
            params = {"fields": ",".join(group), "batchSize": BATCH}
            for rows, following, _ in self.api.stream("/leadchanges.json", params, token):
                ids = list(dict.fromkeys(int(record["leadId"]) for record in rows))
                people = [self._person(record) for record in self.api.leads(ids, self._requested_fields)]
                created = {row["_id"]: row["_created_at"] for row in people}
                read_count += len(rows)
                history = histories(rows, created, frozenset(self._mapped_fields))
                labels = self._labels([row for row in history if row["field"] == STATUS])
                tokens = {**tokens, str(number): following}
                tables = {"people": people, "history": history, "labels": labels}
                addresses = address_changes(rows, created, self.landing.salt)
                yield Page({**tables, "addresses": addresses}, {"tokens": tokens}, read_count)

    def _activities(self, cursor: Any) -> Iterator[Page]:
        """What people did: older than a week by exports of a month, newer page by page."""
        state: dict[str, Any] = dict(cursor or {"exported": iso(self.history_start)})
        type_ids = [t for t in self._types if t in INTERACTION_TYPES or t > CUSTOM]
        if "tokens" not in state:
            yield from self._exported_pages(state, type_ids)
            exported_until = moment(state["exported"])
            assert exported_until is not None  # noqa: S101  our own cursor
            token = self.api.token(exported_until)
            state = {"tokens": {str(n): token for n in range(-(-len(type_ids) // TYPES_PER_CALL))}}
        for n in range(-(-len(type_ids) // TYPES_PER_CALL)):
            group = type_ids[n * TYPES_PER_CALL : (n + 1) * TYPES_PER_CALL]
            token = state["tokens"].get(str(n)) or self.api.token(self.history_start)
            params = {"activityTypeIds": ",".join(map(str, group)), "batchSize": BATCH}
            read_count = 0
            for rows, following, _ in self.api.stream(".json", params, token):
                state = {"tokens": {**state["tokens"], str(n): following}}
                read_count += len(rows)
                yield Page(self._interaction_tables(rows), dict(state), read_count)

    def _exported_pages(self, state: dict[str, Any], type_ids: Sequence[int]) -> Iterator[Page]:
        begin, now = moment(state["exported"]), self.now()
        assert begin is not None  # noqa: S101  our own cursor
        if begin >= now - BULK_FROM:
            return
        order = {"fields": EXPORT_FIELDS, "filter": {"activityTypeIds": list(type_ids)}}
        for part in self._exports("activities", order, (begin, now - OVERLAP), state.get("jobs", {})):
            if part.position is not None:
                state["exported"] = iso(part.position)
            tables = self._interaction_tables([rest_record(row) for row in part.rows])
            yield part.page(tables, (begin, now), lambda position: {"exported": position})

    def _interaction_tables(self, rows: Sequence[Mapping[str, Any]]) -> Tables:
        tables: Tables = {"activities": [], "history": [], "aliases": []}
        deal_lead_ids: list[int] = []
        for activity in rows:
            kind, lead, timestamp = int(activity["activityTypeId"]), str(activity["leadId"]), moment(activity["activityDate"])
            attributes = {a["name"]: a.get("value") for a in activity.get("attributes") or []}
            if timestamp is None or true(attributes.get("Is Bot Activity")):
                continue
            if kind == MERGE:
                losers = ids(attributes.get("Merge IDs"))
                self._merged_ids.update(losers)
                tables["aliases"] += [alias_row("lead", loser, lead, timestamp) for loser in losers]
            elif kind in DEALS:
                deal_lead_ids.append(int(lead))
            elif kind in STAGES:
                tables["history"].append(
                    history_row(
                        "lead",
                        lead,
                        REVENUE_STAGE,
                        str(attributes.get("New Stage") or attributes.get("New Stage ID") or ""),
                        timestamp,
                    )
                )
            elif kind == CONVERT:
                tables["history"].append(history_row("lead", lead, CONVERTED, "true", timestamp))
            else:
                tables["activities"].append(
                    interaction_row(activity, self._types.get(kind, str(kind)), kind, lead, timestamp, attributes)
                )
        deal_tables = self._deals(deal_lead_ids)
        labels = [*self._labels(tables["history"]), *deal_tables.pop("labels", [])]
        tables["history"] += deal_tables.pop("history", [])
        return {**tables, **deal_tables, "labels": labels}

    def _deals(self, leads: Sequence[int]) -> Tables:
        """The opportunities of leads whose opportunities changed; there is no other way to find them."""
        if not leads:
            return {}
        lead_ids = list(dict.fromkeys(leads))
        try:
            roles = self.api.lookup(
                "/opportunities/roles.json", "leadId", lead_ids, ("externalOpportunityId", "leadId", "isPrimary")
            )
        except RefusedError as error:
            return self.without("deals", "deals", error, permission("Opportunity"))
        deal_ids = list(dict.fromkeys(str(record["externalOpportunityId"]) for record in roles))
        records = self.api.lookup("/opportunities.json", "externalOpportunityId", deal_ids, DEAL_FIELDS)
        people = [
            {
                "_id": f"{o['externalOpportunityId']}|{o['leadId']}",
                "deal": str(o["externalOpportunityId"]),
                "person": str(o["leadId"]),
            }
            for o in roles
        ]
        people += self._ended_roles([str(lead) for lead in lead_ids], {str(row["_id"]) for row in people})
        deals = [deal(record) for record in records]
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

    def _ended_roles(self, leads: Sequence[str], roles: set[str]) -> list[Row]:
        """The ends of what the roles tell no longer: deals that these leads, or who was merged into them, belonged to."""
        merged = self.landing.ids_where("aliases", "into", leads)
        losers = [name.removeprefix("lead|") for name in merged]
        known_roles = set(self.landing.ids_where("deal_people", "person", [*leads, *losers]))
        for lead in leads:
            known_roles |= self._deal_roles.get(lead, set())
            self._deal_roles[lead] = {row for row in roles if row.rpartition("|")[2] == lead}
        deleted_at = self.now()
        parts = [(row, *row.rpartition("|")[::2]) for row in sorted(known_roles - roles)]
        return [{"_id": row, "deal": deal, "person": person, "_gone_at": deleted_at} for row, deal, person in parts]

    def _labels(self, history: Sequence[Row]) -> list[Row]:
        return [label_row(h["field"], h["value"], h["value"]) for h in history if h["value"]]

    def _deletion_pages(self, cursor: Any) -> Iterator[Page]:
        """Leads that were deleted. Marketo forgets deletions after two weeks: who was away longer asks for every lead."""
        run_start, state = self.now(), cursor or {}
        token = str(state["token"]) if state else self.api.token(self.history_start)
        for rows, following, _ in self.api.stream("/deletedleads.json", {"batchSize": BATCH}, token):
            merged = self._merged_ids | self.landing.removed_records(
                "lead", "people", [str(deletion["leadId"]) for deletion in rows]
            )
            deleted_rows = [{"_id": str(deletion["leadId"]), "_gone_at": moment(deletion["activityDate"])} for deletion in rows]
            kept_rows = [
                row for row in deleted_rows if row["_id"] not in merged
            ]  # a merged one is known, and when it was created
            yield Page({"people": kept_rows}, {**state, "token": following})
            token = following
        last_run = moment(state.get("at"))
        if last_run is not None and run_start - last_run > DELETION_MEMORY:
            for page in self.sweep_stream({"people": self._existing_ids}, {"people": "leads"}).read(None):
                yield Page(page.tables, None)
        yield Page({}, {"token": token, "at": iso(run_start)})

    def _existing_ids(self) -> Iterator[str]:
        """Of the leads that are landed those that Marketo still has."""
        for batch in self.landing.alive_records("people"):
            names = [int(name) for name in batch.column(0).to_pylist()]
            yield from (str(lead["id"]) for lead in self.api.leads(names, ["id"]))

    def mapping(self, stages: Mapping[str, Mapping[str, str | None]]) -> CrmMapping:
        """What becomes what."""
        excluded = OUTCOMES | {STAGE, *OPT_OUTS}
        return CrmMapping.of_source(
            self.source,
            stages,
            INTERACTIONS,
            excluded,
            opted_out=OPT_OUTS,
            companies_on_people=True,
            default_type=fallback_type,
            present=dict.fromkeys(("leads", "companies"), frozenset(self._fields)),
            recorded=dict.fromkeys(("leads", "companies"), frozenset(self._mapped_fields)),
            recorded_by_changes="any",
            history_remedy=RETENTION,
            stages_from_creation=frozenset(self.person_stages) - {STATUS, REVENUE_STAGE, CONVERTED},
        )

    def stage_names(self) -> set[str]:
        """See `Connector`: any field of leads; of opportunities only the stage."""
        return {*self._fields, REVENUE_STAGE, CONVERTED, STATUS, f"{DEAL_PREFIX}{STAGE}"}

    def propose(self, value: StageValue) -> str | None:
        """A lead that was converted in the CRM was accepted by sales."""
        return "sql" if value.field == CONVERTED else None

    def checks(self) -> Iterator[Check]:
        """See `Connector`."""
        readable = True
        for check in checks(self.api, STATUS, self.history_start):
            readable &= check.status != "bad"
            yield check
        if readable:
            excluded = {*OUTCOMES, *OPT_OUTS, *self.person_stages}
            yield history_check(self.api, columns_of(self.source, self._mapped_fields, excluded), self.history_start)

    def budget(self, leads: int) -> CallBudget:
        """See `Connector`."""
        return budget(self.api, leads)
