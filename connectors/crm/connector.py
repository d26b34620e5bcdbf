"""What a CRM's folder provides, and how it is opened."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol

from connectors.crm.http import Http
from connectors.crm.landing import Landing
from connectors.crm.mapping import CrmMapping, StageValue
from connectors.crm.stream import Page, Stream
from connectors.crm.webhooks import Event
from connectors.crm.write_back import Writer

CheckStatus = Literal["good", "warning", "bad"]


@dataclass(frozen=True)
class Check:
    """One thing that `make crm-check` looked at: how it stands, and what to do about it."""

    subject: str
    status: CheckStatus
    finding: str
    remedy: str = ""


@dataclass(frozen=True)
class CallBudget:
    """What reading and writing cost, in the vendor's unit: the first import, a day's import, writing `scores` of them.

    `limit`: what the vendor allows a day; `remaining`: of it today. None where it does not say.
    """

    unit: str
    initial: int
    daily: int
    write: int
    scores: int
    limit: int | None = None
    remaining: int | None = None


class Connector(Writer, Protocol):
    """One CRM, read and written."""

    kind: str
    http: Http
    landing: Landing
    left_out: dict[str, str]  # what a run could not see and went on without → why, beside streams that were refused

    # who is to be erased: people the vendor said were deleted for good; who has been gone longer than it can bring them back
    for_good: list[str]
    restorable: timedelta
    missing_for_good: bool

    def greet(self, oldest: float = 0.0) -> None:
        """A first call: afterwards the vendor's clock is known (`http.now`), and what the CRM defines (fields, stages) is no
        older than so many seconds.

        Raises
        ------
        CrmError
            if the credentials are wrong or nobody answers.
        """

    def account(self) -> str | None:
        """The account that our credentials belong to, in the vendor's own words; None where the vendor does not tell."""

    def streams(self) -> Sequence[Stream]:
        """What is read, in order: records before what hangs on them."""

    def reread(self, events: Sequence[Event]) -> Iterator[Page]:
        """The records that a webhook spoke of, where the lists that `streams` reads know a change only later."""

    def mapping(self, stages: Mapping[str, Mapping[str, str | None]]) -> CrmMapping:
        """How the landing becomes a dataset."""

    def stage_names(self) -> Collection[str]:
        """Every field that lead stages can be made of; those of deals begin with "deal."."""

    def propose(self, value: StageValue) -> str | None:
        """The lead stage that a value means in the vendor's own defaults; None where it is the customer's own."""

    def checks(self) -> Iterator[Check]:
        """Credentials, permissions, history: looked at by a few calls that change nothing."""

    def budget(self, leads: int) -> CallBudget:
        """What so many leads cost."""
