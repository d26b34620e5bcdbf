"""Progress: bars with the time left on a terminal, nothing elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Advance = Callable[[int, int], None]  # (done, all)


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
        with self._bars:
            yield self

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
