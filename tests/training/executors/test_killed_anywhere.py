"""A job that is killed anywhere goes on from what is finished."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from features.partitions.executor import Inline
from features.partitions.manifest import Manifest
from features.partitions.partition import partition
from features.partitions.storage import Storage
from tests.features.partitions.worlds import FUNNEL, SMALL, built, in_memory, read_matrix, spec_of, world
from tests.raw import raw_in_memory
from tests.training.executors.deadly import partition_and_build


def told(pipe: Connection) -> Iterator[object]:
    """All that a process says until it is gone."""
    with contextlib.suppress(EOFError):
        while True:
            yield pipe.recv()


def test_killed_anywhere_it_goes_on_from_finished_buckets(tmp_path: Path) -> None:
    dataset = world(21)
    dataset.write(tmp_path / "set")
    with raw_in_memory(dataset) as raw:
        partition(Storage.from_path(tmp_path / "wanted"), raw, FUNNEL, Inline(SMALL))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["training.jobs.tasks"])
    for parts in (2, 3, 4, None):  # killed while cutting, sorting, building; then left alone
        ours, theirs = context.Pipe(duplex=False)
        job = context.Process(target=partition_and_build, args=(tmp_path / "set", tmp_path, theirs))
        job.start()
        theirs.close()
        for number, _ in enumerate(told(ours), start=1):
            if number == parts:
                job.kill()
        job.join(30)
        assert job.exitcode == (0 if parts is None else -signal.SIGKILL)
    place, out = Storage.from_path(tmp_path / "data"), Storage.from_path(tmp_path / "matrix")
    manifest = Manifest.read(place)
    spec = spec_of(dataset)
    assert built(place, manifest, out, spec) == 0
    np.testing.assert_array_equal(read_matrix(out, manifest, spec)[1], in_memory(dataset, spec)[1])
