"""The store's schema over time, as Alembic runs it; `serving.store.migrate` is how it is called."""
