"""`make train-all`: contributions to pools first, then all trainings, as many at once as memory and processors carry."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from features.common.errors import DataError, RipelineError
from features.partitions.executor import Done, Engine
from features.partitions.memory import Budget, cores, installed
from training.clients.jobs import URI, Gave, Job, give_one, train_one
from training.clients.plan import found, read
from training.clients.row import Row
from training.clients.table import show, write
from training.common import tracking
from training.common.config import Config
from training.common.progress import Steps, terminal
from training.data.pooled_prior import prior_file
from training.executors.local import Local
from training.pool.combine import LEAST_CLIENTS, combine
from training.pool.contribution import Contribution

R = TypeVar("R")
SUMMARY = "summary"
FOLDER = Path("artefacts") / "clients"


def run(
    patterns: Sequence[str],
    *,
    pool: bool | None = None,
    again: bool = False,
    memory: int | None = None,
    folder: Path = FOLDER,
    console: Console | None = None,
) -> list[Row]:
    """Train every configuration that is named → the rows of the summary, which is printed and written to `folder`.

    `pool`: all in one pool, or none in any; None: as configurations say. `memory` (bytes) bounds how many train at once on
    this machine; default: what it has. A client that fails is a row with its reason and stops nobody.

    Raises
    ------
    RipelineError
        before anything runs: no configuration, two with one name or folder, no MLflow.
    """
    console = console or terminal()
    clients, rows = read(found(patterns), pool)
    tracking.connect()  # makes the embedded database once, before many would at the same time
    jobs = [Job(c.config, (folder / c.config.name).resolve(), os.environ.get(URI), again) for c in clients]
    pooled = [job for job in jobs if job.config.pool]
    with Steps(console).running() as steps:
        tick = steps.counter("Clients", len(pooled) + len(jobs))
        gave, failed = _gather(pooled, memory, tick)
        for job in pooled:
            tell(job.config, gave)
        rows += failed
        gone = {row.client for row in failed}
        for _ in gone:
            tick()
        for job, done in _each(train_one, [job for job in jobs if job.config.name not in gone], memory):
            rows.append(done.value or _lost(job, done.error))
            tick()
    rows.sort(key=lambda row: row.client)
    show(console, rows)
    write(rows, folder, SUMMARY)
    console.print(
        f"Written to {folder / SUMMARY}.csv and .md; each client's own words are in its folder there.", highlight=False
    )
    return rows


def _gather(
    jobs: Sequence[Job], memory: int | None, tick: Callable[[], None]
) -> tuple[dict[str, tuple[str, Contribution]], list[Row]]:
    """(pool, contribution) by client, and the rows of those that failed."""
    gave: dict[str, tuple[str, Contribution]] = {}
    failed = []
    for job, done in _each(give_one, jobs, memory):
        found_: Gave = done.value or Gave(None, _lost(job, done.error))
        if found_.contribution is not None:
            gave[job.config.name] = (str(job.config.pool), found_.contribution)
        elif found_.failed:
            failed.append(found_.failed)
        tick()
    return gave, failed


def tell(config: Config, gave: dict[str, tuple[str, Contribution]]) -> None:
    """Write what the others of its pool say to a client; nothing, and nothing of before, where they are too few."""
    others = [c for name, (pool, c) in sorted(gave.items()) if pool == config.pool and name != config.name and c.targets]
    prior = combine(str(config.pool), others) if len(others) >= LEAST_CLIENTS else None
    if prior and prior.targets:
        prior.write(prior_file(config))
    else:
        prior_file(config).unlink(missing_ok=True)


def _each(function: Callable[[Job], R], jobs: Sequence[Job], memory: int | None) -> Iterator[tuple[Job, Done[R]]]:
    """The function over all jobs, each where its `engine:` says; a place that cannot be reached fails its own jobs."""
    places: dict[tuple[str, str | None], list[Job]] = {}
    for job in jobs:
        places.setdefault((job.config.engine.kind, job.config.engine.address), []).append(job)
    for mine in places.values():
        open_ = set(range(len(mine)))
        try:
            with _engine(mine, memory) as engine:
                for done in engine.map(function, mine):
                    open_.discard(done.index)
                    yield mine[done.index], done
        except RipelineError as error:
            for index in sorted(open_):
                yield mine[index], Done(index, None, str(error))


@contextmanager
def _engine(jobs: Sequence[Job], memory: int | None) -> Iterator[Engine]:
    """Processes of their own for all jobs, even for one, so that none takes the others with it when it dies."""
    settings = jobs[0].config.engine
    workers = max(job.config.engine.workers or cores() for job in jobs)
    each = max(job.config.engine.memory for job in jobs)
    if settings.kind == "dask":
        from training.executors.dask import cluster

        with cluster(settings.address, workers, Budget(each)) as engine:
            yield engine
        return
    budget = Budget(each, at_once(workers, each, memory or installed()))
    with Local(budget, outside=True) as engine:
        yield engine


def at_once(workers: int, each: int, memory: int) -> int:
    """How many trainings of `job_memory` bytes run at once in `memory`: one at least, and no more than `workers`.

    >>> concurrency(8, 4, 18), concurrency(2, 4, 18), concurrency(8, 4, 3)
    (4, 2, 1)
    """
    return max(1, min(workers, memory // each))


def _lost(job: Job, error: str) -> Row:
    """The row of a client whose worker never answered."""
    fact, _, hint = error.partition("\n  → ")
    return Row.failed(job.config.name, DataError(fact, hint or "Run the same again: finished clients are kept."))
