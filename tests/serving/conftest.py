"""What all tests of serving begin with: a worker that is warm, and a store on each of the two databases, both real."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import sys
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import psycopg
import pytest
from starlette.testclient import TestClient

from features.common.clock import moment
from features.dataset.dataset import Dataset
from serving.access.api_keys import add
from serving.api.app import create_app, utc_now
from serving.schemas.score import EXAMPLE
from serving.scoring.answer import build_answer
from serving.scoring.request import read
from serving.scoring.scorer import Scorer
from serving.store.load import load
from serving.store.rescoring import Refresher
from serving.store.store import Store
from serving.store.tables import metadata
from tests import postgres
from tests.serving.odd import NOW
from tests.serving.processes import ROOT, Site, free_port, running
from tests.serving.store.world import World
from tests.tiny import tiny_model
from tests.trained import Trained
from training.jobs.score import fetch


@pytest.fixture(scope="session", autouse=True)
def _compiled() -> None:
    """As a worker before it is ready: a loop that waits for the compiler would turn the next request away as too busy."""
    scorer = Scorer(tiny_model())
    build_answer(scorer, read(json.dumps(EXAMPLE).encode(), scorer.model.funnel, utc_now()))


@pytest.fixture(autouse=True)
def _patient(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests may be slow: other work on the machine must not make them busy. What busy means: test_load_shedding.py."""
    if not request.module.__name__.endswith("test_load_shedding"):
        monkeypatch.setattr("serving.http.load_shedding.MOST_LAG", 30.0)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """The API over a tiny model, at a fixed moment."""
    scorer = Scorer(tiny_model())
    with TestClient(create_app(lambda: scorer, clock=lambda: NOW), raise_server_exceptions=False) as client:
        yield client


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


@pytest.fixture(scope="session")
def migrated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The address of a database of a kind, with the newest schema and nobody in it."""

    @cache
    def made(kind: str) -> str:
        address = fresh(request, kind, tmp_path_factory.mktemp("migrated"))
        one = Store.from_address(address)
        one.open()
        one.close()
        return address

    return made


@pytest.fixture
def own_sqlite(migrated: Callable[[str], str], tmp_path: Path) -> str:
    """The address of a database of this test's own, with the newest schema: the one that is copied stays as it is."""
    shutil.copy(migrated("sqlite").removeprefix("sqlite:///"), tmp_path / "leads.db")
    return f"sqlite:///{tmp_path / 'leads.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, migrated: Callable[[str], str]) -> Iterator[Store]:
    """An empty store: a copy of one, or the same one emptied. Migrating is tested where `store_address` is asked for."""
    if request.param == "sqlite":
        address = request.getfixturevalue("own_sqlite")
    else:
        address = migrated("postgresql")
        with psycopg.connect(address) as connection:
            connection.execute("SET lock_timeout = '20s'")
            connection.execute(f"TRUNCATE {', '.join(metadata.tables)} RESTART IDENTITY CASCADE")
    one = Store.from_address(address)
    one.open()
    yield one
    one.close()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def loaded(request: pytest.FixtureRequest, dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The simulated CRM in a store, for tests that only read."""
    found = Store.from_address(fresh(request, request.param, tmp_path_factory.mktemp("loaded")))
    found.open()
    assert sum(load(found, dataset).values()) == sum(map(len, dataset.tables.values()))
    yield found
    found.close()


@pytest.fixture(scope="session")
def listed(trained: Trained, dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The simulated CRM in a store on SQLite, everybody scored by the trained champion, for tests that only read."""
    found, scorer = Store.from_address(f"sqlite:///{tmp_path_factory.mktemp('listed') / 'leads.db'}"), Scorer(trained.model)
    found.open()
    load(found, dataset)
    worker = Refresher(found, lambda: scorer, lambda: moment(dataset.extracted_at))
    while worker.work():
        pass
    yield found
    found.close()


@pytest.fixture
def world(store: Store) -> World:
    """A server over it."""
    return World(store)


@pytest.fixture(scope="session")
def site(trained: Trained, listed: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One real server for all tests that only ask: the trained champion, its report and a store, behind keys."""
    home = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(trained.home)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        fetch("small", home / "champion", "champion", home / "report.html")
    with contextlib.closing(sqlite3.connect(str(listed.url.database), isolation_level=None)) as original:
        original.execute("VACUUM INTO ?", (str(home / "leads.db"),))
    key, port, log = add(home / "keys.json", "all", ["admin"], rate=10_000), free_port(), home / "log.txt"
    words = ["--model", "champion", "--report", "report.html", "--store", "sqlite:///leads.db", "--keys", "keys.json"]
    with running([sys.executable, "-m", "serving", *words, "--port", str(port)], port, log, PYTHONPATH=str(ROOT)) as url:
        yield Site(url, key, home / "keys.json", log)
