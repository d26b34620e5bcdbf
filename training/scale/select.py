"""Which landmarks of a bucket teach a transition, with which labels and weights: the same that a training in memory takes.

What is selected is written beside the matrix, so that the trees can grow wherever there is room for them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.common.clock import moment
from features.dataset.labels import usable
from features.dataset.landmarks import Landmarks, Path
from features.engine.histories import account_keys, by_account
from features.partitions.lead_tables import read_bucket
from features.partitions.manifest import Bucket, Manifest
from features.partitions.matrix import Store
from features.partitions.spec import Spec
from features.partitions.storage import Storage
from models.common.types import Floats, Matrix
from training.data.prepare import deadlines
from training.fit.censoring import CensoredState, censored_landmarks, weighted_rows
from training.fit.funnel_fit import CensoringFit
from training.scale.stream import in_share


@dataclass(frozen=True)
class SelectionTask:
    """A bucket for the transition to `target`; `share` of its accounts teaches, and what does is written to `file`.

    `ripening` is what unripe landmarks are weighed with, None where they do not teach.
    """

    data: Storage
    head: Manifest
    bucket: Bucket
    store: Store
    spec: Spec
    target: int
    ripening: CensoringFit | None
    share: float
    file: str


@dataclass(frozen=True)
class Selection:
    """Examples of a bucket in the file `file`, and how many."""

    bucket: int
    file: str
    rows: int


@dataclass(frozen=True)
class SelectedExamples:
    """Examples (n,) of a bucket: `row` in its index, outcome and weight."""

    row: npt.NDArray[np.intp]
    y: npt.NDArray[np.bool_]
    weight: Floats

    @classmethod
    def read(cls, storage: Storage, file: str) -> SelectedExamples:
        with storage.local_file(file) as path, np.load(path, allow_pickle=False) as saved:
            return cls(**{name: saved[name] for name in ("row", "y", "weight")})


def select(task: SelectionTask) -> Selection:
    """Select and write.

    Raises
    ------
    DataError
        if the bucket is not in the matrix, or damaged.
    """
    record = task.store.record(task.bucket.number)
    index = task.store.index(record) if record else None
    if record is None or index is None or not len(index):
        return Selection(task.bucket.number, "", 0)
    tables = read_bucket(task.data, task.head, task.bucket, interactions=False)
    leads, _ = by_account(tables.leads)
    lead = pd.Index(leads["lead_id"]).get_indexer(pd.Index(index["lead_id"]))
    in_sample = in_share(account_keys(leads), task.share)[lead]
    target, targets = task.target, task.spec.funnel.targets
    landmarks = Landmarks(lead, *(index[name].to_numpy() for name in ("as_of", "stage", "entered")))
    reached, matured = (np.column_stack([index[f"{kind}_{t}"] for t in targets]) for kind in ("reached", "matured"))
    row = np.flatnonzero(in_sample & usable(landmarks.stage, reached, matured, target))
    y, weight = reached[row, target], np.ones(len(row))
    if task.ripening:
        known_at = moment(pd.Timestamp(task.head.extracted_at))
        rows = censored_landmarks(landmarks, deadlines(landmarks, task.spec.funnel), target, known_at, in_sample)
        path = Path.from_tables(leads, tables.lead_stages, task.spec.funnel)
        state = CensoredState.from_landmarks(path, landmarks.take(rows), target, known_at)
        repeated, outcomes, weights = weighted_rows(*task.ripening.weights(state, columns_of(task, rows, index)))
        row, y, weight = np.append(row, rows[repeated]), np.append(y, outcomes), np.append(weight, weights)
    order = np.argsort(row, kind="stable")
    row, y, weight = row[order], y[order], weight[order]
    with task.store.storage.atomic_file(task.file) as path_, path_.open("wb") as file:
        np.savez(file, row=row, y=y, weight=weight)
    return Selection(task.bucket.number, task.file, len(row))


def columns_of(task: SelectionTask, rows: npt.NDArray[np.intp], index: pd.DataFrame) -> Matrix:
    """What a model sees of landmarks of the bucket: (rows, features + 1)."""
    record = task.store.record(task.bucket.number)
    assert record is not None  # noqa: S101  asked before
    return np.ascontiguousarray(task.store.block(record, task.spec.model_columns, rows, index).T)
