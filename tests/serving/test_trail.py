"""The audit trail: what was changed shows, a full disk closes what changes something, a lead is found with the key."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from features.common.errors import DataError
from serving.api.app import create_app
from serving.logs import audit_log as trails
from serving.logs.audit_cli import find, forget, verify
from serving.logs.audit_log import HEAD, KEYS, AuditLog, Event, line_hash
from serving.logs.audit_middleware import AuditMiddleware
from serving.schemas.score import EXAMPLE
from serving.scoring.scorer import Scorer
from tests.tiny import tiny_model

NOW = datetime.now(UTC)
ROOT = Path(__file__).resolve().parents[2]


def event(*leads: str, at: datetime = NOW, request_id: str = "r-1") -> Event:
    return Event(at, request_id, "1f09c3aa", "POST /v1/score", 200, len(leads), leads)


@pytest.fixture
def trail(tmp_path: Path) -> AuditLog:
    one = AuditLog(tmp_path / "audit", pause=0.02)
    for number in range(5):
        assert one.append([event(f"L-{number}", "L-common", request_id=f"r-{number}")])
    return one


def file_of(trail: AuditLog) -> Path:
    (found,) = trail.folder.glob("audit-*.jsonl")
    return found


def test_a_whole_trail_is_whole_and_names_nobody(trail: AuditLog) -> None:
    found = verify(trail.folder)
    assert (found.lines, found.first_number, found.last_number) == (5, 1, 5)
    text = file_of(trail).read_text()
    assert "L-" not in text
    assert "1f09c3aa" in text
    assert file_of(trail).stat().st_mode & 0o077 == 0
    verify(trail.folder, (found.last_number, found.hash))


def edited(change: Callable[[list[str]], list[str]]) -> Callable[[Path], None]:
    return lambda file: Path.write_text(file, "".join(change(file.read_text().splitlines(keepends=True)))) and None


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


def test_nothing_is_written_behind_an_end_that_was_cut_off(trail: AuditLog) -> None:
    edited(lambda lines: lines[:-1])(file_of(trail))
    assert not trail.append([event("L-9")])
    assert "line 5 is missing" in trail.trouble


def test_half_a_line_of_a_crash_is_cut_off_and_the_trail_goes_on(trail: AuditLog) -> None:
    with file_of(trail).open("a") as out:
        out.write('{"n": 6, "at": "2026')
    assert trail.append([event("L-9")])
    assert verify(trail.folder).lines == 6


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
        "from serving.logs.audit_log import Event, Trail\n"
        "one = Trail(Path(sys.argv[1]), pause=0.001); one.start()\n"
        "for n in range(300): one.put(Event(datetime.now(UTC), sys.argv[2] + str(n), 'k', 'o', 200, 1, ['L']))\n"
        "one.stop()"
    )
    workers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name], cwd=ROOT) for name in "ab"]
    assert [worker.wait(60) for worker in workers] == [0, 0]
    assert verify(tmp_path).lines == 600
    assert len(list(find(tmp_path, "L"))) == 600


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """No file may grow beyond so many bytes: the system itself refuses, in the middle of a write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_no_half_line(trail: AuditLog) -> None:
    size = file_of(trail).stat().st_size
    with full_disk(size + 10):
        assert not trail.append([event("L-9")])
    assert "cannot be written" in trail.trouble
    assert verify(trail.folder).lines == 5
    assert trail.append([event("L-9")])
    assert (verify(trail.folder).lines, trail.trouble) == (6, "")


async def change(request: Request) -> Response:
    return JSONResponse({"changed": request.path_params["lead_id"]})


class House:
    """An application with something to change, before a trail."""

    def __init__(self, folder: Path) -> None:
        scorer = Scorer(tiny_model())
        self.trail = AuditLog(folder, pause=0.01)
        self.app = create_app(
            lambda: scorer, troubles=lambda: {"audit trail": self.trail.trouble} if self.trail.trouble else {}
        )
        self.app.router.routes.insert(0, Route("/v1/leads/{lead_id}", change, methods=["PUT", "DELETE"]))
        self.client = TestClient(
            AuditMiddleware(self.app, self.trail, lambda: datetime.now(UTC)), raise_server_exceptions=False
        )

    def lines(self) -> list[dict[str, object]]:
        self.trail.stop()
        return [json.loads(line) for file in self.trail.folder.glob("audit-*.jsonl") for line in file.read_text().splitlines()]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    one = House(tmp_path / "audit")
    one.trail.start()
    yield one
    one.trail.stop()


def test_requests_leave_their_lines(house: House) -> None:
    house.client.post("/v1/score", json=EXAMPLE)
    house.client.get("/livez")
    house.client.get("/v1/leads/L-7")
    house.client.put("/v1/leads/L-8", json={})
    house.client.post("/v1/score", content=b"{")
    found = [(line["operation"], line["status"], line["leads"]) for line in house.lines()]
    assert found == [
        ("POST /v1/score", 200, 1),
        ("GET /v1/leads/{lead_id:path}", 404, 1),
        ("PUT /v1/leads/{lead_id}", 200, 1),
        ("POST /v1/score", 400, 0),
    ]
    for lead, count in (("L-1", 1), ("L-7", 1), ("L-8", 1), ("L-9", 0)):
        assert len(list(find(house.trail.folder, lead))) == count, lead


def test_a_change_is_answered_when_its_line_is_on_disk(house: House) -> None:
    house.client.put("/v1/leads/L-8", json={})
    (file,) = house.trail.folder.glob("audit-*.jsonl")
    assert "PUT" in file.read_text()


def test_while_the_trail_cannot_be_written_scores_go_on_and_nothing_is_changed(house: House) -> None:
    house.client.put("/v1/leads/L-1", json={})
    (file,) = house.trail.folder.glob("audit-*.jsonl")
    with full_disk(file.stat().st_size + 5):
        assert house.client.post("/v1/score", json=EXAMPLE).status_code == 200
        until = time.monotonic() + 10
        while not house.trail.trouble and time.monotonic() < until:
            time.sleep(0.02)
        assert house.client.post("/v1/score", json=EXAMPLE).status_code == 200
        refused = house.client.put("/v1/leads/L-1", json={})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert "nothing is changed without it" in refused.json()["detail"]
        assert house.client.delete("/v1/leads/L-1").status_code == 503
        ready = house.client.get("/readyz")
        assert (ready.status_code, list(ready.json()["troubles"])) == (200, ["audit trail"])
        assert 'ripeline_trouble{what="audit trail"} 1.0' in house.client.get("/metrics").text
    until = time.monotonic() + 10
    while house.trail.trouble and time.monotonic() < until:
        time.sleep(0.05)
    assert house.client.put("/v1/leads/L-1", json={}).status_code == 200
    assert [line["operation"] for line in house.lines()].count("POST /v1/score") == 2, "what waited was written"
    verify(house.trail.folder)


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
