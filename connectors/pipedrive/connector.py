"""Pipedrive as Ripeline sees it. A lead is a person; the leads inbox and deals say how far it came."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any

from connectors.crm.base import BaseConnector
from connectors.crm.connector import Budget, Check
from connectors.crm.http import Http
from connectors.crm.keys import mail_key
from connectors.crm.landing import Landing, Row, content_hash
from connectors.crm.mapping import Shape, StageValue, plain
from connectors.crm.moments import iso, moment
from connectors.crm.rows import before_row, history_row, label_row, number
from connectors.crm.stream import Page, Stream, changed
from connectors.crm.sweep import due
from connectors.files.privacy import mail_domain
from connectors.pipedrive.activities import LAST_MAILS, Tables, activities, inbox_row, mail, mailed
from connectors.pipedrive.api import ARCHIVED, LIST, Api, following, rfc
from connectors.pipedrive.check import budget, checks
from connectors.pipedrive.settings import INBOX, INTERACTIONS, STAGE, STATUS, PipedriveSource
from connectors.pipedrive.writer import PipedriveWriter

OVERLAP = timedelta(minutes=5)
GONE = ("unsubscribed", "archived")  # marketing statuses of who wants no mail
KINDS_OF_FIELD = {"enum", "set", "double", "varchar", "varchar_auto", "monetary", "date", "int"}
READ = "read"  # in the tables of changelogs and mailboxes: up to which change they were read
MAILED = "mailed"
PERSON = ",".join(("marketing_status", "email_messages_count", *LAST_MAILS))


class Pipedrive(PipedriveWriter, BaseConnector):
    """One company."""

    kind = "pipedrive"

    def __init__(self, source: PipedriveSource, http: Http, landing: Landing, since: datetime) -> None:
        super().__init__(Api(http, source.api_version), source.write_back.prefix)
        self._begin(source, http, landing, since)
        self.mails, self.changelog = source.mails, source.changelog

    def hello(self) -> None:
        """See `BaseConnector`."""
        self._options  # noqa: B018  calls that are needed anyway

    def streams(self) -> Sequence[Stream]:
        """Records before what hangs on them; what costs a call a record last, since it may take days."""
        found = [
            self._listed("organizations", "/organizations", {}, self._organisations, "companies"),
            self._listed("persons", "/persons", {"include_fields": PERSON}, self._persons, "people"),
            self._listed("deals", "/deals", {}, self._deals, "deals"),
            self._listed("archived_deals", "/deals/archived", {}, self._deals, "deals", ARCHIVED),
            Stream("stages", self._stages),
            Stream("inbox", self._inbox, optional=True, needs="access to leads"),
            self._listed("activities", "/activities", {}, activities, "engagements"),
            self._swept(),
        ]
        if self.changelog:
            found.append(Stream("changelogs", self._changelogs, patient=True, lands_first=True))
        if self.mails:
            needs = "the scope mail:read"
            found.append(Stream("mails", self._mails, optional=True, needs=needs, patient=True, lands_first=True))
        return found

    def _listed(
        self,
        name: str,
        path: str,
        params: Mapping[str, Any],
        rows: Callable[[Sequence[Mapping[str, Any]]], Tables],
        main: str,
        cost: int = LIST,
    ) -> Stream:
        """A v2 list in the order of modification, from the last one seen on (inclusive)."""

        def read(cursor: Any) -> Iterator[Page]:
            newest = moment((cursor or {}).get("since"))
            params_ = {**params, "sort_by": "update_time", "sort_direction": "asc"}
            if newest:
                params_["updated_since"] = rfc(newest - OVERLAP)
            done = 0
            for answer in self.api.listed(path, params_, (cursor or {}).get("cursor"), cost):
                found = answer.body["data"] or []
                done += len(found)
                newest = max(
                    [*(m for one in found if (m := moment(one.get("update_time")))), *([newest] if newest else [])],
                    default=None,
                )
                after = following(answer)
                going_on = (
                    {"since": (cursor or {}).get("since"), "cursor": after}
                    if after
                    else {"since": iso(newest) if newest else None}
                )
                yield Page(self._news(rows, found, main, first=cursor is None), going_on, done)

        fields = (
            frozenset({*self.source.leads.values(), *self._custom, MAILED})
            if main == "people"
            else frozenset(self.source.companies.values())
        )
        return Stream(name, read, needs=f"access to {name}", fields=fields if main in ("people", "companies") else frozenset())

    def _news(self, rows: Any, found: Sequence[Mapping[str, Any]], main: str, first: bool) -> Tables:
        tables: Tables = rows(found)
        if first:
            for row in tables[main]:
                row["_hash"] = content_hash(row, frozenset())
            return tables
        new = {row["_id"] for row in changed(self.landing, main, tables[main], frozenset())}
        kept = [one for one, row in zip(found, tables[main], strict=True) if row["_id"] in new]
        hashes = {row["_id"]: row["_hash"] for row in tables[main]}
        tables = rows(kept)
        for row in tables[main]:
            row["_hash"] = hashes[row["_id"]]
        return tables

    @cached_property
    def _fields(self) -> dict[str, list[dict[str, Any]]]:
        """kind → the definitions of its fields."""
        return {kind: list(self.api.everything(f"/{kind}Fields")) for kind in ("person", "organization")}

    @cached_property
    def _options(self) -> dict[str, dict[str, dict[str, str]]]:
        """kind → field → option id → label."""
        found: dict[str, dict[str, dict[str, str]]] = {}
        for kind, fields in self._fields.items():
            found[kind] = {f["field_code"]: {str(o["id"]): str(o["label"]) for o in f.get("options") or []} for f in fields}
        return found

    @cached_property
    def _custom(self) -> dict[str, str]:
        """Code → name of the persons' own fields that are neither ours nor personal."""
        found = {}
        for f in self._fields["person"]:
            name = str(f["field_name"])
            wanted = f.get("is_custom_field") and f.get("field_type") in KINDS_OF_FIELD
            if wanted and not name.startswith(self.label_prefix) and self.attribute(plain(name), name):
                found[str(f["field_code"])] = plain(name)
        return found

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

    def _organisations(self, found: Sequence[Mapping[str, Any]]) -> Tables:
        return {"companies": [self._organisation(one) for one in found]}

    def _organisation(self, one: Mapping[str, Any]) -> Row:
        address = one.get("address") or {}
        given = {"country": address.get("country") if isinstance(address, dict) else None}
        for field in self.source.companies.values():
            if field not in given:
                given[field] = self._label_of(
                    "organization", field, one.get(field, (one.get("custom_fields") or {}).get(field))
                )
        return {"_id": str(one["id"]), **given, "_gone_at": moment(one.get("update_time")) if one.get("is_deleted") else None}

    def _persons(self, found: Sequence[Mapping[str, Any]]) -> Tables:
        return {"people": [self._person(one) for one in found]}

    def _person(self, one: Mapping[str, Any]) -> Row:
        mails = sorted(one.get("emails") or [], key=lambda m: not m.get("primary"))
        address = str(mails[0].get("value") or "") if mails else ""
        custom = one.get("custom_fields") or {}
        status = one.get("marketing_status")
        return {
            **{name: self._label_of("person", code, custom.get(code)) for code, name in self._custom.items()},
            "marketing_status": status,
            MAILED: mailed(one),
            "_id": str(one["id"]),
            "_created_at": moment(one.get("add_time")),
            "_company": str(one["org_id"]) if one.get("org_id") else None,
            "_email_domain": mail_domain(address),
            "_email_key": mail_key(address, self.landing.salt),
            "_opted_out": "true" if status in GONE else "false",
            "_gone_at": moment(one.get("update_time")) if one.get("is_deleted") else None,
        }

    def _deals(self, found: Sequence[Mapping[str, Any]]) -> Tables:
        """Deals, and of their stages what needs no changelog: where they began if they never moved, the last, won
        and lost."""
        deals, history = [], []
        for one in found:
            name, added = str(one["id"]), moment(one.get("add_time"))
            moved, stage, status = moment(one.get("stage_change_time")), str(one.get("stage_id") or ""), str(one.get("status"))
            closed = (
                moment(one.get("won_time")) if status == "won" else moment(one.get("lost_time")) if status == "lost" else None
            )
            deals.append(
                {
                    "_id": name,
                    "_person": str(one["person_id"]) if one.get("person_id") else None,
                    "_company": str(one["org_id"]) if one.get("org_id") else None,
                    "_created_at": added,
                    "_closed_at": closed or (moment(one.get("close_time")) if status in ("won", "lost") else None),
                    "_amount": number(one.get("value")),
                    "_currency": one.get("currency"),
                    "_status": status if status in ("won", "lost") else "open",
                    "_gone_at": moment(one.get("update_time")) if one.get("is_deleted") else None,
                    "stage_id": stage,
                    "moved": iso(moved) if moved else None,
                }
            )
            if added:
                history.append(history_row("deal", name, STATUS, "open", added))
            if (moved or added) and stage:
                history.append(history_row("deal", name, STAGE, stage, moved or added))
            if closed:
                history.append(history_row("deal", name, STATUS, status, closed))
        return {"deals": deals, "history": history}

    def _stages(self, _cursor: Any) -> Iterator[Page]:
        """What the stages of the pipelines are called."""
        pipelines = {str(p["id"]): str(p["name"]) for p in self.api.everything("/pipelines")}
        rows = [
            label_row(f"deal.{STAGE}", str(s["id"]), f"{pipelines.get(str(s['pipeline_id']), '')}: {s['name']}", "")
            for s in self.api.everything("/stages")
        ]
        rows += [
            label_row(f"deal.{STATUS}", value, value, meaning)
            for value, meaning in (("open", ""), ("won", "won"), ("lost", "lost"))
        ]
        rows.append(label_row(INBOX, "created", "put into the leads inbox", ""))
        yield Page({"labels": changed(self.landing, "labels", rows, frozenset())}, {"read": True})

    def _inbox(self, cursor: Any) -> Iterator[Page]:
        """The leads inbox (v1): when a person was put there, and where from. Its archive too."""
        known = moment((cursor or {}).get("since"))
        newest = known
        for path in ("/leads", "/leads/archived"):
            for found in self.api.modified_v1(path, known - OVERLAP if known else None):
                newest = max([m for m in (newest, *(moment(one.get("update_time")) for one in found)) if m], default=None)
                told = [one for one in found if one.get("person_id") and moment(one.get("add_time"))]
                rows = [inbox_row(one) for one in told]
                history = [history_row("lead", row["person"], INBOX, "created", row["at"]) for row in rows]
                new = {row["_id"] for row in changed(self.landing, "inbox", rows, frozenset())}
                kept = [h for row, h in zip(rows, history, strict=True) if row["_id"] in new]
                yield Page({"inbox": [row for row in rows if row["_id"] in new], "history": kept}, None)
        yield Page({}, {"since": iso(newest) if newest else None})

    def _swept(self) -> Stream:
        """Persons and deals that are listed no longer were deleted, or merged into another: Pipedrive moves what they had
        itself."""
        return self.swept(
            {"people": partial(self.api.ids, "/persons"), "deals": partial(self.api.ids, "/deals", "/deals/archived")}
        )

    def _changelogs(self, _cursor: Any) -> Iterator[Page]:
        """The stages of deals that moved, deal by deal; each is read again only once it moved again."""
        every = self.landing.pairs("deals", "moved")
        known = self.landing.pairs("changelogs", READ)
        todo = [name for name, moved in every.items() if known.get(name) != moved]
        added = self.landing.pairs("deals", "_created_at") if todo else {}
        for place, name in enumerate(todo):
            history = []
            for change in self.api.changelog(name):
                at, begun = moment(change.get("time")), moment(added.get(name))
                if change.get("field_key") != STAGE or at is None:
                    continue
                row = history_row("deal", name, STAGE, str(change.get("new_value") or ""), at)
                history.append(row)
                if begun and begun < at:
                    history.append(before_row(row, str(change.get("old_value") or ""), begun))
            mark = {"_id": name, READ: every[name]}
            yield Page({"history": history, "changelogs": [mark]}, {"read": True}, place + 1, len(todo))

    def _mails(self, cursor: Any) -> Iterator[Page]:
        """The mails of persons who have any, person by person; each is read again only once there are others. When a mail was
        opened Pipedrive does not say, so an opening is no act. A new mail need not count as a change of the person: now and
        then all are asked."""
        begun, turn = self.now(), due(self.now, self.source.sweep_hours, cursor)
        every = self.landing.pairs("people", MAILED)
        if turn:
            every |= {str(o["id"]): mailed(o) for o in self.api.everything("/persons", {"include_fields": PERSON})}
        known = self.landing.pairs("mailboxes", READ)
        todo = [name for name, mark in every.items() if known.get(name) != mark and not mark.startswith("0|")]
        for place, name in enumerate(todo):
            acts = [act for one in self.api.mails(name) if (act := mail(name, one, self.since))]
            mark = {"_id": name, READ: every[name]}
            yield Page({"activities": acts, "mailboxes": [mark]}, cursor, place + 1, len(todo))
        if turn:
            yield Page({}, {"at": iso(begun)})

    def shape(self, stages: Mapping[str, Mapping[str, str | None]]) -> Shape:
        """What becomes what."""
        interactions = {**INTERACTIONS, **self.source.interactions}
        return Shape(
            self.source.leads,
            self.source.companies,
            interactions,
            stages,
            frozenset({"stage_id", "moved", "marketing_status", MAILED, *self.source.exclude}),
            looked_up={"source": ("inbox", "person", "source"), "channel": ("inbox", "person", "channel")},
            other=lambda name: plain(name.removeprefix("activity: ")),
        )

    def propose(self, value: StageValue) -> str | None:
        """The leads inbox holds who was found worth a look."""
        return {f"deal.{STATUS}:open": "sql", f"{INBOX}:created": "mql"}.get(f"{value.field}:{value.value}")

    def checks(self) -> list[Check]:
        """See `Connector`."""
        return checks(self.api, self.mails)

    def budget(self, leads: int) -> Budget:
        """See `Connector`."""
        return budget(self.api, leads, self.changelog, self.mails, self.source.write_back.most)
