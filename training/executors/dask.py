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
from features.partitions.executor import Done, attempt
from features.partitions.memory import Budget
from training.executors.local import KILLED, TRIES, given_back

T = TypeVar("T")
R = TypeVar("R")

SECONDS = 30  # to find the scheduler
KILLED_HERE = KILLED.format("several")


class Cluster:
    """Workers of a Dask cluster. Buckets and matrix must lie where all of them reach: in a shared folder or an object store."""

    apart = True

    def __init__(self, client: Client, budget: Budget) -> None:
        self.client = client
        self.budget = budget

    def rest(self) -> None:
        """Workers are the cluster's own, with memory of their own."""

    def map(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[Done[R]]:
        """As the protocol says. An item whose worker dies is given to others as often as the scheduler allows.

        The scheduler blames every item that a dead worker had been given, begun or not, and a result may die with the worker
        before it is fetched; so those are retried, one by one, and who kills its worker then is named.
        """
        again = []
        for index, done in self._together(function, items, range(len(items))):
            if done is None or (done.error == KILLED_HERE and len(items) > 1):
                again.append(index)
            else:
                yield done
        for index in sorted(again):
            yield self._by_itself(function, items, index)

    def alone(self, function: Callable[[T], R], item: T) -> Done[R]:
        """A worker has memory of its own; it keeps some of it."""
        return next(self.map(function, [item]))

    def _by_itself(self, function: Callable[[T], R], items: Sequence[T], index: int) -> Done[R]:
        for _ in range(TRIES):
            for _, done in self._together(function, items, [index]):
                if done:
                    return done
        return Done(index, None, KILLED_HERE)

    def _together(
        self, function: Callable[[T], R], items: Sequence[T], which: Sequence[int]
    ) -> Iterator[tuple[int, Done[R] | None]]:
        """Index and answer; None where the answer was lost."""
        index_of, futures = {}, []
        for index in which:
            name = f"{function.__name__}-{index}-{uuid4().hex}"
            futures.append(self.client.submit(attempt, function, index, items[index], pure=False, key=name))
            index_of[name] = index
        for future in as_completed(futures):
            index = index_of.pop(future.key)
            yield index, self._done(future, index)
        if index_of:
            raise _gone(self.client)

    def _done(self, future: Any, index: int) -> Done[R] | None:
        found: Done[R] | None = None
        try:
            if future.status not in ("cancelled", "lost"):
                found = future.result()
        except KilledWorker:
            found = Done(index, None, KILLED_HERE)
        except FutureCancelledError:
            pass
        except Exception as error:
            found = Done(index, None, f"{type(error).__name__}: {error}")
        finally:
            future.release()
        if found is None and self.client.status != "running":  # it was lost with the scheduler, not with a worker
            raise _gone(self.client)
        return found


def _gone(client: Client) -> DataError:
    where = client.scheduler.address if client.scheduler else "its address"
    return DataError(
        f"The Dask scheduler at {where} went away while it was working.",
        "Run the same again: finished buckets are kept and it goes on from there.",
    )


def _asked(client: Client, address: str) -> None:
    """Can all of them import Ripeline? A worker that cannot would die of its first item, and the job wait for others.

    Raises
    ------
    DataError
        if the scheduler or a worker cannot.
    """
    without = [worker for worker, spec in client.run(find_spec, "training").items() if spec is None]
    if client.run_on_scheduler(find_spec, "training") is None:
        without.insert(0, "the scheduler")
    if without:
        raise DataError(
            f"On the Dask cluster at {address} Ripeline cannot be imported by {', '.join(without[:5])}.",
            "Start scheduler and workers in Ripeline's folder, with `PYTHONPATH=.` before the command (docs/scale.md).",
        )


@contextmanager
def cluster(address: str | None, workers: int, budget: Budget, *, processes: bool = True) -> Iterator[Cluster]:
    """The cluster at this address, or one of `workers` processes on this machine for as long as the block lasts.

    Raises
    ------
    DataError
        if there is no scheduler at the address, or Ripeline cannot be imported there.
    """
    if address is None:
        given_back()
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
            yield Cluster(client, budget)
        return
    try:
        client = Client(address, timeout=SECONDS)
    except (OSError, TimeoutError, ValueError) as error:
        raise DataError(
            f"There is no Dask scheduler at {address}: {error}.", "Start one (docs/scale.md), or set `engine: {kind: local}`."
        ) from error
    with client:
        found = len(client.scheduler_info(n_workers=-1)["workers"])
        if not found:
            raise DataError(f"The Dask scheduler at {address} has no workers.", "Start some: `dask worker ADDRESS`.")
        _asked(client, address)
        yield Cluster(client, replace(budget, workers=1))
