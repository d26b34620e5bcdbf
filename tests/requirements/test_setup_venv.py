"""The set-up as make calls it: who comes in between, and a Python that is too old. Nothing is downloaded."""

from __future__ import annotations

import ast
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import setup_venv

from tests.requirements.project import Project

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def start(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Start the set-up of `train` as a program of its own. Its uv waits."""
    shutil.copytree(ROOT / "requirements" / "installation", project.folder / "requirements" / "installation")
    shutil.copy(ROOT / "requirements" / "setup_venv.py", project.folder / "requirements")
    project.uv()
    project.switch("wait")
    programs = []

    def begin() -> subprocess.Popen[str]:
        command = [sys.executable, "requirements/setup_venv.py", ".venv", "train"]
        one = subprocess.Popen(command, cwd=project.folder, env=project.environ, stderr=subprocess.PIPE, text=True)
        programs.append(one)
        return one

    yield begin
    project.switch("wait", on=False) if (project.fake / "wait").exists() else None
    for one in programs:
        one.kill()
        one.communicate()


def until(process: subprocess.Popen[str], words: str) -> None:
    """Read what is said until these words."""
    assert process.stderr
    assert any(words in line for line in process.stderr)


def waiting(project: Project) -> int:
    """The process of the uv that waits, once it does."""
    while not project.installs():
        time.sleep(0.01)
    return int((project.fake / "pid").read_text())


def lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_is_interrupted_leaves_no_stamp_and_no_installer(
    project: Project, start: Callable[[], subprocess.Popen[str]], number: signal.Signals
) -> None:
    first = start()
    until(first, "installs them")
    installer = waiting(project)
    first.send_signal(number)
    _out, text = first.communicate(timeout=20)
    assert first.returncode == 130
    assert text.startswith("Stopped. Nothing half-done is taken for done")
    assert not lives(installer)
    assert not list(project.venv.glob("*.ok"))
    (project.site / "half-1.dist-info").mkdir()
    project.switch("wait", on=False)
    second = start()
    assert second.communicate(timeout=20)[1].startswith("Setting up .venv")
    assert project.packages() == {"a-1"}  # anew: who knows what was half there


def test_of_two_at_once_one_waits_and_finds_all_done(project: Project, start: Callable[[], subprocess.Popen[str]]) -> None:
    first = start()
    until(first, "installs them")
    second = start()
    until(second, "Another make sets up .venv; waiting for it, 0 s")
    project.switch("wait", on=False)
    assert "is ready after" in first.communicate(timeout=20)[1]
    assert second.communicate(timeout=20)[1] == ""
    assert (first.returncode, second.returncode) == (0, 0)
    assert project.installs() == ["uv train"]


def test_who_is_killed_keeps_others_out_until_its_installer_is_done(
    project: Project, start: Callable[[], subprocess.Popen[str]]
) -> None:
    first = start()
    until(first, "installs them")
    installer = waiting(project)
    first.kill()
    first.wait()
    second = start()
    until(second, "Another make")
    assert lives(installer)
    project.switch("wait", on=False)
    assert "is ready after" in second.communicate(timeout=20)[1]
    assert project.installs() == ["uv train", "uv train"]


@pytest.mark.parametrize("version", [(3, 4), (3, 10), (3, 14)])
def test_an_unsuitable_python_gets_a_sentence(monkeypatch: pytest.MonkeyPatch, version: tuple[int, int]) -> None:
    monkeypatch.setattr(sys, "version_info", (*version, 0))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11, 3\.12 or 3\.13; .* is {}\.{}\. Name another".format(*version)):
        setup_venv.main("nowhere", "train")


def test_what_python_is_started_with_can_be_read_by_old_ones() -> None:
    tree = ast.parse((ROOT / "requirements" / "setup_venv.py").read_text(), feature_version=(3, 4))
    assert not any(isinstance(node, ast.JoinedStr | ast.AnnAssign | ast.NamedExpr) for node in ast.walk(tree))
