"""What the four connectors share: the vendor's clock, what is asked once a run, and the look for records that are gone."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import Any

from connectors.crm.changes import DEAL_PREFIX
from connectors.crm.http import Http
from connectors.crm.landing import Landing
from connectors.crm.landing_tables import Row
from connectors.crm.responses import RefusedError
from connectors.crm.settings import CrmSource
from connectors.crm.stream import FORBIDDEN, Page, Stream, lost
from connectors.crm.sweep import Listed, due, sweep
from connectors.crm.webhooks import Event
from features.common.persons.headers import personal_header


class BaseConnector(ABC):
    """One account of a CRM, its landing, and from when on activities are read."""

    source: CrmSource
    http: Http
    landing: Landing
    history_start: datetime
    restorable = timedelta(days=30)  # how long the vendor can bring back who was deleted
    missing_for_good = False  # is who is listed neither among the living nor the deleted deleted for good, whoever asks?
    left_out: dict[str, str]
    for_good: list[str]
    _account: str | None = None
    _account_read = False
    _defined_at: float | None = None  # when the CRM was last asked what it defines
    fresh = True  # was that in this run?

    def _begin(self, source: CrmSource, http: Http, landing: Landing, history_start: datetime) -> None:
        self.source, self.http, self.landing, self.history_start = source, http, landing, history_start
        self.left_out, self.for_good = {}, []

    def now(self) -> datetime:
        """The vendor's clock."""
        return datetime.fromtimestamp(self.http.now(), UTC)

    def greet(self, oldest: float = 0.0) -> None:
        """See `Connector`. What an earlier run asked (fields, stages, options) is asked anew: it changes while one lives."""
        self.left_out, self.for_good = {}, []
        self.fresh = self._defined_at is None or time.monotonic() - self._defined_at >= oldest
        if not self.fresh:
            return
        self._defined_at = time.monotonic()
        for kind in type(self).__mro__:
            for name, member in vars(kind).items():
                if isinstance(member, cached_property):
                    self.__dict__.pop(name, None)
        self.hello()

    def is_fresh(self, _cursor: Any) -> bool:
        """Is it the turn of what a CRM calls its values? Whenever it was asked what it defines."""
        return self.fresh

    @abstractmethod
    def hello(self) -> None:
        """A first call, one that is needed anyway."""

    def account(self) -> str | None:
        """See `Connector`; asked once, since a token belongs to one account."""
        if not self._account_read:
            self._account, self._account_read = self.read_account(), True
        return self._account

    @abstractmethod
    def read_account(self) -> str | None:
        """The account as the vendor tells it; None where it does not."""

    @property
    def person_stages(self) -> list[str]:
        """The fields of people that the configuration makes lead stages of."""
        return [name for name in self.source.stages or {} if not name.startswith(DEAL_PREFIX)]

    @property
    def deal_stages(self) -> list[str]:
        """The same of deals, in the vendor's names."""
        return [name.removeprefix(DEAL_PREFIX) for name in self.source.stages or {} if name.startswith(DEAL_PREFIX)]

    @abstractmethod
    def stage_names(self) -> Collection[str]:
        """See `Connector`."""

    def unwritable(self, _ids: Sequence[str]) -> Mapping[str, str]:
        """See `Writer`; here who may write contacts may write all of them."""
        return {}

    def reread(self, _events: Sequence[Event]) -> Iterator[Page]:
        """See `Connector`; here what is listed is as new as a webhook."""
        yield from ()

    def attribute(self, name: str, label: object) -> bool:
        """May a field of the customer's own become an attribute: neither ours, nor left out, nor personal by its label?"""
        return name not in self.source.exclude and not any(personal_header(word) for word in {name, str(label or name)})

    def without(self, subject: str, table: str, error: RefusedError, needs: str) -> dict[str, list[Row]]:
        """No rows of what we may not see, asked for within a stream of other things; it is said with the report (`left_out`).

        Raises
        ------
        CrmError
            if it could be seen before (`table` has rows of it), or was refused for another reason.
        """
        if error.http not in FORBIDDEN:
            raise error
        if table in self.landing.tables():
            raise lost(subject, error.fact, needs) from None
        self.left_out[subject] = f"{error.fact} To read it, give {needs}."
        return {}

    def sweep_stream(
        self,
        lists: Mapping[str, Callable[[], Iterable[str] | None]],
        words: Mapping[str, str],
        read_returned: Callable[[str, Sequence[str]], Listed] | None = None,
    ) -> Stream:
        """The stream that compares what is landed with what is listed, in the vendor's `words`; `read_returned` reads records
        that were thought gone."""
        read: Callable[[Any], Iterator[Page]] = partial(
            sweep, self.landing, lists, words, self.now, self.source.sweep_most, read_returned
        )
        return Stream("sweep", read, patient=True, lands_first=True, due=partial(due, self.now, self.source.sweep_hours))
