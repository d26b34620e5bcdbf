"""The audit trail as it is written: whole lines, one chain of several workers, files of a size, nothing lost in silence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from features.common.errors import DataError
from serving.logs import audit_log as trails
from serving.logs.audit_cli import find, verify
from serving.logs.audit_log import AuditLog
from tests.serving.logs.trails import ROOT, edited, event, file_of, full_disk


def test_nothing_is_written_behind_an_end_that_was_cut_off(trail: AuditLog) -> None:
    edited(lambda lines: lines[:-1])(file_of(trail))
    assert not trail.append([event("L-9")])
    assert "line 5 is missing" in trail.trouble


def test_half_a_line_of_a_crash_is_cut_off_and_the_trail_goes_on(trail: AuditLog) -> None:
    with file_of(trail).open("a") as out:
        out.write('{"n": 6, "at": "2026')
    assert trail.append([event("L-9")])
    assert verify(trail.folder).lines == 6


def test_files_are_of_a_size_and_go_when_their_time_is_over(tmp_path: Path) -> None:
    one = AuditLog(tmp_path, largest=300, days=10)
    for number in range(6):
        one.append([event(f"L-{number}")])
    files = sorted(tmp_path.glob("audit-*.jsonl"))
    assert len(files) > 2
    assert verify(tmp_path).lines == 6
    for file in files[:2]:
        os.utime(file, (0, 0))
    gone = sum(len(file.read_text().splitlines()) for file in files[:2])
    while len(list(tmp_path.glob("audit-*.jsonl"))) >= len(files):
        one.append([event("L-9")])
    found = verify(tmp_path)
    assert found.first_number == gone + 1
    assert any('"event": "retired"' in file.read_text() for file in tmp_path.glob("audit-*.jsonl"))
    sorted(tmp_path.glob("audit-*.jsonl"))[0].unlink()
    with pytest.raises(DataError, match="are missing"):
        verify(tmp_path)


def test_anchors_are_told_when_a_file_begins_and_at_the_end(tmp_path: Path) -> None:
    told: list[str] = []
    one = AuditLog(tmp_path, pause=0.01, report=told.append)
    one.start()
    one.record(event("L-1"))
    one.stop()
    for text in told:
        number, mark = text.removeprefix("Anchor of the audit trail: ").split(":")
        verify(tmp_path, (int(number), mark))
    assert len(told) == 2


def test_several_workers_write_one_chain(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from datetime import UTC, datetime; "
        "from serving.logs.audit_log import AuditLog, Event\n"
        "one = AuditLog(Path(sys.argv[1]), pause=0.001); one.start()\n"
        "for n in range(300): one.record(Event(datetime.now(UTC), sys.argv[2] + str(n), 'k', 'o', 200, 1, ['L']))\n"
        "one.stop()"
    )
    workers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name], cwd=ROOT) for name in "ab"]
    assert [worker.wait(60) for worker in workers] == [0, 0]
    assert verify(tmp_path).lines == 600
    assert len(list(find(tmp_path, "L"))) == 600


def test_a_full_disk_leaves_no_half_line(trail: AuditLog) -> None:
    size = file_of(trail).stat().st_size
    with full_disk(size + 10):
        assert not trail.append([event("L-9")])
    assert "cannot be written" in trail.trouble
    assert verify(trail.folder).lines == 5
    assert trail.append([event("L-9")])
    assert (verify(trail.folder).lines, trail.trouble) == (6, "")


def test_where_only_the_head_cannot_be_written_no_line_is_there_twice(trail: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = trails._write_head

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(trails, "_write_head", full)
    assert trail.append([event("L-9", request_id="once")]), "the line itself is on disk"
    assert "No space left" in trail.trouble
    assert not trail.append([event("L-9", request_id="later")]), "the next one is kept out"
    monkeypatch.setattr(trails, "_write_head", usual)
    assert trail.append([])
    assert (trail.trouble, verify(trail.folder).lines) == ("", 6)
    assert trail.append([event("L-9", request_id="later")])
    lines = [json.loads(line)["request_id"] for line in file_of(trail).read_text().splitlines()]
    assert lines[5:] == ["once", "later"]


def test_what_another_worker_wrote_meanwhile_is_gone_on_from(trail: AuditLog) -> None:
    other = AuditLog(trail.folder)
    for number in range(6):
        assert (trail, other)[number % 2].append([event(f"L-{number}")])
    assert verify(trail.folder).lines == 11


def test_what_finds_no_place_is_counted_and_said_in_the_trail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trails, "MOST_LEADS", 3)
    one = AuditLog(tmp_path)
    told: list[bool] = []
    one.record(event("L-1", "L-2"))
    one.record(replace(event("L-3", "L-4"), durable=told.append))
    assert (one.lost, told) == (1, [False])
    one.start()
    one.stop()
    lines = [json.loads(line) for file in tmp_path.glob("audit-*.jsonl") for line in file.read_text().splitlines()]
    assert sorted((line["event"], line.get("events")) for line in lines) == [("lost", 1), ("request", None)]


def test_putting_never_waits(tmp_path: Path) -> None:
    one = AuditLog(tmp_path)
    stuck = threading.Event()
    one._append = lambda _events: stuck.wait(5)  # type: ignore[method-assign,assignment,return-value]
    thread = threading.Thread(target=one.start)
    thread.start()
    begun = time.perf_counter()
    for _ in range(1_000):
        one.record(event("L-1"))
    assert time.perf_counter() - begun < 2
    stuck.set()
    thread.join()
    one.stop()
