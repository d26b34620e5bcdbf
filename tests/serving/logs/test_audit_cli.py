"""What was done to a trail shows; who asked about a lead is found with the key; without it nobody is."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from features.common.errors import DataError
from serving.logs.audit_cli import find, forget, verify
from serving.logs.audit_log import HEAD, KEYS, AuditLog, line_hash
from tests.serving.logs.trails import NOW, ROOT, edited, event, file_of


def test_a_whole_trail_is_whole_and_names_nobody(trail: AuditLog) -> None:
    found = verify(trail.folder)
    assert (found.lines, found.first_number, found.last_number) == (5, 1, 5)
    text = file_of(trail).read_text()
    assert "L-" not in text
    assert "1f09c3aa" in text
    assert file_of(trail).stat().st_mode & 0o077 == 0
    verify(trail.folder, (found.last_number, found.hash))


def made_anew(lines: list[str]) -> list[str]:
    """As somebody who knows how the hashes are made would do it."""
    out, before = [], "0" * 64
    for line in [line for place, line in enumerate(lines) if place != 2]:
        content = {name: value for name, value in json.loads(line).items() if name != "hash"} | {"n": len(out) + 1}
        text = json.dumps(content, ensure_ascii=False)
        before = line_hash(before, text)
        out.append(f'{text[:-1]}, "hash": "{before}"}}\n')
    return out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (edited(lambda lines: [line.replace('"status": 200', '"status": 403') for line in lines]), "line 1: its hash"),
        (edited(lambda lines: [*lines[:2], *lines[3:]]), "line 4 follows line 2"),
        (edited(lambda lines: [lines[0], lines[2], lines[1], *lines[3:]]), "line 3 follows line 1"),
        (edited(lambda lines: [*lines[:2], lines[1], *lines[2:]]), "line 2 follows line 2"),
        (edited(lambda lines: lines[:-1]), "ends with line 4; head.json notes line 5"),
        (edited(lambda lines: lines[1:]), "Lines before 2 are missing"),
        (edited(lambda lines: [*lines, "{}\n"]), "not a line of the trail"),
        (edited(lambda lines: [*lines, lines[-1][:40]]), "line 6: not a line of the trail"),
        (edited(made_anew), "ends with line 4; head.json notes line 5"),
    ],
    ids=["changed", "cut out", "moved", "put in", "cut off", "beginning cut off", "added", "half a line", "made anew"],
)
def test_what_was_done_to_it_shows(trail: AuditLog, change: Callable[[Path], None], message: str) -> None:
    change(file_of(trail))
    with pytest.raises(DataError, match=message):
        verify(trail.folder)


def test_one_made_anew_whole_is_shown_by_an_anchor_from_the_log(trail: AuditLog) -> None:
    before = verify(trail.folder)
    edited(made_anew)(file_of(trail))
    last = json.loads(file_of(trail).read_text().splitlines()[-1])
    (trail.folder / HEAD).write_text(json.dumps({"n": last["n"], "hash": last["hash"]}))
    verify(trail.folder)
    with pytest.raises(DataError, match="is not in the trail"):
        verify(trail.folder, (before.last_number, before.hash))


def test_who_asked_about_a_lead(trail: AuditLog) -> None:
    assert [line["request_id"] for line in find(trail.folder, "L-3")] == ["r-3"]
    assert len(list(find(trail.folder, "L-common"))) == 5
    assert list(find(trail.folder, "L-nobody")) == []
    (line,) = find(trail.folder, "L-3")
    assert (line["key"], line["operation"], line["status"], line["leads"]) == ("1f09c3aa", "POST /v1/score", 200, 2)


def test_without_the_key_of_its_month_nobody_is_found_and_the_trail_is_whole(trail: AuditLog) -> None:
    long_ago = NOW - timedelta(days=70)
    assert trail.append([event("L-3", at=long_ago, request_id="old")])
    marks = [json.loads(line)["about"][0] for line in file_of(trail).read_text().splitlines()]
    assert len(set(marks)) == 6, "another month, another hash of the same lead"
    assert forget(trail.folder, f"{NOW:%Y-%m}") == [f"{long_ago:%Y-%m}"]
    assert [line["request_id"] for line in find(trail.folder, "L-3")] == ["r-3"]
    assert verify(trail.folder).lines == 6
    assert (trail.folder / KEYS).stat().st_mode & 0o077 == 0


def test_the_commands(trail: AuditLog) -> None:
    def said(*words: str) -> str:
        command = [sys.executable, "-m", "serving.logs.audit_cli", "--folder", str(trail.folder), *words]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    told = said("verify")
    assert "5 lines, 1 to 5, none changed. Anchor: 5:" in told
    assert "none changed" in said("verify", "--anchor", told.split("Anchor: ")[1].strip())
    assert '"request_id": "r-3"' in said("find", "--lead", "L-3")
    assert "Destroyed the keys" in said("forget", "--before", "9999-01")
    assert said("find", "--lead", "L-3") == ""
    edited(lambda lines: lines[:-1])(file_of(trail))
    assert "Its end was cut off." in said("verify")
