"""Which landmarks of a bucket teach a transition, with which labels and weights: the same that a training in memory takes.

What is selected is written beside the matrix, so that the trees can grow wherever there is room for them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.common.clock import DAY, moment
from features.dataset.landmarks import Landmarks, Path
from features.engine.histories import account_keys, by_account
from features.partitions.lead_tables import read_bucket
from features.partitions.manifest import Bucket, Manifest
from features.partitions.matrix import Store
from features.partitions.spec import Spec
from features.partitions.storage import Place
from models.common.types import Floats, Matrix
from models.learners.linear import Linear
from training.data.prepare import deadlines
from training.fit.censoring import SMALLEST, Standing, evidence
from training.fit.funnel_fit import Ripening
from training.scale.stream import chosen


@dataclass(frozen=True)
class Selecting:
    """A bucket for the transition to `target`; `share` of its accounts teaches, and what does is written to `file`.

    `linear` is the learner that trees grow on top of; `ripening` what unripe landmarks are weighed with, None where they do
    not teach.
    """

    data: Place
    head: Manifest
    bucket: Bucket
    store: Store
    spec: Spec
    target: int
    linear: Linear
    ripening: Ripening | None
    share: float
    to: str


@dataclass(frozen=True)
class Selected:
    """Examples of a bucket in the file `file`: how many, and the newest moment among them (µs)."""

    bucket: int
    file: str
    rows: int
    newest: int


@dataclass(frozen=True)
class Chosen:
    """Examples (n,) of a bucket: `row` in its index, outcome, weight, moment, and the log-odds of the linear learner."""

    row: npt.NDArray[np.intp]
    y: npt.NDArray[np.bool_]
    weight: Floats
    as_of: npt.NDArray[np.int64]
    start: Floats

    @classmethod
    def read(cls, place: Place, file: str) -> Chosen:
        with place.here(file) as path, np.load(path, allow_pickle=False) as saved:
            return cls(**{name: saved[name] for name in ("row", "y", "weight", "as_of", "start")})


def select(task: Selecting) -> Selected:
    """Select and write.

    Raises
    ------
    DataError
        if the bucket is not in the matrix, or damaged.
    """
    record = task.store.record(task.bucket.number)
    index = task.store.index(record) if record else None
    if record is None or index is None or not len(index):
        return Selected(task.bucket.number, "", 0, 0)
    lean = read_bucket(task.data, task.head, task.bucket, interactions=False)
    leads, _ = by_account(lean.leads)
    lead = pd.Index(leads["lead_id"]).get_indexer(pd.Index(index["lead_id"]))
    teaches = chosen(account_keys(leads), task.share)[lead]
    target, name = task.target, task.spec.funnel.targets[task.target]
    stage, as_of = index["stage"].to_numpy(), index["as_of"].to_numpy()
    before = stage == target
    before |= index[f"reached_{task.spec.funnel.targets[target - 1]}"].to_numpy() if target else True
    ripe = np.flatnonzero(teaches & (stage <= target) & index[f"matured_{name}"].to_numpy() & before)
    row, y, weight = ripe, index[f"reached_{name}"].to_numpy()[ripe], np.ones(len(ripe))
    if task.ripening:
        looks = Landmarks(lead, as_of, stage, index["entered"].to_numpy())
        known_at = moment(pd.Timestamp(task.head.extracted_at))
        late = deadlines(looks, task.spec.funnel)[:, target] > known_at
        rows = np.flatnonzero(teaches & (stage == target) & (as_of < known_at) & late)
        path = Path.of(leads, lean.lead_stages, task.spec.funnel)
        x = columns_of(task, rows, index)
        yes, no = _evidence(task.ripening, path, looks.take(rows), target, known_at, x)
        some, none = np.flatnonzero(yes > SMALLEST), np.flatnonzero(no > SMALLEST)
        row = np.concatenate((row, rows[some], rows[none]))
        y = np.concatenate((y, np.ones(len(some), bool), np.zeros(len(none), bool)))
        weight = np.concatenate((weight, yes[some], no[none]))
    order = np.argsort(row, kind="stable")
    row, y, weight = row[order], y[order], weight[order]
    start = task.linear.margin(columns_of(task, row, index))
    with task.store.place.whole(task.to) as path_, path_.open("wb") as file:
        np.savez(file, row=row, y=y, weight=weight, as_of=as_of[row], start=start)
    return Selected(task.bucket.number, task.to, len(row), int(as_of[row].max()) if len(row) else 0)


def columns_of(task: Selecting, rows: npt.NDArray[np.intp], index: pd.DataFrame) -> Matrix:
    """What a model sees of landmarks of the bucket: (rows, features + 1)."""
    record = task.store.record(task.bucket.number)
    assert record is not None  # noqa: S101  asked before
    return np.ascontiguousarray(task.store.block(record, task.spec.model_columns, rows, index).T)


def _evidence(by: Ripening, path: Path, looks: Landmarks, target: int, known_at: int, x: Matrix) -> tuple[Floats, Floats]:
    """How much each unripe (censored) landmark (n,) counts as a "yes" and as a "no"."""
    reached = path.reached[looks.lead, target + 1] <= known_at
    left = (path.left[looks.lead] <= known_at) & ~reached
    open_days = (known_at - looks.as_of) / DAY
    in_stage = np.log1p((looks.as_of - looks.entered) / DAY)[:, None]
    margin = by.first.calibrator.margin(by.first.margin(x))
    return evidence(Standing(reached, left, open_days, in_stage), margin, by.pace, by.shift)
