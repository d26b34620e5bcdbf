"""Who was erased: keyed hashes (HMAC) of ids, so that a later event or import does not bring them back unnoticed."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select

from features.dataset.erasures import erased_hash
from serving.store.connect import insert
from serving.store.tables import erased, facts

CHUNK = 5_000
KEY = "erased_key"


@dataclass(frozen=True)
class Erased:
    """The memory. `key` is that of `RIPELINE_ERASED_KEY`, or "": then one that lies in the store. Not `enabled`: nothing is
    remembered."""

    key: str = ""
    enabled: bool = True

    def find_erased(self, connection: Connection, lead_ids: Collection[str]) -> set[str]:
        """Those of the ids that were erased."""
        if not self.enabled or not lead_ids or connection.exec_driver_sql("SELECT 1 FROM erased LIMIT 1").first() is None:
            return set()
        key = self._key(connection)
        by_hash = {erased_hash(key, name): name for name in lead_ids}
        hashes = sorted(by_hash)
        erased_ids: set[str] = set()
        for begin in range(0, len(hashes), CHUNK):
            query = select(erased.c.hash).where(erased.c.hash.in_(hashes[begin : begin + CHUNK]))
            erased_ids.update(by_hash[digest] for digest in connection.execute(query).scalars())
        return erased_ids

    def remember(self, connection: Connection, lead_id: str, now: int) -> None:
        """Keep the hash of an id."""
        if self.enabled:
            row = {"hash": erased_hash(self._key(connection), lead_id), "at": now}
            connection.execute(insert(connection, erased).on_conflict_do_nothing(), row)

    def _key(self, connection: Connection) -> str:
        if self.key:
            return self.key
        query = select(facts.c.value).where(facts.c.name == KEY)
        key = connection.execute(query).scalar()
        if key is None:
            row = {"name": KEY, "value": secrets.token_hex(32)}
            connection.execute(insert(connection, facts).on_conflict_do_nothing(), row)
            key = connection.execute(query).scalar_one()
        return str(key)
