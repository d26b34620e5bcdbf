"""Pipedrive as Ripeline sees it. A lead is a person; the leads inbox and deals say how far it came."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any

from connectors.crm.addresses import address_columns, further_rows
from connectors.crm.base import BaseConnector
from connectors.crm.changes import DEAL_PREFIX
from connectors.crm.connector import CallBudget, Check
from connectors.crm.http import Http
from connectors.crm.landing import Landing
from connectors.crm.landing_tables import Row, content_hash
from connectors.crm.mapping import CrmMapping, StageValue, plain
from connectors.crm.moments import iso, moment
from connectors.crm.responses import RefusedError
from connectors.crm.rows import history_row, label_row
from connectors.crm.stream import FORBIDDEN, Page, Stream, changed_rows
from connectors.crm.sweep import due
from connectors.pipedrive.activities import LAST_MAILS, Tables, activities, inbox_row, mail, mail_addresses, mail_mark
from connectors.pipedrive.api import ARCHIVED_COST, ARCHIVED_INBOX_COST, LIST_COST, PipedriveApi, next_cursor, rfc
from connectors.pipedrive.changelogs import AS_CREATED, STAGED, Changelogs, staged_mark
from connectors.pipedrive.check import budget, checks, history_check
from connectors.pipedrive.deals import deal_history, deal_row
from connectors.pipedrive.own_stages import landed_stages, stage_names, staged_fields
from connectors.pipedrive.participants import READ_MARK, TAKE_PART, participant_pages
from connectors.pipedrive.settings import INBOX, INTERACTIONS, STAGE, STATUS, PipedriveSource
from connectors.pipedrive.writer import PipedriveWriter

OVERLAP = timedelta(minutes=5)
OPTED_OUT_STATUSES = ("unsubscribed",)  # who is archived for marketing has not said no
KINDS_OF_FIELD = {"enum", "set", "double", "varchar", "varchar_auto", "monetary", "date", "int"}
MAIL_MARK = "mailed"
VOLATILE = frozenset({AS_CREATED})  # our own scores are modifications too
PERSON_FIELDS = ",".join(("marketing_status", "email_messages_count", *LAST_MAILS))
DEAL_FIELDS = {"include_fields": "participants_count"}


SCREEN = "Settings → Manage users → Permission sets and Visibility groups; of an app its scopes in the Developer Hub"


class Pipedrive(PipedriveWriter, BaseConnector):
    """One company."""

    kind = "pipedrive"

    def __init__(self, source: PipedriveSource, http: Http, landing: Landing, history_start: datetime) -> None:
        super().__init__(PipedriveApi(http, source.api_version), source.write_back.prefix)
        self._begin(source, http, landing, history_start)
        self._settings = source

    def hello(self) -> None:
        """See `BaseConnector`."""
        self._options  # noqa: B018  calls that are needed anyway

    def read_account(self) -> str | None:
        """See `BaseConnector`: the number of the company."""
        try:
            company = self.api.http.get(f"{self.api.v1}/users/me").body["data"].get("company_id")
        except RefusedError:
            return None
        return str(company) if company else None

    def streams(self) -> Sequence[Stream]:
        """Records before what hangs on them; what costs a call a record last, since it may take days."""
        streams = [
            self._list_stream("organizations", "/organizations", {}, self._organisations, "companies"),
            self._list_stream("persons", "/persons", {"include_fields": PERSON_FIELDS}, self._persons, "people"),
            self._list_stream("deals", "/deals", DEAL_FIELDS, self._deals, "deals"),
            self._list_stream("archived_deals", "/deals/archived", DEAL_FIELDS, self._deals, "deals", ARCHIVED_COST),
            Stream("stages", self._stages, due=self.is_fresh),
            Stream("inbox", self._inbox, optional=True, needs=f"access to leads ({SCREEN})"),
            self._list_stream("activities", "/activities", {}, activities, "engagements"),
            self._sweep_stream(),
        ]
        if self._settings.changelog:
            streams.append(Stream("changelogs", self._changelogs, patient=True, lands_first=True))
        if self._reads_persons:
            needs = f"access to persons ({SCREEN})"
            streams.append(Stream("person_changelogs", self._person_changelogs, needs=needs, patient=True, lands_first=True))
        if self._settings.participants:
            needs = "access to deals"
            streams.append(Stream("participants", self._participants, True, needs, patient=True, lands_first=True))
        if self._settings.mails:
            needs = "the scope mail:read"
            streams.append(Stream("mails", self._mails, optional=True, needs=needs, patient=True, lands_first=True))
        return streams

    def _list_stream(
        self,
        name: str,
        path: str,
        params: Mapping[str, Any],
        rows: Callable[[Sequence[Mapping[str, Any]]], Tables],
        main: str,
        cost: int = LIST_COST,
    ) -> Stream:
        """A v2 list in the order of modification, from the last one seen on (inclusive)."""

        def read(cursor: Any) -> Iterator[Page]:
            newest = moment((cursor or {}).get("since"))
            params_ = {**params, "sort_by": "update_time", "sort_direction": "asc"}
            if newest:
                params_["updated_since"] = rfc(newest - OVERLAP)
            read_count = 0
            for answer in self.api.list_pages(path, params_, (cursor or {}).get("cursor"), cost):
                records = answer.body["data"] or []
                read_count += len(records)
                newest = max(
                    [*(m for record in records if (m := moment(record.get("update_time")))), *([newest] if newest else [])],
                    default=None,
                )
                page_cursor = next_cursor(answer)
                resume_cursor = (
                    {"since": (cursor or {}).get("since"), "cursor": page_cursor}
                    if page_cursor
                    else {"since": iso(newest) if newest else None}
                )
                yield Page(self._changed_tables(rows, records, main, first_run=cursor is None), resume_cursor, read_count)

        fields = (
            frozenset({*self.source.leads.values(), *self._custom, *self._staged["person"], MAIL_MARK, AS_CREATED})
            if main == "people"
            else frozenset(self.source.companies.values())
        )
        if main == "deals":
            fields = frozenset(self._staged["deal"])
        asked_fields = fields if main in ("people", "companies", "deals") else frozenset()
        return Stream(name, read, name not in ("persons", "deals"), f"access to {name} ({SCREEN})", asked_fields)

    def _changed_tables(self, rows: Any, records: Sequence[Mapping[str, Any]], main: str, first_run: bool) -> Tables:
        tables: Tables = rows(records)
        if first_run:
            for row in tables[main]:
                row["_hash"] = content_hash(row, VOLATILE)
            return tables
        new_ids = {row["_id"] for row in changed_rows(self.landing, main, tables[main], VOLATILE)}
        new_records = [record for record, row in zip(records, tables[main], strict=True) if row["_id"] in new_ids]
        hashes = {row["_id"]: row["_hash"] for row in tables[main]}
        tables = rows(new_records)
        for row in tables[main]:
            row["_hash"] = hashes[row["_id"]]
        return tables

    @cached_property
    def _fields(self) -> dict[str, list[dict[str, Any]]]:
        """kind → the definitions of its fields."""
        fields: dict[str, list[dict[str, Any]]] = {}
        for kind in ("person", "organization", "deal"):
            try:
                fields[kind] = list(self.api.all_rows(f"/{kind}Fields"))
            except RefusedError as error:
                if kind == "person" or error.http not in FORBIDDEN:
                    raise
                fields[kind] = []
        return fields

    @cached_property
    def _options(self) -> dict[str, dict[str, dict[str, str]]]:
        """kind → field → option id → label."""
        options: dict[str, dict[str, dict[str, str]]] = {}
        for kind, fields in self._fields.items():
            options[kind] = {f["field_code"]: {str(o["id"]): str(o["label"]) for o in f.get("options") or []} for f in fields}
        return options

    @cached_property
    def _custom(self) -> dict[str, str]:
        """Code → name of the persons' own fields that are neither ours nor personal."""
        custom_fields = {}
        for f in self._fields["person"]:
            name = str(f["field_name"])
            eligible = f.get("is_custom_field") and f.get("field_type") in KINDS_OF_FIELD
            staged = str(f["field_code"]) in self._staged["person"]
            if eligible and not staged and not name.startswith(self.label_prefix) and self.attribute(plain(name), name):
                custom_fields[str(f["field_code"])] = plain(name)
        return custom_fields

    def _label_of(self, kind: str, field: str, value: object) -> str | None:
        """An option's label, the labels of several, a plain value."""
        if value is None or value == "":
            return None
        options = self._options[kind].get(field, {})
        if isinstance(value, list):
            return "; ".join(sorted(options.get(str(v), str(v)) for v in value)) or None
        if isinstance(value, dict):
            value = value.get("value", value.get("id"))
        return options.get(str(value), None if value is None else str(value))

    def _organisations(self, records: Sequence[Mapping[str, Any]]) -> Tables:
        return {"companies": [self._organisation(record) for record in records]}

    def _organisation(self, record: Mapping[str, Any]) -> Row:
        address = record.get("address") or {}
        columns = {"country": address.get("country") if isinstance(address, dict) else None}
        for field in self.source.companies.values():
            if field not in columns:
                columns[field] = self._label_of(
                    "organization", field, record.get(field, (record.get("custom_fields") or {}).get(field))
                )
        return {
            "_id": str(record["id"]),
            **columns,
            "_gone_at": moment(record.get("update_time")) if record.get("is_deleted") else None,
        }

    def _persons(self, records: Sequence[Mapping[str, Any]]) -> Tables:
        people = [self._person(record) for record in records]
        return {"people": people, "addresses": further_rows(people)}

    def _person(self, record: Mapping[str, Any]) -> Row:
        custom = record.get("custom_fields") or {}
        status = record.get("marketing_status")
        return {
            **{
                name: self._label_of("person", code, custom.get(code, record.get(code)))
                for code, name in {**self._custom, **self._staged["person"]}.items()
            },
            "job_title": record.get("job_title"),
            "country": (record.get("postal_address") or {}).get("country"),
            "marketing_status": status,
            MAIL_MARK: mail_mark(record),
            AS_CREATED: record.get("update_time") == record.get("add_time"),
            "_id": str(record["id"]),
            "_created_at": moment(record.get("add_time")),
            "_company": str(record["org_id"]) if record.get("org_id") else None,
            **address_columns(mail_addresses(record), self.landing.salt),
            "_opted_out": "true" if status in OPTED_OUT_STATUSES else "false",
            "_gone_at": moment(record.get("update_time")) if record.get("is_deleted") else None,
        }

    def _deals(self, records: Sequence[Mapping[str, Any]]) -> Tables:
        """Deals, and of their stages what needs no changelog: where they began if they never moved, the last, won
        and lost."""
        rows = [{**deal_row(record), STAGED: self._staged_values(record)} for record in records]
        return {"deals": rows, "history": [row for record in records for row in deal_history(record)]}

    def _staged_values(self, record: Mapping[str, Any]) -> str | None:
        custom = record.get("custom_fields") or {}
        fields = self._staged["deal"].items()
        return staged_mark({name: self._label_of("deal", code, custom.get(code, record.get(code))) for code, name in fields})

    def _stages(self, _cursor: Any) -> Iterator[Page]:
        """What the stages of the pipelines are called."""
        pipelines = {str(p["id"]): str(p["name"]) for p in self.api.all_rows("/pipelines")}
        rows = [
            label_row(f"deal.{STAGE}", str(s["id"]), f"{pipelines.get(str(s['pipeline_id']), '')}: {s['name']}", "")
            for s in self.api.all_rows("/stages")
        ]
        rows += [
            label_row(f"deal.{STATUS}", value, value, meaning)
            for value, meaning in (("open", ""), ("won", "won"), ("lost", "lost"))
        ]
        rows.append(label_row(INBOX, "created", "put into the leads inbox", ""))
        yield Page({"labels": changed_rows(self.landing, "labels", rows, frozenset())}, {"read": True})

    def _inbox(self, cursor: Any) -> Iterator[Page]:
        """The leads inbox (v1): when a person was put there, and where from. Its archive too."""
        previous_newest = moment((cursor or {}).get("since"))
        newest = previous_newest
        floor = previous_newest - OVERLAP if previous_newest else None
        # the archive cannot be asked for what is new
        archive = partial(self.api.newest_v1, "/leads/archived", floor, ARCHIVED_INBOX_COST)
        for read in (partial(self.api.modified_v1, "/leads", floor), archive):
            for records in read():
                updates = [updated_at for record in records if (updated_at := moment(record.get("update_time")))]
                newest = max([*updates, newest] if newest else updates, default=None)
                yield Page(self._inbox_tables(records), None)
        yield Page({}, {"since": iso(newest) if newest else None})

    def _inbox_tables(self, records: Sequence[Mapping[str, Any]]) -> Tables:
        """Leads of the inbox that are new or differ, and when each was put there."""
        lead_records = [record for record in records if record.get("person_id") and moment(record.get("add_time"))]
        rows = [inbox_row(r, self._label_of("deal", "channel", r.get("channel"))) for r in lead_records]
        new_ids = {row["_id"] for row in changed_rows(self.landing, "inbox", rows, frozenset())}
        new_rows = [row for row in rows if row["_id"] in new_ids]
        return {"inbox": new_rows, "history": [history_row("lead", r["person"], INBOX, "created", r["at"]) for r in new_rows]}

    def _sweep_stream(self) -> Stream:
        """Persons and deals that are listed no longer were deleted, or merged into another: Pipedrive moves what they had
        itself."""
        people: Callable[[], Iterator[str] | None] = partial(self.api.ids, "/persons")
        lists = {"people": people, "deals": self._deal_ids}
        return self.sweep_stream(lists, {"people": "persons", "deals": "deals"})

    def _deal_ids(self) -> Iterator[str] | None:
        """The ids of all deals; where they cannot be listed whole, that is said with the report."""
        listed = self.api.deal_ids()
        if listed is None:
            self.left_out["deleted deals"] = (
                "Our user may not see archived deals, and a deal that is not listed may be one of them: deals that were "
                f"deleted stay. To leave them out, give access to archived deals ({SCREEN})."
            )
        return listed

    def _changelogs(self, _cursor: Any) -> Iterator[Page]:
        """The stages of deals that moved, deal by deal; each is read again only once it moved again."""
        marks = self.landing.pairs("deals", "moved")
        staged = self.landing.pairs("deals", STAGED) if self._staged["deal"] else {}
        marks |= {name: f"{marks.get(name, '')}|{values}" for name, values in staged.items()}
        logs = Changelogs("deals", {STAGE: STAGE, **self._staged["deal"]}, partial(self._changed_label, "deal"), marks)
        yield from logs.pages(self.api, self.landing, logs.unread(self.landing), staged)

    def _person_changelogs(self, _cursor: Any) -> Iterator[Page]:
        """What became of persons' fields, of each person that was modified since it was created."""
        logs = self._person_logs()
        yield from logs.pages(self.api, self.landing, logs.unread(self.landing), {})

    def _person_logs(self) -> Changelogs:
        as_created = {name for name, flag in self.landing.pairs("people", AS_CREATED).items() if flag == "true"}
        marks = {name: mark for name, mark in self.landing.pairs("people", "_hash").items() if name not in as_created}
        fields = {**self._custom, **self._staged["person"], "job_title": "job_title"}
        return Changelogs("persons", fields, partial(self._changed_label, "person"), marks)

    @property
    def _reads_persons(self) -> bool:
        """Are persons' changelogs read: because lead stages are made of them, or the configuration says so?"""
        return self._settings.person_changelog or any(name != INBOX for name in self.person_stages)

    def _changed_label(self, kind: str, field: str, value: object) -> str | None:
        """A value of a changelog, where several options stand with commas."""
        options = self._options[kind].get(field, {})
        parts = str(value).split(",") if isinstance(value, str) and "," in value else []
        return self._label_of(kind, field, parts if parts and all(part in options for part in parts) else value)

    @cached_property
    def _staged(self) -> dict[str, dict[str, str]]:
        """kind → code → name of the customer's own fields that lead stages are made of."""
        return staged_fields(self._fields, {"person": self.person_stages, "deal": self.deal_stages})

    def stage_names(self) -> set[str]:
        """See `Connector`: any field of persons and deals, by its code or its name, and the leads inbox."""
        unseen = () if self._fields["deal"] else self.deal_stages
        return stage_names(self._fields) | {f"{DEAL_PREFIX}{name}" for name in unseen}

    def _participants(self, _cursor: Any) -> Iterator[Page]:
        """Who else takes part in deals, deal by deal."""
        yield from participant_pages(self.api, self.landing, self.now())

    def _mails(self, cursor: Any) -> Iterator[Page]:
        """The mails of persons who have any, person by person; each is read again only once there are others. When a mail was
        opened Pipedrive does not say, so an opening is no act. A new mail need not count as a change of the person: now and
        then all are asked."""
        run_start, sweep_due = self.now(), due(self.now, self.source.sweep_hours, cursor)
        mail_marks = self.landing.pairs("people", MAIL_MARK)
        if sweep_due:
            mail_marks |= {str(o["id"]): mail_mark(o) for o in self.api.all_rows("/persons", {"include_fields": PERSON_FIELDS})}
        read_marks = self.landing.pairs("mailboxes", READ_MARK)
        todo = [name for name, mark in mail_marks.items() if read_marks.get(name) != mark and not mark.startswith("0|")]
        for index, name in enumerate(todo):
            interactions = [act for message in self.api.mails(name) if (act := mail(name, message, self.history_start))]
            mark = {"_id": name, READ_MARK: mail_marks[name]}
            yield Page({"activities": interactions, "mailboxes": [mark]}, cursor, index + 1, len(todo))
        if sweep_due:
            yield Page({}, {"at": iso(run_start)})

    def mapping(self, stages: Mapping[str, Mapping[str, str | None]]) -> CrmMapping:
        """What becomes what."""
        return CrmMapping.of_source(
            self.source,
            landed_stages(stages, self._staged, self._label_of),
            INTERACTIONS,
            {"stage_id", "moved", TAKE_PART, "marketing_status", MAIL_MARK, AS_CREATED, STAGED},
            lookups={"source": ("inbox", "person", "source"), "channel": ("inbox", "person", "channel")},
            default_type=lambda name: plain(name.removeprefix("activity: ")),
            present={"leads": {*self._custom.values(), *self.source.leads.values()}},
            recorded={"leads": self._recorded_fields(), "companies": ()},
            history_remedy="`person_changelog: true` under `source:` reads what became of persons, 20 tokens each",
            stages_from_creation=frozenset(self._staged["person"].values()),
        )

    def _recorded_fields(self) -> set[str]:
        """The persons' fields whose changes are landed, once those of everybody are."""
        if not self._reads_persons:
            return set()
        logs = self._person_logs()
        return set() if logs.unread(self.landing) else set(logs.fields.values())

    def propose(self, value: StageValue) -> str | None:
        """The leads inbox holds who was found worth a look."""
        return {f"deal.{STATUS}:open": "sql", f"{INBOX}:created": "mql"}.get(f"{value.field}:{value.value}")

    def checks(self) -> Iterator[Check]:
        """See `Connector`."""
        readable = True
        for check in checks(self.api, self._settings.mails):
            readable &= check.status != "bad"
            yield check
        if readable:
            yield history_check(self.source.leads, self._custom.values(), self.source.companies, self._reads_persons)

    def budget(self, leads: int) -> CallBudget:
        """See `Connector`."""
        return budget(self.api, leads, self._settings)
