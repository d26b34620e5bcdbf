"""What a worker does for one client: contribute to a pool, train. Whatever goes wrong becomes a row of the summary."""

from __future__ import annotations

import io
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from features.common.errors import RipelineError
from features.partitions.lock import folder_lock
from features.partitions.storage import Storage
from training.clients.record import (
    CONTRIBUTION_FILE,
    LOG_FILE,
    data_key,
    save_contribution,
    save_row,
    saved_contribution,
    saved_row,
    training_key,
)
from training.clients.row import REUSED, Row
from training.common import tracking
from training.common.config import Config
from training.common.progress import Steps
from training.pool.contribution import Contribution, contribute
from training.scale.training_data import open_training_data
from training.train import train


@dataclass(frozen=True)
class ClientJob:
    """One client: its configuration, its folder, the MLflow server asked for (None: the embedded one), and whether it is done
    again (`force`) although nothing has changed."""

    config: Config
    folder: Path
    tracking: str | None = None
    force: bool = False

    @property
    def worker_config(self) -> Config:
        """The configuration as it holds within one worker: no workers of its own."""
        return self.config.changed(
            engine=self.config.engine.model_copy(update={"kind": "local", "address": None, "workers": 1})
        )


@dataclass(frozen=True)
class ContributionResult:
    """What a client contributes, or why it cannot."""

    contribution: Contribution | None
    failed: Row | None = None


def contribute_one(job: ClientJob) -> ContributionResult:
    """Contribute; what was contributed before from the same configuration and data is taken as it is."""
    try:
        with _work(job, "contributing") as console:
            key = data_key(job.config)
            contribution = None if job.force else saved_contribution(job.folder, key)
            if contribution is None:
                (job.folder / CONTRIBUTION_FILE).unlink(missing_ok=True)
                with open_training_data(job.worker_config, None, Steps(console)) as supplied:
                    contribution = contribute(supplied.prepared)
                save_contribution(job.folder, key, contribution)
            return ContributionResult(contribution)
    except Exception as error:
        return ContributionResult(None, _failed_row(job, error))


def train_client(job: ClientJob) -> Row:
    """Train; a training that ended well before, with the same configuration, data and pooled prior, is kept."""
    start_time = time.perf_counter()
    try:
        with _work(job, "training") as console:
            key = training_key(job.config)
            previous_row = None if job.force else saved_row(job.folder, key)
            if previous_row:
                return replace(previous_row, status=REUSED)
            row = Row.from_outcome(job.config.name, train(job.worker_config, console=console), time.perf_counter() - start_time)
            save_row(job.folder, key, row)
            return row
    except Exception as error:
        return replace(_failed_row(job, error), seconds=round(time.perf_counter() - start_time, 1))


@contextmanager
def _work(job: ClientJob, purpose: str) -> Iterator[Console]:
    """The client's folder, held for itself, and a console whose words go into its log."""
    if job.tracking:
        tracking.use(job.tracking)
    with folder_lock(Storage.from_path(job.folder), purpose):
        log = io.StringIO()
        try:
            yield Console(file=log, width=120)
        except Exception:
            log.write(traceback.format_exc())
            raise
        finally:
            (job.folder / LOG_FILE).write_text(log.getvalue(), encoding="utf-8")


def _failed_row(job: ClientJob, error: Exception) -> Row:
    expected = isinstance(error, RipelineError)
    return Row.failed(job.config.name, error, "" if expected else f"{job.folder / LOG_FILE} says where.")
