"""The store's schema over time: `upgrade` brings a database to the newest, under a lock, so that many may try at once."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, text

from serving.store.connect import translate_errors

LOCK = 7_219_003  # advisory lock, any number; the same in every Ripeline


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Migrate.

    Raises
    ------
    StoreError
        where the database cannot be asked.
    """
    from alembic import command
    from alembic.config import Config

    with translate_errors(engine), engine.connect().execution_options(writes=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).with_name("migrations").resolve()).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def version(connection: Connection) -> str:
    """The revision that a database is at."""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())
