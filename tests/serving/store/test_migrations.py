"""The schema: migrations make exactly the tables that the code asks, on both databases, and may run at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from serving.store.connect import address, connect
from serving.store.migrate import upgrade, version
from serving.store.store import Store
from serving.store.tables import metadata


def test_migrations_make_exactly_the_tables(store: Store) -> None:
    with store.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert version(connection) == "0001"


def test_many_may_open_it_at_once(store_address: str) -> None:
    """Several server processes start together."""
    engines = [connect(address(store_address)) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(upgrade, engines))
    with engines[0].connect() as connection:
        assert version(connection) == "0001"
    for engine in engines:
        engine.dispose()
