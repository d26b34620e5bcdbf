"""What Alembic runs: over the connection that it is given, in the transaction that is open."""

from __future__ import annotations

from alembic import context

from serving.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
