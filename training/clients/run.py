"""`make train-all`: contributions to pools first, then all trainings, as many at once as memory and processors carry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from features.common.environment import revealed
from features.common.errors import DataError, RipelineError
from features.partitions.executor import Engine, TaskResult
from features.partitions.memory import Budget, cores, installed
from training.clients.jobs import ClientJob, ContributionResult, contribute_one, train_client
from training.clients.plan import matching_files, read
from training.clients.row import Row
from training.clients.table import show, write
from training.common import tracking
from training.common.config import Config
from training.common.progress import Steps, terminal
from training.common.settings import process_settings
from training.data.pooled_prior import prior_file
from training.executors.local import LocalEngine
from training.pool.combine import LEAST_CLIENTS, combine
from training.pool.contribution import Contribution

R = TypeVar("R")
SUMMARY = "summary"
FOLDER = Path("artefacts") / "clients"


def run(
    patterns: Sequence[str],
    *,
    pool: bool | None = None,
    force: bool = False,
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
    clients, rows = read(matching_files(patterns), pool)
    tracking.connect()  # makes the embedded database once, before many would at the same time
    uri = revealed(process_settings().tracking_uri) or None
    jobs = [ClientJob(c.config, (folder / c.config.name).resolve(), uri, force) for c in clients]
    pooled_jobs = [job for job in jobs if job.config.pool]
    with Steps(console).running() as steps:
        tick = steps.counter("Clients", len(pooled_jobs) + len(jobs))
        contributions, failed_rows = _gather_contributions(pooled_jobs, memory, tick)
        for job in pooled_jobs:
            write_prior(job.config, contributions)
        rows += failed_rows
        failed_clients = {row.client for row in failed_rows}
        for _ in failed_clients:
            tick()
        for job, result in _map_jobs(train_client, [job for job in jobs if job.config.name not in failed_clients], memory):
            rows.append(result.value or _lost_row(job, result.error))
            tick()
    rows.sort(key=lambda row: row.client)
    show(console, rows)
    write(rows, folder, SUMMARY)
    console.print(
        f"Written to {folder / SUMMARY}.csv and .md; each client's own words are in its folder there.", highlight=False
    )
    return rows


def _gather_contributions(
    jobs: Sequence[ClientJob], memory: int | None, tick: Callable[[], None]
) -> tuple[dict[str, tuple[str, Contribution]], list[Row]]:
    """(pool, contribution) by client, and the rows of those that failed."""
    contributions: dict[str, tuple[str, Contribution]] = {}
    failed_rows = []
    for job, result in _map_jobs(contribute_one, jobs, memory):
        answer: ContributionResult = result.value or ContributionResult(None, _lost_row(job, result.error))
        if answer.contribution is not None:
            contributions[job.config.name] = (str(job.config.pool), answer.contribution)
        elif answer.failed:
            failed_rows.append(answer.failed)
        tick()
    return contributions, failed_rows


def write_prior(config: Config, contributions: dict[str, tuple[str, Contribution]]) -> None:
    """Write what the others of its pool say to a client; nothing, and nothing of before, where they are too few."""
    peers = [
        c for name, (pool, c) in sorted(contributions.items()) if pool == config.pool and name != config.name and c.targets
    ]
    prior = combine(str(config.pool), peers) if len(peers) >= LEAST_CLIENTS else None
    if prior and prior.targets:
        prior.write(prior_file(config))
    else:
        prior_file(config).unlink(missing_ok=True)


def _map_jobs(
    function: Callable[[ClientJob], R], jobs: Sequence[ClientJob], memory: int | None
) -> Iterator[tuple[ClientJob, TaskResult[R]]]:
    """The function over all jobs, each where its `engine:` says; a place that cannot be reached fails its own jobs."""
    jobs_by_engine: dict[tuple[str, str | None], list[ClientJob]] = {}
    for job in jobs:
        jobs_by_engine.setdefault((job.config.engine.kind, job.config.engine.address), []).append(job)
    for group in jobs_by_engine.values():
        open_indices = set(range(len(group)))
        try:
            with _engine(group, memory) as engine:
                for result in engine.map(function, group):
                    open_indices.discard(result.index)
                    yield group[result.index], result
        except RipelineError as error:
            for index in sorted(open_indices):
                yield group[index], TaskResult(index, None, str(error))


@contextmanager
def _engine(jobs: Sequence[ClientJob], memory: int | None) -> Iterator[Engine]:
    """Processes of their own for all jobs, even for one, so that none takes the others with it when it dies."""
    settings = jobs[0].config.engine
    workers = max(job.config.engine.workers or cores() for job in jobs)
    job_memory = max(job.config.engine.memory for job in jobs)
    if settings.kind == "dask":
        from training.executors.dask import cluster

        with cluster(settings.address, workers, Budget(job_memory)) as engine:
            yield engine
        return
    budget = Budget(job_memory, concurrency(workers, job_memory, memory or installed()))
    with LocalEngine(budget, isolated=True) as engine:
        yield engine


def concurrency(workers: int, job_memory: int, memory: int) -> int:
    """How many trainings of `job_memory` bytes run at once in `memory`: one at least, and no more than `workers`.

    >>> concurrency(8, 4, 18), concurrency(2, 4, 18), concurrency(8, 4, 3)
    (4, 2, 1)
    """
    return max(1, min(workers, memory // job_memory))


def _lost_row(job: ClientJob, error: str) -> Row:
    """The row of a client whose worker never answered."""
    fact, _, hint = error.partition("\n  → ")
    return Row.failed(job.config.name, DataError(fact, hint or "Run the same again: finished clients are kept."))
