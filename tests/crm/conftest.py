"""Fixtures of the CRM tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crm.crms import CRMS, Crm, Site, site
from tests.crm.world import World, world


@pytest.fixture(params=list(CRMS))
def crm(request: pytest.FixtureRequest) -> Crm:
    """Each of the four."""
    return CRMS[request.param]


@pytest.fixture(scope="session")
def small() -> World:
    """A world of sixty leads."""
    return world(60)


@pytest.fixture
def here(crm: Crm, small: World, tmp_path: Path) -> Iterator[Site]:
    """Each CRM with the small world in it."""
    with site(crm, small, tmp_path) as found:
        yield found
