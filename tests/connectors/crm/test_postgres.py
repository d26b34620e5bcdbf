"""The landing in a real PostgreSQL gives the dataset that the one in DuckDB gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from features.common.errors import ConfigError, CrmError
from tests import postgres
from tests.connectors.crm.crms import CRMS, SECRETS, Crm, one_quickly, site, tables
from tests.connectors.crm.world import World

pytestmark = pytest.mark.skipif(postgres.binaries() is None, reason="there is no PostgreSQL server here")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgres.server() as address:
        yield address


@one_quickly
def test_postgres_lands_what_duckdb_lands(
    crm: Crm, small: World, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice, the second run incremental; and the password is in no file. The tables are one shape: three are slow tests."""
    with site(crm, small, tmp_path / "duckdb") as here:
        here.first()
        expected = tables(here.dataset)
    monkeypatch.setitem(SECRETS, "RIPELINE_LANDING_URL", url)
    with site(crm, small, tmp_path / "postgres", more="  landing: postgres\n") as here:
        here.run()
        assert tables(here.dataset) == expected
        assert sum(here.run().synced.rows.values()) == 0
        kept = b"".join(path.read_bytes() for path in here.home.rglob("*") if path.is_file())
        assert b"a-secret-password" not in kept


def test_postgres_that_is_down_is_said_without_its_password(
    small: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SECRETS, "RIPELINE_LANDING_URL", "postgresql://me:a-secret-password@127.0.0.1:1/none")
    with (
        site(CRMS["pipedrive"], small, tmp_path, more="  landing: postgres\n") as here,
        pytest.raises(CrmError, match="The landing in the Postgres database failed") as caught,
    ):
        here.run()
    assert "a-secret-password" not in str(caught.value)


def test_postgres_needs_its_address(small: World, tmp_path: Path) -> None:
    with (
        site(CRMS["pipedrive"], small, tmp_path, more="  landing: postgres\n") as here,
        pytest.raises(ConfigError, match="RIPELINE_LANDING_URL is not set"),
    ):
        here.run()
