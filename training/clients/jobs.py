"""What a worker does for one client: contribute to a pool, train. Whatever goes wrong becomes a row of the summary."""

from __future__ import annotations

import io
import os
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from features.common.errors import RipelineError
from features.partitions.lock import locked
from features.partitions.storage import Place
from training.clients.record import GIVEN, LOG, data_key, finish, finished, give, given, training_key
from training.clients.row import KEPT, Row
from training.common.config import Config
from training.common.progress import Steps
from training.pool.contribution import Contribution, contribute
from training.scale.training_data import supply
from training.train import train

URI = "MLFLOW_TRACKING_URI"


@dataclass(frozen=True)
class Job:
    """One client: its configuration, its folder, the MLflow server asked for (None: the embedded one), and whether it is done
    again (`force`) although nothing has changed."""

    config: Config
    folder: Path
    tracking: str | None = None
    again: bool = False

    @property
    def alone(self) -> Config:
        """The configuration as it holds within one worker: no workers of its own."""
        return self.config.changed(
            engine=self.config.engine.model_copy(update={"kind": "local", "address": None, "workers": 1})
        )


@dataclass(frozen=True)
class Gave:
    """What a client contributes, or why it cannot."""

    contribution: Contribution | None
    failed: Row | None = None


def give_one(job: Job) -> Gave:
    """Contribute; what was contributed before from the same configuration and data is taken as it is."""
    try:
        with _work(job, "contributing") as console:
            key = data_key(job.config)
            found = None if job.again else given(job.folder, key)
            if found is None:
                (job.folder / GIVEN).unlink(missing_ok=True)
                with supply(job.alone, None, Steps(console)) as supplied:
                    found = contribute(supplied.prepared)
                give(job.folder, key, found)
            return Gave(found)
    except Exception as error:
        return Gave(None, _failed(job, error))


def train_one(job: Job) -> Row:
    """Train; a training that ended well before, with the same configuration, data and pooled prior, is kept."""
    began = time.perf_counter()
    try:
        with _work(job, "training") as console:
            key = training_key(job.config)
            before = None if job.again else finished(job.folder, key)
            if before:
                return replace(before, status=KEPT)
            row = Row.of(job.config.name, train(job.alone, console=console), time.perf_counter() - began)
            finish(job.folder, key, row)
            return row
    except Exception as error:
        return replace(_failed(job, error), seconds=round(time.perf_counter() - began, 1))


@contextmanager
def _work(job: Job, what: str) -> Iterator[Console]:
    """The client's folder, held for itself, and a console whose words go into its log."""
    if job.tracking:
        os.environ[URI] = job.tracking
    with locked(Place.of(job.folder), what):
        told = io.StringIO()
        try:
            yield Console(file=told, width=120)
        except Exception:
            told.write(traceback.format_exc())
            raise
        finally:
            (job.folder / LOG).write_text(told.getvalue(), encoding="utf-8")


def _failed(job: Job, error: Exception) -> Row:
    known = isinstance(error, RipelineError)
    return Row.failed(job.config.name, error, "" if known else f"{job.folder / LOG} says where.")
