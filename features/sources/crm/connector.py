"""What a CRM's folder provides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from features.sources.crm.compile import Shape, StageValue
from features.sources.crm.http import Http
from features.sources.crm.landing import Landing
from features.sources.crm.stream import Stream

Standing = Literal["good", "warning", "bad"]


@dataclass(frozen=True)
class Check:
    """One thing that `make crm-check` looked at: how it stands, and what to do about it."""

    what: str
    standing: Standing
    found: str
    remedy: str = ""


@dataclass(frozen=True)
class Budget:
    """Calls (or tokens) that a day with `leads` leads takes, and the vendor's limit; None where it does not say."""

    unit: str
    first: float
    daily: float
    write: float
    limit: int | None


@dataclass(frozen=True)
class ScoreField:
    """A field that scores are written to. `key` names it for us; `name` is the vendor's name of it, once it is "
    "known."""

    key: str
    name: str
    label: str
    kind: Literal["number", "text", "long", "time"]
    description: str


@dataclass(frozen=True)
class Sent:
    """What became of one record of a batch: `problem` is "" where it was written; `again`: it may work later; `gone`: the
    record is not there any more."""

    id: str
    problem: str = ""
    again: bool = False
    gone: bool = False


class Connector(Protocol):
    """One CRM, read and written."""

    kind: str
    title: str
    http: Http
    landing: Landing
    batch: int  # records of one write

    def streams(self) -> Sequence[Stream]:
        """What is read, in order: records before what hangs on them."""

    def shape(self, stages: Mapping[str, Mapping[str, str | None]]) -> Shape:
        """How the landing becomes a dataset."""

    def propose(self, value: StageValue) -> str | None:
        """The lead stage that a value of a stage field most likely means; `unknown` ones are for `crm.stages` to "
        "guess."""

    def checks(self) -> list[Check]:
        """Credentials, permissions, history: looked at by a few calls, before anything runs."""

    def budget(self, leads: int) -> Budget:
        """What a day with so many leads costs."""

    def fields(self, wanted: Sequence[ScoreField], create: bool) -> list[Check]:
        """Whether the score fields are there and ours; `create` makes the missing ones where the vendor allows it."""

    def write(self, records: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Sent]:
        """Write fields (by key) of records, at most `batch` of them; one result a record."""


@dataclass
class Context:
    """What a connector is made of."""

    landing: Landing
    http: Http
    more: dict[str, Any] = field(default_factory=dict)
