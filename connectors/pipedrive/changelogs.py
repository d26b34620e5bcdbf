"""What became of the fields of deals and persons: changelogs, each read by a call of its own, and again once it has grown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from connectors.crm.landing import Landing
from connectors.crm.landing_tables import Row
from connectors.crm.moments import moment
from connectors.crm.rows import before_row, history_row
from connectors.crm.stream import Page
from connectors.pipedrive.api import PipedriveApi
from connectors.pipedrive.participants import READ_MARK

AS_CREATED = "as_created"  # a person that was never modified since it was created: it has no changelog
STAGED = "staged"  # what a deal has in the fields that lead stages are made of
PERSON_PREFIX = "person|"


@dataclass(frozen=True)
class Changelogs:
    """The changelogs of `kind` ("deals", "persons"): `fields` are the vendor's codes with our names, `label` what a value is
    called, `marks` (record → what changes with its changelog)."""

    kind: str
    fields: Mapping[str, str]
    label: Callable[[str, object], str | None]
    marks: Mapping[str, str]

    @property
    def entity(self) -> str:
        """What the landing calls such a record."""
        return "deal" if self.kind == "deals" else "lead"

    def _key(self, name: str) -> str:
        return name if self.kind == "deals" else f"{PERSON_PREFIX}{name}"

    def unread(self, landing: Landing) -> list[str]:
        """The records whose changelog is not read yet, or has grown since."""
        read_marks = landing.pairs("changelogs", READ_MARK)
        return [name for name, mark in self.marks.items() if read_marks.get(self._key(name)) != mark]

    def pages(self, api: PipedriveApi, landing: Landing, todo: list[str], values: Mapping[str, str]) -> Iterator[Page]:
        """A page a record; `values`: what the records of deals have in fields whose changelog may be empty (`STAGED`)."""
        added_times = landing.pairs("people" if self.kind == "persons" else "deals", "_created_at") if todo else {}
        for index, name in enumerate(todo):
            history: list[Row] = []
            for change in api.changelog(name, self.kind):
                code, timestamp = str(change.get("field_key")), moment(change.get("time"))
                created_at = moment(added_times.get(name))
                if code not in self.fields or timestamp is None:
                    continue
                new_value, old_value = (self.label(code, change.get(side)) or "" for side in ("new_value", "old_value"))
                row = history_row(self.entity, name, self.fields[code], new_value, timestamp)
                history.append(row)
                if created_at and created_at < timestamp:
                    history.append(before_row(row, old_value, created_at))
            history += self._unchanged(name, values.get(name, ""), moment(added_times.get(name)), history)
            mark = {"_id": self._key(name), READ_MARK: self.marks[name]}
            yield Page({"history": history, "changelogs": [mark]}, {"read": True}, index + 1, len(todo))

    def _unchanged(self, name: str, staged: str, created_at: object, history: list[Row]) -> Iterator[Row]:
        """What a deal had from the beginning and never changed."""
        changed = {row["field"] for row in history}
        for pair in filter(None, staged.split("\n")):
            field, _, value = pair.partition("=")
            if field not in changed and value:
                yield history_row(self.entity, name, field, value, moment(str(created_at)))


def staged_mark(values: Mapping[str, str | None]) -> str | None:
    """What a deal has in the fields of lead stages, a line each."""
    return "\n".join(f"{name}={value}" for name, value in sorted(values.items()) if value) or None
