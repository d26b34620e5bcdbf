"""Trees that grow on many workers at once, each with the rows of its own buckets (LightGBM's data-parallel learner).

`lightgbm.dask` finds bins on each worker's own rows, keeps the rows as floats, and cannot read a matrix on disk. So this does
what it does underneath, LightGBM's own network, with bins that are found once on the same sample and shared. Three settings
are left out, because workers cannot agree on them: each draws its own bag of rows, and path smoothing and the drawing of
columns make splits differ.

The trees are not those of one process, for two reasons that lie in LightGBM. Alone, it looks at a column in a node only if
some split by it gained something in the node above; with lambda_l2 above 0 a column may gain nothing there and much below,
and many workers do look at it. And `min_data_in_leaf` is held against counts that one process takes from its rows, while many
estimate them from sums of Hessians. With lambda_l2 0 and min_data_in_leaf at most 1 both are the same to the last bit but one.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass, replace
from typing import Any

from features.common.errors import DataError
from features.partitions.executor import Engine
from training.scale.boost import Boosting, boost
from training.scale.select import Selection

SHARED_SETTINGS = {"bagging_fraction": 1.0, "bagging_freq": 0, "path_smooth": 0.0, "feature_fraction": 1.0}


def is_multi_worker(engine: Engine) -> bool:
    """Is this a cluster with more than one worker?"""
    client = getattr(engine, "client", None)
    return client is not None and len(client.scheduler_info(n_workers=-1)["workers"]) > 1


def boost_distributed(engine: Engine, task: Boosting) -> str:
    """Grow the trees on all workers; returns LightGBM's text model.

    Raises
    ------
    DataError
        if a worker is lost: LightGBM's network cannot go on without it.
    """
    client: Any = vars(engine)["client"]  # only a cluster comes here
    workers = sorted(client.scheduler_info(n_workers=-1)["workers"])[: len(task.selected)]
    ports = {worker: client.submit(_free_port, workers=[worker], pure=False).result() for worker in workers}
    machines = ",".join(f"{_host(worker)}:{ports[worker]}" for worker in workers)
    shares = _balanced_shares(task.selected, len(workers))
    futures = []
    for worker, share in zip(workers, shares, strict=True):
        network = {
            **SHARED_SETTINGS, "machines": machines, "num_machines": len(workers), "local_listen_port": ports[worker],
            "tree_learner": "data", "pre_partition": True, "time_out": 2,
        }  # fmt: skip
        part = WorkerShare(replace(task, selected=share, network=network), task.selected)
        futures.append(client.submit(_grow, part, workers=[worker], allow_other_workers=False, pure=False, retries=0))
    try:
        models: list[str] = client.gather(futures)
    except Exception as error:
        client.cancel(futures)
        raise DataError(
            f"Growing trees on {len(workers)} workers stopped: {error}.",
            "Run the same again; the matrix is kept. `engine: {boost: one}` needs a single worker only.",
        ) from error
    return models[0]


@dataclass(frozen=True)
class WorkerShare:
    """One worker's rows, and those of all for the bins."""

    task: Boosting
    all_selected: tuple[Selection, ...]


def _grow(part: WorkerShare) -> str:
    return boost(part.task, part.all_selected)


def _balanced_shares(selected: tuple[Selection, ...], workers: int) -> list[tuple[Selection, ...]]:
    """Buckets dealt out, the largest first, each to whoever has fewest rows."""
    shares: list[list[Selection]] = [[] for _ in range(workers)]
    for selection in sorted(selected, key=lambda s: (-s.rows, s.bucket)):
        min(shares, key=lambda share: sum(s.rows for s in share)).append(selection)
    return [tuple(sorted(share, key=lambda s: s.bucket)) for share in shares]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def _host(worker: str) -> str:
    return worker.partition("://")[2].rpartition(":")[0]
