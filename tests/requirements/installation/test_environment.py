"""What a stamp vouches for, and what becomes of an environment that is there. Nothing is downloaded."""

from __future__ import annotations

import pytest
from installation import environment, locks

from tests.requirements.project import Project, ready, set_up

NETWORK = "The requirements could not be installed; see above. Check the network, then run make again."


@pytest.mark.parametrize(("kind", "kinds"), [("train", ["train"]), ("dev", ["train", "dev"]), ("bench", environment.KINDS)])
def test_a_stamp_serves_the_narrower_too(project: Project, lines: list[str], kind: str, kinds: list[str]) -> None:
    project.uv()
    set_up(project, kind)
    assert [kind for kind in environment.KINDS if ready(project, kind)] == kinds


def test_the_stamp_of_an_earlier_release_still_counts(project: Project, lines: list[str]) -> None:
    project.venv.mkdir()
    project.make_venv()
    (project.venv / "train.ok").write_text(locks.digest("train"))
    assert ready(project)
    (project.venv / "train.ok").write_text(locks.digest("train")[:-1])
    assert not ready(project)


def test_a_lock_that_changed_is_followed_in_place(project: Project, lines: list[str]) -> None:
    project.uv()
    project.lock("train", a="1", old="1", pip="1")
    set_up(project)
    project.lock("train", a="1", new="1")
    (project.site / "by_hand-1.dist-info").mkdir()
    lines.clear()
    set_up(project)
    assert project.installs() == ["uv train", "uv -old", "uv train"]  # what comes may own files of what goes
    assert project.packages() == {"a-1", "new-1", "pip-1", "by_hand-1"}
    assert lines[0].startswith(f"Bringing {project.venv} up to date for Python")


def test_pip_takes_away_too(project: Project, lines: list[str]) -> None:
    project.switch("pip.has.no.uv")
    project.lock("train", a="1", old="1")
    set_up(project)
    project.lock("train", a="1")
    set_up(project)
    assert project.installs()[2:] == ["pip installer", "pip -old", "pip train"]
    assert ready(project)


def test_a_wider_one_stays_wide_and_vouches_alone(project: Project, lines: list[str]) -> None:
    project.uv()
    set_up(project)
    set_up(project, "dev")
    for kind in ("train", "dev"):
        project.lock(kind, a="2", **{"b": "1"} if kind == "dev" else {})
    set_up(project)
    assert project.installs() == ["uv train", "uv dev", "uv dev"]
    assert {path.name for path in project.venv.glob("*.ok")} == {"dev.ok"}


def test_what_failed_without_a_trace_leaves_what_was_ready(project: Project, lines: list[str]) -> None:
    project.uv()
    set_up(project)
    before = (project.folder / "requirements" / "train.lock").read_text()
    project.lock("train", a="2")
    for name in ("pip.has.no.uv", "uv.fails", "python.fails"):
        project.switch(name)
    with pytest.raises(SystemExit, match=NETWORK):
        set_up(project)
    (project.folder / "requirements" / "train.lock").write_text(before)
    assert ready(project)


def test_another_python_or_one_that_went_gets_a_new_environment(project: Project, lines: list[str]) -> None:
    project.uv()
    set_up(project)
    (project.venv / "bin" / "python").unlink()
    assert not ready(project)
    (project.venv / "bin" / "of_the_old_one").touch()
    set_up(project)
    assert ready(project)
    assert not (project.venv / "bin" / "of_the_old_one").exists()


def test_a_folder_that_is_something_else_is_left_alone(project: Project, lines: list[str]) -> None:
    project.venv.mkdir()
    (project.venv / "thesis.txt").touch()
    with pytest.raises(SystemExit, match="no virtual environment"):
        set_up(project)
    assert [path.name for path in project.venv.iterdir()] == ["thesis.txt"]
