"""Work for workers that die, and a job to be killed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from features.partitions.build_matrix import Building, Built, build_buckets
from features.partitions.executor import Engine, Inline, TaskResult
from features.partitions.memory import Budget
from features.partitions.storage import Storage


def square(number: int) -> float:
    return 1 / number


def once(path: str) -> str:
    """Kills its worker where `path` ends with b and is not there yet."""
    if path.endswith("b") and not Path(path).exists():
        Path(path).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return path


def deadly(number: int) -> int:
    if number < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def deadly_bucket(task: Building) -> list[Built]:
    """Builds, but the second bucket kills its worker."""
    if any(bucket.number == 1 for bucket in task.buckets):
        os.kill(os.getpid(), signal.SIGKILL)
    return build_buckets(task)


def process_of(_: int) -> int:
    return os.getpid()


def stays(path: str) -> None:
    """Leaves the number of its process, and stays."""
    written = Path(path).with_suffix(".part")
    written.write_text(str(os.getpid()), encoding="utf-8")
    written.rename(path)
    time.sleep(60)


def within(number: int) -> bool:
    """A worker that has an engine of its own, as a client among many has."""
    from features.partitions.executor import run_exclusive
    from training.executors.local import LocalEngine

    with LocalEngine(Budget(workers=1)) as engine:
        return run_exclusive(engine, process_of, number, "itself") == os.getpid()


@dataclass(frozen=True)
class Fatal:
    """The function, but the first worker to do it is killed before it can tell; `folder` remembers."""

    function: Callable[[Any], Any]
    folder: str

    @property
    def __name__(self) -> str:
        return self.function.__name__

    def __call__(self, item: Any) -> Any:
        found = self.function(item)
        mark = Path(self.folder) / f"killed-in-{self.__name__}"
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return found


@dataclass(frozen=True)
class Killing:
    """An engine whose workers are killed once in each function."""

    engine: Engine
    folder: Path

    @property
    def budget(self) -> Budget:
        return self.engine.budget

    @property
    def distributed(self) -> bool:
        return self.engine.distributed

    def release(self) -> None:
        self.engine.release()

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[TaskResult[Any]]:
        return self.engine.map(Fatal(function, str(self.folder)), items)

    def run_exclusive(self, function: Callable[[Any], Any], item: Any) -> TaskResult[Any]:
        return self.engine.run_exclusive(Fatal(function, str(self.folder)), item)


@dataclass(frozen=True)
class Telling(Inline):
    """Says when a part has ended."""

    pipe: Connection | None = None

    def map(self, function: Callable, items: Sequence) -> Iterator[TaskResult]:  # type: ignore[type-arg]
        for done in super().map(function, items):
            assert self.pipe
            self.pipe.send((function.__name__, done.index, done.error))
            yield done


def partition_and_build(folder: Path, home: Path, pipe: Connection) -> None:
    """The job that is killed."""
    from features.dataset.dataset import Dataset
    from features.partitions.inputs import Raw
    from features.partitions.partition import partition
    from tests.features.partitions.worlds import FUNNEL, SMALL, built, spec_of

    engine = Telling(SMALL, pipe=pipe)
    place = Storage.from_path(home / "data")
    manifest = partition(place, Raw.of_folder(folder), FUNNEL, engine)
    built(place, manifest, Storage.from_path(home / "matrix"), spec_of(Dataset.read(folder)), engine)
