"""The engine of a Dask cluster: the same functions over the same items, on whatever workers the scheduler has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from distributed import Client, KilledWorker, LocalCluster, as_completed
from distributed.client import FutureCancelledError

from features.buckets.memory import Budget
from features.buckets.work import Done, attempt
from features.errors import DataError
from training.engine.local import KILLED

T = TypeVar("T")
R = TypeVar("R")

SECONDS = 30  # to find the scheduler


class Cluster:
    """Workers of a Dask cluster. Buckets and matrix must lie where all of them reach: in a shared folder or an object store."""

    apart = True

    def __init__(self, client: Client, budget: Budget) -> None:
        self.client = client
        self.budget = budget

    def rest(self) -> None:
        """Workers are the cluster's own, with memory of their own."""

    def map(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[Done[R]]:
        """As the protocol says. An item whose worker dies is given to others as often as the scheduler allows."""
        futures = [
            self.client.submit(attempt, function, index, item, pure=False, key=f"{function.__name__}-{index}-{id(items)}")
            for index, item in enumerate(items)
        ]
        index_of = {future.key: index for index, future in enumerate(futures)}
        open_ = set(index_of)
        for future in as_completed(futures):
            open_.discard(future.key)
            yield self._done(future, index_of[future.key])
        if open_:
            raise _gone(self.client)

    def _done(self, future: Any, index: int) -> Done[R]:
        if future.status in ("cancelled", "lost"):
            raise _gone(self.client)
        try:
            found: Done[R] = future.result()
        except KilledWorker:
            return Done(index, None, KILLED.format("several"))
        except FutureCancelledError as error:
            raise _gone(self.client) from error
        except Exception as error:
            return Done(index, None, f"{type(error).__name__}: {error}")
        finally:
            future.release()
        return found


def _gone(client: Client) -> DataError:
    where = client.scheduler.address if client.scheduler else "its address"
    return DataError(
        f"The Dask scheduler at {where} went away while it was working.",
        "Run the same again: finished buckets are kept and it goes on from there.",
    )


@contextmanager
def cluster(address: str | None, workers: int, budget: Budget, *, processes: bool = True) -> Iterator[Cluster]:
    """The cluster at this address, or one of `workers` processes on this machine for as long as the block lasts.

    Raises
    ------
    DataError
        if there is no scheduler at the address.
    """
    if address is None:
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
        yield Cluster(client, replace(budget, workers=1))
