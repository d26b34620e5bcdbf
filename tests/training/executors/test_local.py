"""The engine of this machine: what dies is named or done again, and what rests holds nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from features.common.errors import DataError
from features.partitions.executor import Inline, run_all, run_exclusive
from features.partitions.matrix import Store
from features.partitions.memory import Budget
from features.partitions.partition import partition
from features.partitions.storage import Storage
from features.partitions.update import update
from tests.features.partitions.worlds import FUNNEL, SMALL, spec_of, world
from tests.raw import raw_in_memory
from tests.training.executors.deadly import deadly, deadly_bucket, once, process_of, square, within
from tests.training.executors.processes import alive, gone, pid_in
from training.executors.local import LocalEngine

ROOT = Path(__file__).resolve().parents[3]
TWO = Budget(memory=2**30, workers=2, bucket=330)


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


def test_workers_end_with_whoever_started_them(tmp_path: Path) -> None:
    """Killed, it cannot take them away; they go by themselves, so that the next run finds the folders free."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from features.partitions.memory import Budget\n"
        "from tests.training.executors.deadly import stays\n"
        "from training.executors.local import LocalEngine\n"
        f"list(LocalEngine(Budget(workers=1), isolated=True).map(stays, [{str(tmp_path / 'pid')!r}]))"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=environment) as job:
        worker = pid_in(tmp_path / "pid")
        assert alive(worker)
        job.kill()
    assert gone(worker)


def test_a_worker_does_by_itself_what_should_be_done_alone() -> None:
    with LocalEngine(TWO) as engine:
        assert run_all(engine, within, [1, 2], ["one", "two"]) == [True, True]


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
