"""Fixtures of the CRM tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from connectors.marketo import api as marketo_api
from connectors.marketo import connector as marketo_connector
from tests.connectors.crm.crms import CRMS, SECRETS, SINCE, Crm, Opener, Site, site
from tests.connectors.crm.plain import land_plainly
from tests.connectors.crm.world import World, world


@pytest.fixture(params=list(CRMS))
def crm(request: pytest.FixtureRequest) -> Crm:
    """Each of the four."""
    return CRMS[request.param]


@pytest.fixture(scope="session")
def small() -> World:
    """A world of sixty leads."""
    return world(60)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports are asked after at once: a stand-in has finished them. And what is landed at once lest a kill lose it is landed
    with the rest: what is killed here has a process of its own."""
    monkeypatch.setattr(marketo_api, "POLL", 0.001)
    monkeypatch.setattr(marketo_connector, "UNSAVED_JOBS", 1_000)


@pytest.fixture
def with_dlt() -> None:
    """The claim is about dlt: what is landed goes through it."""


@pytest.fixture(autouse=True)
def _without_dlt(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "with_dlt" not in request.fixturenames:
        land_plainly(monkeypatch)


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The secrets of all CRMs in the environment, as commands read them."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def here(crm: Crm, small: World, tmp_path: Path) -> Iterator[Site]:
    """Each CRM with the small world in it."""
    with site(crm, small, tmp_path) as found:
        yield found


@pytest.fixture
def served(small: World, tmp_path: Path) -> Opener:
    """A CRM by its name."""

    def opened(kind: str, more: str = "", since: str = SINCE, **settings: Any) -> AbstractContextManager[Site]:
        return site(CRMS[kind], small, tmp_path, more, since, **settings)

    return opened


def _site_of(kind: str) -> Any:
    @pytest.fixture(name=kind)
    def site_of_kind(small: World, tmp_path: Path) -> Iterator[Site]:
        with site(CRMS[kind], small, tmp_path) as here:
            yield here

    return site_of_kind


hubspot, salesforce, marketo, pipedrive = (_site_of(kind) for kind in ("hubspot", "salesforce", "marketo", "pipedrive"))
