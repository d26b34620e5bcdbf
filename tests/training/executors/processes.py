"""Processes that are watched from outside."""

from __future__ import annotations

import time
from pathlib import Path


def pid_in(file: Path) -> int:
    """The process that wrote its number there, once it has."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if file.is_file() and (said := file.read_text(encoding="utf-8")):
            return int(said)
        time.sleep(0.02)
    raise AssertionError(f"{file} never came")


def alive(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    try:
        return state.read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pid: int, seconds: float = 20) -> bool:
    """Whether it ends within so many seconds."""
    until = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.02)
    return not alive(pid)
