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
class Done(Generic[R]):
    """Item `index` has ended: with its `value`, or with what went wrong in words."""

    index: int
    value: R | None
    error: str = ""


class Engine(Protocol):
    """Runs functions of modules over items that can be sent to another process."""

    @property
    def budget(self) -> Budget: ...

    @property
    def apart(self) -> bool:
        """Workers are other machines, so that even one pass over everything is better given away in parts."""
        ...

    def rest(self) -> None:
        """Give back what workers hold while there is nothing to do for them."""
        ...

    def map(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[Done[R]]:
        """One `Done` for each item, in the order in which they end. A failed item never stops the others."""
        ...

    def alone(self, function: Callable[[T], R], item: T) -> Done[R]:
        """One large item while nothing else is worked on, where what it takes is given back at its end."""
        ...


@dataclass(frozen=True)
class Inline:
    """The engine of this process: one item after the other."""

    budget: Budget = field(default_factory=Budget)
    apart: bool = False

    def rest(self) -> None:
        """Nothing is held."""

    def map(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[Done[R]]:
        for index, item in enumerate(items):
            yield attempt(function, index, item)

    def alone(self, function: Callable[[T], R], item: T) -> Done[R]:
        return attempt(function, 0, item)


def attempt(function: Callable[[T], R], index: int, item: T) -> Done[R]:
    """Run it; whatever it raises becomes words."""
    try:
        return Done(index, function(item))
    except RipelineError as error:
        return Done(index, None, str(error))
    except Exception as error:
        return Done(index, None, f"{type(error).__name__}: {error}")


def every(
    engine: Engine, function: Callable[[T], R], items: Sequence[T], what: Sequence[str], tick: Tick | None = None
) -> list[R]:
    """The values in the order of `items`. All are tried before anything is raised; `what` names each in words.

    Raises
    ------
    DataError
        if any item failed; each is named with its reason. What has been finished stays finished.
    """
    found: list[R | None] = [None] * len(items)
    wrong: list[tuple[int, str]] = []
    for number, done in enumerate(engine.map(function, items), start=1):
        if done.error:
            wrong.append((done.index, done.error))
        found[done.index] = done.value
        if tick:
            tick(number, len(items))
    if wrong:
        listed = "".join(f"\n  - {what[index]}: {error}" for index, error in sorted(wrong)[:10])
        more = f"\n  … and {len(wrong) - 10} more" if len(wrong) > 10 else ""
        raise DataError(
            f"{len(wrong)} of {len(items)} parts failed; the others are finished and kept:{listed}{more}",
            "Put these right and run the same again: it goes on from what is finished.",
        )
    return [value for value in found if value is not None]


def alone(engine: Engine, function: Callable[[T], R], item: T, what: str) -> R:
    """The value of one large item, for which everything else rests.

    Raises
    ------
    DataError
        if it failed; `what` names it.
    """
    done = engine.alone(function, item)
    if done.error or done.value is None:
        raise DataError(
            f"One part failed; what came before is finished and kept:\n  - {what}: {done.error}",
            "Put it right and run it again.",
        )
    return done.value
