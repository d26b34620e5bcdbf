"""What a server says of itself: JSON, of a level, and of an error its places but not its words."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

from serving.common import json_logging as said
from serving.common.json_logging import Lines, emit, write_line


@pytest.fixture
def spoken(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """After `speak_json`, and as before afterwards."""
    root = logging.getLogger()
    names = ("bentoml", "uvicorn", "uvicorn.error", "uvicorn.access", "circus", "asyncio", "urllib3")
    before = {name: (logging.getLogger(name).level, logging.getLogger(name).propagate) for name in names}
    handlers, was = root.handlers[:], root.level
    monkeypatch.setattr(said, "_json", False)
    monkeypatch.setattr(said, "_level", "info")
    yield
    root.handlers[:] = handlers
    root.setLevel(was)
    logging.captureWarnings(False)
    for name, (number, up) in before.items():
        logging.getLogger(name).setLevel(number)
        logging.getLogger(name).propagate = up


@pytest.mark.usefixtures("spoken")
def test_every_logger_speaks_json_of_its_level(capsys: pytest.CaptureFixture[str]) -> None:
    said.speak_json("warning")
    emit("hardly worth it")
    emit("look here", "warning")
    logging.getLogger("uvicorn.error").warning("a %s", "library")
    logging.getLogger("uvicorn.error").info("less")
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["level"], one["message"]) for one in found] == [("warning", "look here"), ("warning", "a library")]
    assert all({"at", "event"} <= one.keys() for one in found)


def test_a_traceback_is_told_by_its_places() -> None:
    try:
        raise ValueError("anna@example.com is no number")  # noqa: TRY301
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", None, sys.exc_info())
    line = json.loads(Lines().format(record))
    assert line["error"] == "ValueError"
    assert "test_json_logging.py" in line["where"][-1]
    assert "anna" not in json.dumps(line)


def test_a_full_disk_behind_standard_output_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        write_line("a line")
        monkeypatch.undo()
        with pytest.raises(OSError, match="No space"):
            full.flush()
        monkeypatch.setattr("sys.stdout", sys.__stdout__)
        with suppress(OSError):
            full.close()
