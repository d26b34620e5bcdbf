"""Who we are to a vendor: a fixed token, or one of OAuth that is fetched and fetched again before it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from connectors.crm.secrets import Secrets

EXPIRY_MARGIN = 60.0  # seconds before its end that a token is no longer used


@dataclass(frozen=True)
class FixedToken:
    """A token that does not end; one that is refused stays refused."""

    header: str
    value: str

    def headers(self) -> Mapping[str, str]:
        return {self.header: self.value}

    def renew(self) -> bool:
        return False

    def __repr__(self) -> str:
        return f"FixedToken({self.header})"


@dataclass
class FetchedToken:
    """A bearer token with an end. `fetch` gives (token, seconds it lives)."""

    fetch: Callable[[], tuple[str, float]]
    secrets: Secrets
    clock: Callable[[], float] = time.monotonic
    _token: str | None = field(default=None, repr=False)
    _expires_at: float = 0.0

    def headers(self) -> Mapping[str, str]:
        """The header of a call.

        Raises
        ------
        CrmError
            if no token can be fetched.
        """
        if self._token is None or self.clock() >= self._expires_at:
            token, seconds = self.fetch()
            self._token = self.secrets.learn(token)
            self._expires_at = self.clock() + max(seconds - EXPIRY_MARGIN, seconds / 2)
        return {"authorization": f"Bearer {self._token}"}

    def renew(self) -> bool:
        self._token = None
        return True


@dataclass(frozen=True)
class NoAuth:
    """For calls that carry their credentials in the body, such as those for a token."""

    def headers(self) -> Mapping[str, str]:
        return {}

    def renew(self) -> bool:
        return False
