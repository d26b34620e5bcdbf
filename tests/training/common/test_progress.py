"""Progress: bars on a terminal; elsewhere a line on standard error now and then, and nothing among what is printed."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from training.common import progress
from training.common.progress import Steps


@pytest.mark.parametrize(("terminal", "said"), [(True, True), (False, False)])
def test_parts_are_counted_on_a_terminal_and_nowhere_else(terminal: bool, said: bool) -> None:
    out = io.StringIO()
    with Steps(Console(file=out, force_terminal=terminal, width=120)).running() as steps:
        tick = steps.counter("Clients", 2)
        tick(), tick()
    assert ("2/2" in out.getvalue()) is said
    assert bool(out.getvalue()) is said


def test_a_log_is_never_silent(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What runs is said again and again, whether it counts parts or not; what has ended is not."""
    monkeypatch.setattr(progress, "HEARTBEAT", 0.01)
    lines: list[str] = []
    with Steps(Console()).running() as steps:
        tick = steps.counter("Fitting", 3)
        tick()
        with steps.phase("Report"):
            while not any("Report" in line for line in lines):
                time.sleep(0.01)
                captured = capsys.readouterr()
                lines += captured.err.splitlines()
                assert captured.out == ""
        lines.clear()
        while not any("Fitting" in line for line in lines):
            time.sleep(0.01)
            lines += [line for line in capsys.readouterr().err.splitlines() if "Report" not in line]
        assert lines[-1].strip().startswith("Fitting: 1 of 3, ")
        tick(), tick()
        while not any("still working" in line for line in lines):
            time.sleep(0.01)
            lines += capsys.readouterr().err.splitlines()
