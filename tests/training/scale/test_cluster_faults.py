"""Workers of a real cluster that die, and a scheduler that goes away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from features.buckets.memory import Budget
from features.buckets.work import every
from features.errors import DataError
from tests.training.scale.deadly import deadly, once, slowly
from training.engine.dask import cluster

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # distributed warns of what it is asked to do here


def test_a_worker_killed_on_a_cluster_costs_nothing_and_a_poisoned_item_is_named(tmp_path: Path) -> None:
    with cluster(None, 2, Budget()) as engine:
        paths = [str(tmp_path / name) for name in "abc"]
        assert every(engine, once, paths, ["a", "b", "c"]) == paths
        with pytest.raises(DataError, match=r"1 of 3 parts failed(.|\n)*two: its worker was killed"):
            every(engine, deadly, [1, -2, 3], ["one", "two", "three"])


def test_a_scheduler_that_goes_away_is_said() -> None:
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as scheduler:
        assert scheduler.stderr
        address = next(line.rpartition(" ")[2].strip() for line in scheduler.stderr if "Scheduler at:" in line)
        worker = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_worker", address, "--no-nanny", "--nthreads", "1", "--no-dashboard"],
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).resolve().parents[3],
        )
        try:
            _until_there(address)
            with pytest.raises(DataError, match=r"went away while it was working"):
                _killed_on_the_way(address, scheduler.pid)
        finally:
            scheduler.kill()
            worker.kill()
            worker.wait()


def _killed_on_the_way(address: str, scheduler: int) -> None:
    with cluster(address, 1, Budget()) as engine:
        for done in engine.map(slowly, list(range(20))):
            assert not done.error
            os.kill(scheduler, signal.SIGKILL)


def _until_there(address: str) -> None:
    from distributed import Client

    with Client(address) as client:
        client.wait_for_workers(1, timeout=60)
