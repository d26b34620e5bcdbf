"""The same numbers on a Dask cluster, and what fails there is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from features.common.errors import DataError
from features.partitions.executor import Inline, run_all
from features.partitions.partition import partition
from features.partitions.storage import Storage
from tests.features.partitions.worlds import FUNNEL, SMALL, built, in_memory, read_matrix, spec_of, world
from tests.raw import raw_in_memory
from tests.training.executors.deadly import square
from training.executors.dask import DaskEngine, cluster


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
