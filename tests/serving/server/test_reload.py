"""What was written anew is loaded; what is broken never replaces what is good."""

from __future__ import annotations

import os
import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from models.store import MANIFEST, load, save
from serving.server.reload import FolderWatcher, Reloadable, scorer_of
from tests.tiny import tiny_model


def version(folder: Path, name: str) -> Path:
    return save(replace(tiny_model(), version=name), folder)


@pytest.fixture
def kept(tmp_path: Path) -> Reloadable[str]:
    version(tmp_path / "model", "1")
    return Reloadable("model", tmp_path / "model", MANIFEST, lambda folder: load(folder).version)


def test_what_was_written_anew_answers(kept: Reloadable[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert kept.look()
    assert kept.value == "1"
    assert not kept.look(), "nothing new, nothing to do"
    version(kept.folder, "2")
    assert kept.look()
    assert kept.value == "2"
    assert "was loaded anew" in capsys.readouterr().out


@pytest.mark.parametrize("damage", ["a byte", "a file", "the manifest", "everything"])
def test_a_broken_folder_never_replaces_a_good_one(
    kept: Reloadable[str], damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kept.look()
    folder = version(kept.folder, "2")
    if damage == "a byte":
        with (folder / "rules.yaml").open("a") as out:
            out.write("#")
        os.utime(folder / MANIFEST)
    elif damage == "a file":
        (folder / "reference.json").unlink()
    elif damage == "the manifest":
        (folder / MANIFEST).write_text("{")
    else:
        shutil.rmtree(folder)
    for _ in range(3):
        assert not kept.look()
    assert (kept.value, bool(kept.trouble)) == ("1", True)
    told = capsys.readouterr().err
    assert told.count("The one before goes on.") == 1, "said once, not at every look"
    version(kept.folder, "3")
    assert kept.look()
    assert (kept.value, kept.trouble) == ("3", "")


def test_an_unforeseen_error_is_trouble_too(tmp_path: Path) -> None:
    def broken(_folder: Path) -> str:
        raise RecursionError("deep")

    one = Reloadable("model", tmp_path, MANIFEST, broken)
    assert not one.look()
    assert "RecursionError" in one.trouble


def test_without_a_folder_it_waits_for_one(tmp_path: Path) -> None:
    one = Reloadable("model", tmp_path / "model", MANIFEST, lambda folder: load(folder).version)
    assert not one.look()
    assert "is not a model folder" in one.trouble
    version(tmp_path / "model", "1")
    assert one.look()
    assert one.value == "1"


def test_a_folder_that_changes_while_it_is_read_is_read_again(tmp_path: Path) -> None:
    folder = version(tmp_path / "model", "1")
    seen: list[str] = []

    def slow(path: Path) -> str:
        seen.append(load(path).version)
        if len(seen) == 1:
            version(folder, "2")
        return seen[-1]

    one = Reloadable("model", folder, MANIFEST, slow)
    assert one.look()
    assert (one.value, seen) == ("2", ["1", "2"])


def test_the_watch_looks_again_and_again_and_stops(tmp_path: Path) -> None:
    settled = threading.Event()
    folder = version(tmp_path / "model", "1")
    one = Reloadable("model", folder, MANIFEST, lambda path: load(path).version)
    one.look()
    watch = FolderWatcher([one], settled.set, interval=0.02)
    watch.start()
    version(folder, "2")
    assert settled.wait(10)
    assert one.value == "2"
    watch.stop()
    version(folder, "3")
    time.sleep(0.1)
    assert one.value == "2"


def test_a_scorer_has_answered_before_it_is_asked(tmp_path: Path) -> None:
    """Its plan is compiled and its explainer made: the first request waits for nothing."""
    scorer = scorer_of(version(tmp_path / "model", "1"))
    assert scorer.__dict__["_words"]
