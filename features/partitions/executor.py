"""What an engine owes: the same function over many items, wherever they run, and an answer for each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from features.common.errors import DataError, RipelineError
from features.partitions.memory import Budget

T = TypeVar("T")
R = TypeVar("R")
Tick = Callable[[int, int], None]  # (done, all)


@dataclass(frozen=True)
class TaskResult(Generic[R]):
    """Item `index` has ended: with its `value`, or with what went wrong in words."""

    index: int
    value: R | None
    error: str = ""


class Engine(Protocol):
    """Runs functions of modules over items that can be sent to another process."""

    @property
    def budget(self) -> Budget: ...

    @property
    def distributed(self) -> bool:
        """Workers are other machines, so that even one pass over everything is better given away in parts."""
        ...

    def release(self) -> None:
        """Give back what workers hold while there is nothing to do for them."""
        ...

    def map(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[TaskResult[R]]:
        """One `TaskResult` for each item, in the order in which they end. A failed item never stops the others."""
        ...

    def run_exclusive(self, function: Callable[[T], R], item: T) -> TaskResult[R]:
        """One large item while nothing else is worked on, where what it takes is given back at its end."""
        ...


@dataclass(frozen=True)
class Inline:
    """The engine of this process: one item after the other."""

    budget: Budget = field(default_factory=Budget)
    distributed: bool = False

    def release(self) -> None:
        """Nothing is held."""

    def map(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[TaskResult[R]]:
        for index, item in enumerate(items):
            yield attempt(function, index, item)

    def run_exclusive(self, function: Callable[[T], R], item: T) -> TaskResult[R]:
        return attempt(function, 0, item)


def attempt(function: Callable[[T], R], index: int, item: T) -> TaskResult[R]:
    """Run it; whatever it raises becomes words."""
    try:
        return TaskResult(index, function(item))
    except RipelineError as error:
        return TaskResult(index, None, str(error))
    except Exception as error:
        return TaskResult(index, None, f"{type(error).__name__}: {error}")


def run_all(
    engine: Engine, function: Callable[[T], R], items: Sequence[T], labels: Sequence[str], tick: Tick | None = None
) -> list[R]:
    """The values in the order of `items`. All are tried before anything is raised; `labels` names each in words.

    Raises
    ------
    DataError
        if any item failed; each is named with its reason. What has been finished stays finished.
    """
    results: list[R | None] = [None] * len(items)
    failures: list[tuple[int, str]] = []
    for number, result in enumerate(engine.map(function, items), start=1):
        if result.error:
            failures.append((result.index, result.error))
        results[result.index] = result.value
        if tick:
            tick(number, len(items))
    if failures:
        listed = "".join(f"\n  - {labels[index]}: {error}" for index, error in sorted(failures)[:10])
        overflow = f"\n  … and {len(failures) - 10} more" if len(failures) > 10 else ""
        raise DataError(
            f"{len(failures)} of {len(items)} parts failed; the others are finished and kept:{listed}{overflow}",
            "Put these right and run the same again: it goes on from what is finished.",
        )
    return [value for value in results if value is not None]


def run_exclusive(engine: Engine, function: Callable[[T], R], item: T, label: str) -> R:
    """The value of one large item, for which everything else rests.

    Raises
    ------
    DataError
        if it failed; `label` names it.
    """
    result = engine.run_exclusive(function, item)
    if result.error or result.value is None:
        raise DataError(
            f"One part failed; what came before is finished and kept:\n  - {label}: {result.error}",
            "Put it right and run it again.",
        )
    return result.value
