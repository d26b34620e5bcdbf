"""A project that is set up within this process, and all that is said of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "requirements"))

from installation import environment, installers, locks, mirror

from tests.requirements.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def lines(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """All that is said, in this process; the environment is the project's."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_", "SSL_", "XDG_", "PYTHON"))]:
        monkeypatch.delenv(name)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", *mirror.PROXIES, *map(str.lower, mirror.PROXIES)):
        monkeypatch.delenv(name, raising=False)
    for name, value in project.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(locks, "HERE", project.folder / "requirements")
    monkeypatch.setattr(environment.Environment, "make", lambda _self, run: project.make_venv(run))
    lines: list[str] = []
    for module in (installers, environment):
        monkeypatch.setattr(module, "say", lines.append)
    return lines
