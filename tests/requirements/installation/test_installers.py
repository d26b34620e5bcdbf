"""Which installer sets up, and its signs of life. Nothing is downloaded."""

from __future__ import annotations

import sys

import pytest
from installation import environment, installers

from tests.requirements.project import Project, ready, set_up

VERSION = "{}.{}".format(*sys.version_info)
NETWORK = "The requirements could not be installed; see above. Check the network, then run make again."


def test_uv_of_the_machine_installs_what_is_locked(project: Project, lines: list[str]) -> None:
    project.uv()
    set_up(project)
    assert project.installs() == ["uv train"]
    assert "--require-hashes" in (project.fake / "calls").read_text()
    assert project.packages() == {"a-1"}
    assert lines[0] == f"Setting up {project.venv} for Python {VERSION} (train, 1 packages); this is done once."
    assert lines[1] == f"uv 9.9.9 ({project.folder}/path/uv) installs them."
    assert lines[-1].startswith(f"{project.venv} is ready after 0 s: 1 packages, by uv 9.9.9")
    set_up(project)
    assert project.installs() == ["uv train"]


def test_without_uv_pip_fetches_the_locked_one(project: Project, lines: list[str]) -> None:
    set_up(project)
    assert project.installs() == ["pip installer", "uv train"]
    assert "uv 9.9.9 installs them." in lines
    assert project.packages() == {"uv-9.9.9", "a-1"}


def test_where_uv_cannot_be_fetched_pip_installs(project: Project, lines: list[str]) -> None:
    project.switch("pip.has.no.uv")
    set_up(project)
    assert project.installs() == ["pip installer", "pip train"]
    assert "pip could not fetch it; going on without." in lines
    assert ready(project)


def test_a_uv_that_knows_not_the_options_makes_way(
    project: Project, lines: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    project.uv()
    project.switch("uv.fails")
    set_up(project)
    assert project.installs() == ["uv train", "pip installer", "uv train", "pip train"]
    assert f"uv 9.9.9 ({project.folder}/path/uv) could not install them; see above." in lines
    assert "uv 9.9.9 could not install them; see above." in lines
    assert "unexpected argument" in capfd.readouterr().err
    assert ready(project)


def test_a_uv_that_does_not_answer_makes_way(project: Project, lines: list[str]) -> None:
    project.uv()
    project.switch("mute")
    set_up(project)
    assert f"{project.folder}/path/uv does not answer; going on without it." in lines
    assert project.installs() == ["pip installer", "pip train"]


def test_nobody_builds_on_what_another_left_half_there(
    project: Project, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project.uv()
    project.lock("train", half="1", whole="1")
    project.switch("uv.breaks")
    project.switch("pip.has.no.uv")
    remains: list[set[str]] = []
    monkeypatch.setattr(environment.Environment, "make", lambda *_: (remains.append(project.packages()), project.make_venv()))
    set_up(project)
    assert remains == [set(), {"half-1"}]
    assert project.packages() == {"half-1", "whole-1"}


@pytest.mark.parametrize(("name", "compiles"), [("PYTHONDONTWRITEBYTECODE", True), ("PYTHONUNBUFFERED", False)])
def test_all_is_compiled_only_where_python_may_not_keep_what_it_compiles(
    project: Project, lines: list[str], monkeypatch: pytest.MonkeyPatch, name: str, compiles: bool
) -> None:
    project.uv()
    project.switch("uv.fails")
    monkeypatch.setenv(name, "1")
    set_up(project)
    calls = (project.fake / "calls").read_text()
    assert ("--compile-bytecode" in calls, "--no-compile" in calls) == (compiles, not compiles)


def test_when_none_can_that_is_said_and_nothing_is_ready(project: Project, lines: list[str]) -> None:
    project.switch("pip.has.no.uv")
    project.switch("python.fails")
    with pytest.raises(SystemExit, match=NETWORK):
        set_up(project)
    assert not ready(project)
    project.switch("python.fails", on=False)
    set_up(project)
    assert ready(project)


def test_a_uv_is_named_for_locking(project: Project, lines: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    set_up(project, "uv")
    assert capsys.readouterr().out == f"{project.venv}/bin/uv\n"
    project.uv()
    set_up(project, "uv")
    assert capsys.readouterr().out == f"{project.folder}/path/uv\n"
    assert project.installs() == ["pip installer"]


def test_while_an_installer_says_nothing_we_do(project: Project, lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert installers.EVERY < 5
    project.uv()
    project.switch("wait")
    beats: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        if line.startswith("  uv"):
            beats.append(line)
            (project.fake / "cache" / "archive-v0" / str(len(beats))).touch()
        if len(beats) == 3:
            (project.fake / "wait").unlink(missing_ok=True)

    monkeypatch.setattr(installers, "say", say)
    monkeypatch.setattr(installers, "EVERY", 0.01)
    project.lock("train", **{f"package-{'abc'[number]}": "1" for number in range(3)})
    set_up(project)
    name = f"  uv 9.9.9 ({project.folder}/path/uv): "
    assert beats[:3] == [f"{name}{count} of 3 packages fetched, 0 there, 0 s" for count in range(3)]


def test_pip_is_counted_by_what_it_says(project: Project, lines: list[str]) -> None:
    with (project.folder / "guard").open("w") as guard:
        run = installers.Runner(guard.fileno())
        assert run(["sh", "-c", "echo Collecting a==1; echo Processing ./b.whl; echo Downloading a; exit 3"]) == 3
        assert run.mentions == 2
        assert run(["/nowhere/uv"]) == 127
    assert lines == ["/nowhere/uv: No such file or directory"]
