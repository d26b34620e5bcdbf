"""The engine that a configuration names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from features.partitions.executor import Engine
from features.partitions.memory import Budget, cores
from training.common.config import Config
from training.executors.local import LocalEngine


@contextmanager
def opened(config: Config) -> Iterator[Engine]:
    """The engine, for as long as the block lasts; workers it started end with it.

    Raises
    ------
    DataError
        if the cluster cannot be reached.
    """
    settings = config.engine
    spill = str(config.path(settings.spill)) if settings.spill else None
    workers = settings.workers or cores()
    if settings.kind == "dask":
        from training.executors.dask import cluster

        # the memory is that of each worker, which works on one bucket at a time
        with cluster(settings.address, workers, Budget(settings.memory, 1, settings.disk, spill, settings.bucket)) as engine:
            yield engine
        return
    with LocalEngine(Budget(settings.memory, workers, settings.disk, spill, settings.bucket)) as engine:
        yield engine
