"""The schema: migrations make exactly the tables that the code asks, on both databases."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from serving.store.migrate import version
from serving.store.store import Store
from serving.store.tables import metadata


def test_migrations_make_exactly_the_tables(store: Store) -> None:
    with store.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert version(connection) == "0002"
