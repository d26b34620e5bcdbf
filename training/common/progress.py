"""Progress: bars with the time left on a terminal; elsewhere a line on standard error whenever nothing was said for a while."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Advance = Callable[[int, int], None]  # (done, all)

HEARTBEAT = 4.0  # seconds between two lines where there is no terminal: a log that is silent looks like a job that hangs


def terminal() -> Console:
    """The console: as wide as the terminal, 120 columns where there is none."""
    console = Console()
    return console if console.is_terminal else Console(width=120)


class Steps:
    """The steps of one job, one bar each."""

    def __init__(self, console: Console) -> None:
        self._bars = Progress(
            TextColumn("{task.description:<28}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )

    @contextmanager
    def running(self) -> Iterator[Steps]:
        with self._bars, self._heartbeat():
            yield self

    @contextmanager
    def _heartbeat(self) -> Iterator[None]:
        """Where no bars are drawn and the console is this process's own: what is running, every `HEARTBEAT` seconds."""
        if not self._bars.disable or self._bars.console.file is not sys.stdout:
            yield
            return
        ended, start = threading.Event(), time.monotonic()

        def beat() -> None:
            while not ended.wait(HEARTBEAT):
                running = [task for task in list(self._bars.tasks) if not task.finished]
                line = _line(running[-1]) if running else f"  still working after {time.monotonic() - start:.0f} s"
                print(line, file=sys.stderr, flush=True)

        thread = threading.Thread(target=beat, name="ripeline-progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def step(self, name: str, total: int | None = None) -> Advance:
        """Begin a step; call what is returned with (done, all). A step of unknown length shows that it is alive."""
        task = self._bars.add_task(name, total=total)

        def advance(completed: int, total: int) -> None:
            self._bars.update(task, completed=completed, total=total)

        return advance

    def counter(self, name: str, total: int) -> Callable[[], None]:
        """Begin a step of `total` parts; call what is returned after each."""
        advance = self.step(name, total)
        completed = 0

        def tick() -> None:
            nonlocal completed
            completed += 1
            advance(completed, total)

        return tick

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """A step that shows only that it runs and that it ended."""
        task = self._bars.add_task(name, total=None)
        yield
        self._bars.update(task, completed=1, total=1)


def _line(task: Task) -> str:
    """`Fitting as of the cut: 12 of 66, 35 s`."""
    count = f"{task.completed:,.0f} of {task.total:,.0f}, " if task.total else ""
    return f"  {task.description}: {count}{task.elapsed or 0:.0f} s"
