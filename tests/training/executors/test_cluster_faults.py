"""Workers of a real cluster that die, and a scheduler that goes away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed import Client

from features.common.errors import DataError
from features.partitions.executor import Engine, Inline, TaskResult, run_all
from features.partitions.matrix import Store
from features.partitions.memory import Budget
from features.partitions.partition import partition
from features.partitions.storage import Storage
from tests.features.partitions.worlds import FUNNEL, SMALL, built, in_memory, read_matrix, spec_of, world
from tests.raw import raw_in_memory
from tests.training.executors.deadly import deadly, once
from training.executors.dask import cluster

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # distributed warns of what it is asked to do here


def test_a_worker_killed_on_a_cluster_costs_nothing_and_a_poisoned_item_is_named(tmp_path: Path) -> None:
    with cluster(None, 2, Budget()) as engine:
        paths = [str(tmp_path / name) for name in "abc"]
        assert run_all(engine, once, paths, ["a", "b", "c"]) == paths
        with pytest.raises(DataError, match=r"1 of 3 parts failed(.|\n)*two: its worker was killed"):
            run_all(engine, deadly, [1, -2, 3], ["one", "two", "three"])  # the scheduler may blame three as well


@contextmanager
def running(python_path: str = ".") -> Iterator[tuple[str, int]]:
    """A scheduler with a worker, started as docs/scale.md says: its address and process."""
    dask = str(Path(sys.executable).with_name("dask"))
    where: dict[str, Any] = {"cwd": Path(__file__).resolve().parents[3], "env": {**os.environ, "PYTHONPATH": python_path}}
    command = [dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **where) as scheduler:
        assert scheduler.stderr
        address = next(line.rpartition(" ")[2].strip() for line in scheduler.stderr if "Scheduler at:" in line)
        worker = subprocess.Popen(
            [dask, "worker", address, "--no-nanny", "--nthreads", "1", "--no-dashboard"], stderr=subprocess.DEVNULL, **where
        )
        try:
            with Client(address) as client:
                client.wait_for_workers(1, timeout=60)
            yield address, scheduler.pid
        finally:
            scheduler.kill()
            worker.kill()
            worker.wait()


@dataclass
class Short:
    """An engine whose scheduler is killed after the first part."""

    engine: Engine
    scheduler: int
    distributed: bool = True

    @property
    def budget(self) -> Budget:
        return self.engine.budget

    def release(self) -> None:
        self.engine.release()

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[TaskResult[Any]]:
        for done in self.engine.map(function, items):
            yield done
            os.kill(self.scheduler, signal.SIGKILL)

    def run_exclusive(self, function: Callable[[Any], Any], item: Any) -> TaskResult[Any]:
        return self.engine.run_exclusive(function, item)


def test_a_scheduler_that_goes_away_is_said_and_with_another_one_the_job_goes_on(tmp_path: Path) -> None:
    dataset = world(22)
    data, out = Storage.from_path(tmp_path / "data"), Storage.from_path(tmp_path / "matrix")
    with raw_in_memory(dataset) as raw:
        manifest = partition(data, raw, FUNNEL, Inline(SMALL))
    spec = spec_of(dataset)
    with (
        running() as (address, pid),
        cluster(address, 1, SMALL) as engine,
        pytest.raises(DataError, match=r"went away while it was working"),
    ):
        built(data, manifest, out, spec, Short(engine, pid))
    done = sum(Store(out).record(b.number) is not None for b in manifest.buckets)
    assert done >= 1
    with running() as (address, _), cluster(address, 1, SMALL) as engine:
        computed = built(data, manifest, out, spec, engine)
    index, rows = read_matrix(out, manifest, spec)
    assert computed < len(index) or done == len(manifest.buckets)
    np.testing.assert_array_equal(rows, in_memory(dataset, spec)[1])


def test_a_cluster_that_cannot_import_ripeline_is_told_so() -> None:
    with (
        running("") as (address, _),
        pytest.raises(DataError, match=r"cannot be imported by the scheduler, tcp://.*\n.*`PYTHONPATH=\.` before"),
        cluster(address, 1, SMALL),
    ):
        pass
