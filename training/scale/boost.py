"""LightGBM from a matrix on disk: rows are read bucket by bucket and only their bins are kept, one byte a column and row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from features.partitions.matrix import Store
from models.common.types import Matrix, Signs
from models.learners.gbm import DEFAULTS, allowed, sign_params
from training.scale.memory import BATCH, ROWS
from training.scale.select import SelectedExamples, Selection


class BucketRows(lgb.Sequence):
    """The rows of one bucket for LightGBM. The block is read when the first is asked for and let go after the last."""

    batch_size = BATCH

    def __init__(self, store: Store, bucket: int, columns: tuple[str, ...], rows: npt.NDArray[np.intp]) -> None:
        self.store, self.bucket, self.columns, self.rows = store, bucket, columns, rows
        self._block: Matrix | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int | slice | list[int]) -> Matrix:
        if self._block is None:
            record = self.store.record(self.bucket)
            assert record is not None  # noqa: S101  its rows were selected
            self._block = self.store.block(record, self.columns)
        rows = self.rows[index]
        values = np.ascontiguousarray(self._block[:, rows].T, np.float64)
        if isinstance(index, slice) and index.stop >= len(self.rows):
            self._block = None
        return values


@dataclass(frozen=True)
class Boosting:
    """Trees of one transition: `params` and number of `trees`, on the `selected` rows.

    Bins are found on `bin_rows` rows at most; `threads` is None for what the process is allowed. Trees keep to the `signs` of
    the columns, and do without those `hidden`, by position.
    """

    store: Store
    columns: tuple[str, ...]
    selected: tuple[Selection, ...]
    params: Mapping[str, Any]
    trees: int
    bin_rows: int = ROWS
    threads: int | None = None
    signs: Signs | None = None
    hidden: tuple[int, ...] = ()


def reference(task: Boosting, selected: Sequence[Selection]) -> lgb.Dataset:
    """The bins, found on rows that lie as far from each other as can be, of all the buckets."""
    total = sum(s.rows for s in selected)
    positions = np.linspace(0, total - 1, min(total, task.bin_rows)).astype(np.int64)
    sample = np.empty((len(positions), len(task.columns)), np.float32)
    offset = filled_rows = 0
    for selection in selected:
        rows = SelectedExamples.read(task.store.storage, selection.file).row
        picked_rows = rows[positions[slice(*np.searchsorted(positions, (offset, offset + len(rows))))] - offset]
        offset += len(rows)
        record = task.store.record(selection.bucket)
        if len(picked_rows) and record:
            sample[filled_rows : filled_rows + len(picked_rows)] = task.store.block(record, task.columns, picked_rows).T
            filled_rows += len(picked_rows)
    sample[:, list(task.hidden)] = 0.0  # one bin: nothing can be split there
    return lgb.Dataset(sample[:filled_rows], params=settings(task), free_raw_data=True).construct()


def settings(task: Boosting) -> dict[str, Any]:
    """LightGBM's parameters."""
    threads = allowed() if task.threads is None else task.threads
    return {**DEFAULTS, "num_threads": threads, **task.params, **sign_params(task.signs)}


def boost(task: Boosting) -> str:
    """Grow the trees; returns LightGBM's text model."""
    selections = [s for s in task.selected if s.rows]
    examples = [SelectedExamples.read(task.store.storage, s.file) for s in selections]
    bins = reference(task, selections)
    weight = np.concatenate([c.weight for c in examples])
    rows = [BucketRows(task.store, s.bucket, task.columns, c.row) for s, c in zip(selections, examples, strict=True)]
    data = bins.create_valid(
        rows,
        label=np.concatenate([c.y for c in examples]).astype(np.float32),
        weight=weight,
        params=settings(task),
    )
    data.construct()
    del bins, examples, rows, weight  # LightGBM has its own now
    booster = lgb.train(settings(task), data, num_boost_round=max(task.trees, 1))
    text: str = booster.model_to_string()
    return text
