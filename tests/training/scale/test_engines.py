"""The same numbers on processes of this machine and on a Dask cluster; what dies is named or done again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from features.common.errors import DataError
from features.partitions.executor import Inline, run_all, run_exclusive
from features.partitions.inputs import in_memory as raw_in_memory
from features.partitions.manifest import Manifest
from features.partitions.matrix import Store
from features.partitions.memory import Budget
from features.partitions.partition import partition
from features.partitions.storage import Storage
from features.partitions.update import update
from tests.features.buckets.worlds import FUNNEL, SMALL, built, in_memory, read_matrix, spec_of, world
from tests.training.scale.deadly import deadly, deadly_bucket, once, process_of, square, within
from training.executors.dask import DaskEngine, cluster
from training.executors.local import LocalEngine

ROOT = Path(__file__).resolve().parents[3]
TWO = Budget(memory=2**30, workers=2, bucket=330)


@pytest.fixture(scope="module")
def threads() -> Iterator[DaskEngine]:
    """A cluster whose two workers are threads of this process."""
    with cluster(None, 2, SMALL, processes=False) as engine:
        yield engine


def test_features_on_a_cluster_are_those_of_memory(threads: DaskEngine, tmp_path: Path) -> None:
    dataset = world(20)
    place, out = Storage.from_path(tmp_path / "data"), Storage.from_path(tmp_path / "matrix")
    with raw_in_memory(dataset) as raw:
        manifest = partition(place, raw, FUNNEL, threads)
        assert manifest.digest == partition(Storage.from_path(tmp_path / "one"), raw, FUNNEL, Inline(SMALL)).digest
    spec = spec_of(dataset)
    built(place, manifest, out, spec, threads)
    np.testing.assert_array_equal(read_matrix(out, manifest, spec)[1], in_memory(dataset, spec)[1])


def test_a_cluster_names_the_item_that_fails(threads: DaskEngine) -> None:
    with pytest.raises(DataError, match=r"1 of 3 parts failed(.|\n)*two: ZeroDivisionError"):
        run_all(threads, square, [1, 0, 3], ["one", "two", "three"])


def test_there_is_no_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.executors.dask.CONNECT_SECONDS", 0.5)
    with pytest.raises(DataError, match=r"no Dask scheduler at tcp://127.0.0.1:9"), cluster("tcp://127.0.0.1:9", 1, SMALL):
        pass


def test_a_killed_worker_costs_only_its_own_item(tmp_path: Path) -> None:
    """One item kills its worker the first time, as memory running out does; another one always."""
    with LocalEngine(TWO) as engine:
        found = run_all(engine, once, [str(tmp_path / name) for name in "abc"], ["a", "b", "c"])
        assert found == [str(tmp_path / name) for name in "abc"]
        with pytest.raises(DataError, match=r"1 of 4 parts failed(.|\n)*two: its worker was killed, 3 times"):
            run_all(engine, deadly, [1, -2, 3, 4], ["one", "two", "three", "four"])


def test_a_bucket_that_kills_its_worker_is_named_although_nothing_else_is_left_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in this process, then: that would be killed, too."""
    dataset = world(7)
    place, store = Storage.from_path(tmp_path / "data"), Store(Storage.from_path(tmp_path / "matrix"))
    with raw_in_memory(dataset) as raw:
        manifest = partition(place, raw, FUNNEL, Inline(SMALL))
    monkeypatch.setattr("features.partitions.update.build_buckets", deadly_bucket)
    with LocalEngine(TWO) as engine:
        for _ in range(2):
            with pytest.raises(DataError, match=r"(?s)part.* failed.*bucket 00001: its worker was killed, "):
                update(place, manifest, store, spec_of(dataset), engine)
            assert [b.number for b in manifest.buckets if store.record(b.number) is None] == [1]


def test_workers_that_rest_hold_nothing_and_are_there_again() -> None:
    with LocalEngine(TWO) as engine:
        assert run_all(engine, square, [1, 2], ["one", "two"]) == [1.0, 0.5]
        workers = [worker.process for worker in engine._workers]
        engine.release()
        assert [process.is_alive() for process in workers] == [False, False]
        assert run_all(engine, square, [4, 5], ["four", "five"]) == [0.25, 0.2]


def test_what_works_alone_gives_back_what_it_took(tmp_path: Path) -> None:
    with LocalEngine(TWO) as engine:
        run_all(engine, square, [1, 2], ["one", "two"])
        workers = [worker.process for worker in engine._workers]
        assert run_exclusive(engine, process_of, 3, "three") not in {os.getpid(), *(p.pid for p in workers)}
        assert [process.is_alive() for process in workers] == [False, False]
        assert engine._workers == []
        assert run_exclusive(engine, once, str(tmp_path / "b"), "b") == str(tmp_path / "b")  # killed the first time
        with pytest.raises(DataError, match=r"One part failed(.|\n)*- trees: its worker was killed, 3 times"):
            run_exclusive(engine, deadly, -2, "trees")


def test_a_worker_does_by_itself_what_should_be_done_alone() -> None:
    with LocalEngine(TWO) as engine:
        assert run_all(engine, within, [1, 2], ["one", "two"]) == [True, True]


def test_killed_anywhere_it_goes_on_from_finished_buckets(tmp_path: Path) -> None:
    dataset = world(21)
    dataset.write(tmp_path / "set")
    with raw_in_memory(dataset) as raw:
        partition(Storage.from_path(tmp_path / "wanted"), raw, FUNNEL, Inline(SMALL))
    command = [sys.executable, "-m", "tests.training.scale.deadly", str(tmp_path / "set"), str(tmp_path)]
    for parts in (2, 3, 4, None):  # killed while cutting, sorting, building; then left alone
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as job:
            assert job.stdout
            for number, _ in enumerate(job.stdout, start=1):
                if number == parts:
                    os.kill(job.pid, signal.SIGKILL)
            assert job.wait() == (0 if parts is None else -signal.SIGKILL)
    place, out = Storage.from_path(tmp_path / "data"), Storage.from_path(tmp_path / "matrix")
    manifest = Manifest.read(place)
    spec = spec_of(dataset)
    assert built(place, manifest, out, spec) == 0
    np.testing.assert_array_equal(read_matrix(out, manifest, spec)[1], in_memory(dataset, spec)[1])


@pytest.mark.parametrize(("said", "pool"), [(None, "system"), ("mimalloc", "mimalloc")])
def test_memory_of_tables_is_the_systems_unless_the_environment_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, said: str | None, pool: str
) -> None:
    before = pa.default_memory_pool()
    monkeypatch.delenv("ARROW_DEFAULT_MEMORY_POOL", raising=False)
    if said:
        monkeypatch.setenv("ARROW_DEFAULT_MEMORY_POOL", said)
    try:
        pa.set_memory_pool(pa.mimalloc_memory_pool())
        LocalEngine(Budget())
        assert pa.default_memory_pool().backend_name == pool
    finally:
        pa.set_memory_pool(before)
