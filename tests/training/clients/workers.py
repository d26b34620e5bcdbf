"""Work for workers that stands in for a training: quick, failing, or deadly, by the client's name."""

from __future__ import annotations

import os
import signal

from features.common.errors import DataError
from training.clients.jobs import ClientJob, ContributionResult, train_client
from training.clients.record import data_key, save_row, saved_row
from training.clients.row import REUSED, TRAINED, Row


def stand_in(job: ClientJob) -> Row:
    """As `train_client`, without a training: the name says how it ends."""
    name = job.config.name
    if name.startswith("killed"):
        os.kill(os.getpid(), signal.SIGKILL)
    if name.startswith("wrong"):
        return Row.failed(name, DataError("There are no leads.", "Give some."))
    key = data_key(job.config)
    before = None if job.force else saved_row(job.folder, key)
    if before:
        return Row(name, REUSED, log_loss=before.log_loss)
    row = Row(name, TRAINED, leads=10, log_loss=0.25)
    save_row(job.folder, key, row)
    return row


def gives_nothing(job: ClientJob) -> ContributionResult:
    """A client whose data are wrong already where it would contribute."""
    return ContributionResult(None, Row.failed(job.config.name, DataError("There are no leads.", "Give some.")))


__all__ = ["gives_nothing", "stand_in", "train_client"]
