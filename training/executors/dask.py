"""The engine of a Dask cluster: the same functions over the same items, on whatever workers the scheduler has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from typing import Any, TypeVar
from uuid import uuid4

from distributed import Client, KilledWorker, LocalCluster, as_completed
from distributed.client import FutureCancelledError

from features.common.errors import DataError
from features.partitions.executor import TaskResult, attempt
from features.partitions.memory import Budget
from training.executors.local import KILLED_MESSAGE, MAX_TRIES, use_system_allocator

T = TypeVar("T")
R = TypeVar("R")

CONNECT_SECONDS = 30  # to find the scheduler
KILLED_HERE = KILLED_MESSAGE.format("several")


class DaskEngine:
    """Workers of a Dask cluster. Buckets and matrix must lie where all of them reach: in a shared folder or an object store."""

    distributed = True

    def __init__(self, client: Client, budget: Budget) -> None:
        self.client = client
        self.budget = budget

    def release(self) -> None:
        """Workers are the cluster's own, with memory of their own."""

    def map(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[TaskResult[R]]:
        """As the protocol says. An item whose worker dies is given to others as often as the scheduler allows.

        The scheduler blames every item that a dead worker had been given, begun or not, and a result may die with the worker
        before it is fetched; so those are retried, one by one, and who kills its worker then is named.
        """
        lost_indices = []
        for index, result in self._run_batch(function, items, range(len(items))):
            if result is None or (result.error == KILLED_HERE and len(items) > 1):
                lost_indices.append(index)
            else:
                yield result
        for index in sorted(lost_indices):
            yield self._retry_alone(function, items, index)

    def run_exclusive(self, function: Callable[[T], R], item: T) -> TaskResult[R]:
        """A worker has memory of its own; it keeps some of it."""
        return next(self.map(function, [item]))

    def _retry_alone(self, function: Callable[[T], R], items: Sequence[T], index: int) -> TaskResult[R]:
        for _ in range(MAX_TRIES):
            for _, result in self._run_batch(function, items, [index]):
                if result:
                    return result
        return TaskResult(index, None, KILLED_HERE)

    def _run_batch(
        self, function: Callable[[T], R], items: Sequence[T], indices: Sequence[int]
    ) -> Iterator[tuple[int, TaskResult[R] | None]]:
        """Index and answer; None where the answer was lost."""
        index_of, futures = {}, []
        for index in indices:
            name = f"{function.__name__}-{index}-{uuid4().hex}"
            futures.append(self.client.submit(attempt, function, index, items[index], pure=False, key=name))
            index_of[name] = index
        for future in as_completed(futures):
            index = index_of.pop(future.key)
            yield index, self._result_of(future, index)
        if index_of:
            raise _scheduler_lost(self.client)

    def _result_of(self, future: Any, index: int) -> TaskResult[R] | None:
        result: TaskResult[R] | None = None
        try:
            if future.status not in ("cancelled", "lost"):
                result = future.result()
        except KilledWorker:
            result = TaskResult(index, None, KILLED_HERE)
        except FutureCancelledError:
            pass
        except Exception as error:
            result = TaskResult(index, None, f"{type(error).__name__}: {error}")
        finally:
            future.release()
        if result is None and self.client.status != "running":  # it was lost with the scheduler, not with a worker
            raise _scheduler_lost(self.client)
        return result


def _scheduler_lost(client: Client) -> DataError:
    address = client.scheduler.address if client.scheduler else "its address"
    return DataError(
        f"The Dask scheduler at {address} went away while it was working.",
        "Run the same again: finished buckets are kept and it goes on from there.",
    )


def _check_imports(client: Client, address: str) -> None:
    """Can all of them import Ripeline? A worker that cannot would die of its first item, and the job wait for others.

    Raises
    ------
    DataError
        if the scheduler or a worker cannot.
    """
    unready_workers = [worker for worker, spec in client.run(find_spec, "training").items() if spec is None]
    if client.run_on_scheduler(find_spec, "training") is None:
        unready_workers.insert(0, "the scheduler")
    if unready_workers:
        raise DataError(
            f"On the Dask cluster at {address} Ripeline cannot be imported by {', '.join(unready_workers[:5])}.",
            "Start scheduler and workers in Ripeline's folder, with `PYTHONPATH=.` before the command (docs/scale.md).",
        )


@contextmanager
def cluster(address: str | None, workers: int, budget: Budget, *, processes: bool = True) -> Iterator[DaskEngine]:
    """The cluster at this address, or one of `workers` processes on this machine for as long as the block lasts.

    Raises
    ------
    DataError
        if there is no scheduler at the address, or Ripeline cannot be imported there.
    """
    if address is None:
        use_system_allocator()
        with (
            LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=processes,
                memory_limit=0,  # the budget is kept by what is given to a worker; a pause at 80 % would only hang
                dashboard_address="127.0.0.1:0",  # any port: another cluster may have the usual one
            ) as local,
            Client(local) as client,
        ):
            yield DaskEngine(client, budget)
        return
    try:
        client = Client(address, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, ValueError) as error:
        raise DataError(
            f"There is no Dask scheduler at {address}: {error}.", "Start one (docs/scale.md), or set `engine: {kind: local}`."
        ) from error
    with client:
        worker_count = len(client.scheduler_info(n_workers=-1)["workers"])
        if not worker_count:
            raise DataError(f"The Dask scheduler at {address} has no workers.", "Start some: `dask worker ADDRESS`.")
        _check_imports(client, address)
        yield DaskEngine(client, replace(budget, workers=1))
