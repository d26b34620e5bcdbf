"""A store on each of the two databases, both real; every test has one of its own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from features.dataset.dataset import Dataset
from serving.store.load import load
from serving.store.store import Store
from tests import postgres
from tests.serving.store.world import World

MakeStore = Callable[..., Store]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """One server for all tests."""
    if postgres.binaries() is None:
        pytest.skip("no PostgreSQL on this machine")
    with postgres.server() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def store_address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    return fresh(request, request.param, tmp_path)


def fresh(request: pytest.FixtureRequest, kind: str, folder: Path) -> str:
    if kind == "sqlite":
        return f"sqlite:///{folder / 'leads.db'}"
    server = request.getfixturevalue("postgres_server")
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{server.rpartition('/')[0]}/{name}"


@pytest.fixture
def store(store_address: str) -> Iterator[Store]:
    found = Store.from_address(store_address, {})
    found.open()
    yield found
    found.close()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def loaded(request: pytest.FixtureRequest, dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The simulated CRM in a store, for tests that only read."""
    found = Store.from_address(fresh(request, request.param, tmp_path_factory.mktemp("loaded")), {})
    found.open()
    assert sum(load(found, dataset).values()) == sum(map(len, dataset.tables.values()))
    yield found
    found.close()


@pytest.fixture
def world(store: Store) -> World:
    """A server over it."""
    return World(store)
