"""Buckets → their landmarks, labels and feature columns, in the matrix. The same function wherever it runs.

Where a bucket has been built before, only rows that can have changed are computed: landmarks that are new, and those of
accounts whose attributes or people changed or that did something before the landmark. All others are what they were, because a
feature sees nothing at or after its landmark: all are correct at that point in time.

A day touches a few accounts of every bucket. Those of buckets that follow each other are computed together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from features.common.clock import moment
from features.dataset.dataset import Dataset
from features.dataset.landmarks import Landmarks
from features.engine.build import attribute, build
from features.engine.feature_set import FeatureSet
from features.engine.histories import Histories
from features.engine.scanners import scanner_mask
from features.partitions.lead_tables import Part, dataset_of
from features.partitions.manifest import Bucket, Manifest
from features.partitions.matrix import Block, Record, Store
from features.partitions.reuse import Ints, ReusableRows
from features.partitions.spec import Spec
from features.partitions.state import State
from features.partitions.storage import Storage

MOST_PARTS = 32
MIN_LIVE_SHARE = 0.6  # of the rows in the parts of a bucket; with fewer they are written together
MAX_LANDMARKS = 20_000  # landmarks of several buckets that are computed together, at most
MAX_INTERACTIONS = 250_000  # and the interactions that are read for them


@dataclass(frozen=True)
class Building:
    """Buckets to be brought into the matrix, in their order."""

    data: Storage
    head: Manifest
    buckets: tuple[Bucket, ...]
    store: Store
    spec: Spec
    threads: int = 1

    @cached_property
    def extracted_at(self) -> int:
        return moment(pd.Timestamp(self.head.extracted_at))

    @cached_property
    def landmark_digest(self) -> str:
        """A digest of what landmarks and labels depend on, beside the bucket."""
        return self.spec.landmark_digest(self.extracted_at)


@dataclass(frozen=True)
class Built:
    """What a bucket gave: landmarks, those of them that were computed now, and interactions that mail scanners made."""

    landmarks: int
    computed: int
    scanned: int


def build_buckets(task: Building) -> list[Built]:
    """Bring these buckets in the matrix up to date.

    Raises
    ------
    DataError
        if a file of a bucket is missing or damaged; others may be finished.
    """
    built: dict[int, Built] = {}
    changes: list[Change] = []
    max_rows = min(max((bucket.rows for bucket in task.buckets), default=0), MAX_INTERACTIONS)  # there is memory for a bucket
    for bucket in task.buckets:
        record = _usable_record(task, bucket)
        if record and record.content == bucket.content and record.made == task.landmark_digest:
            built[bucket.number] = Built(record.landmarks, 0, record.scanned)
            continue
        change = Change.compare(task, bucket, record)
        if changes and (change.involved_leads.all() or sum(len(c.todo) for c in (*changes, change)) > MAX_LANDMARKS):
            built |= _finish_changes(task, changes)  # before anything is read for another one
            changes = []
        change = change.read(task)
        if changes and sum(c.part.rows for c in (*changes, change)) > max_rows:
            built |= _finish_changes(task, changes)
            changes = []
        changes.append(change)
    built |= _finish_changes(task, changes)
    return [built[bucket.number] for bucket in task.buckets]


def _usable_record(task: Building, bucket: Bucket) -> Record | None:
    """What the matrix has of a bucket, if it has all columns that are to be in it."""
    record = task.store.record(bucket.number)
    return record if record and set(task.spec.columns) <= set(record.columns) else None


@dataclass(frozen=True)
class Change:
    """A bucket as it is `state` and as it is in the matrix (`record`, `reusable`). The landmarks `todo` are to be computed; of
    their accounts, which are `involved` (accounts,), the leads `involved_leads` (leads,) and all that is theirs is in
    `part`."""

    bucket: Bucket
    state: State
    record: Record | None
    reusable: ReusableRows
    todo: npt.NDArray[np.intp]
    involved: npt.NDArray[np.bool_]
    involved_leads: npt.NDArray[np.bool_]
    part: Part

    @classmethod
    def compare(cls, task: Building, bucket: Bucket, record: Record | None) -> Change:
        """Compare; nothing is read yet of what is to be computed from."""
        state = State.from_bucket(task.data, bucket, task.spec, task.extracted_at)
        if record and not set(record.segments) <= {name for s in bucket.segments for name in (s.name, *s.of)}:
            record = None
        reusable = (
            ReusableRows.from_record(task.data, bucket, task.store, record, state) if record else ReusableRows.empty(state)
        )
        todo = np.flatnonzero(reusable.row < 0)
        involved = np.zeros(len(state.digest), bool)
        involved[state.account[state.landmarks.lead[todo]]] = True
        return cls(bucket, state, record, reusable, todo, involved, involved[state.account], Part({}, []))

    def read(self, task: Building) -> Change:
        """With its part."""
        if not len(self.todo):
            return self
        ids = None if self.involved_leads.all() else self.state.lead_id.filter(pa.array(self.involved_leads))
        return replace(self, part=Part.read(task.data, self.bucket, ids))

    def landmarks(self, first_lead: int) -> Landmarks:
        """The landmarks to be computed, the first of the leads inside being number `first_lead`."""
        landmarks = self.state.landmarks.take(self.todo)
        return replace(landmarks, lead=(np.cumsum(self.involved_leads) - 1 + first_lead)[landmarks.lead])


def _finish_changes(task: Building, changes: Sequence[Change]) -> dict[int, Built]:
    """By the number of the bucket, once all of them are in the matrix."""
    built = {}
    for change, (block, scanned) in zip(changes, _compute_changes(task, changes), strict=True):
        record = _store_change(task, change, block, scanned)
        task.store.finish(change.bucket.number, record)
        built[change.bucket.number] = Built(len(change.state.landmarks), len(change.todo), record.scanned)
    return built


def _compute_changes(task: Building, changes: Sequence[Change]) -> list[tuple[Block, Ints]]:
    """Of each (columns, todo), and (accounts,) how many interactions mail scanners made."""
    spec, pending_changes = task.spec, [c for c in changes if len(c.todo)]
    block: Block = np.empty((len(spec.columns), sum(len(c.todo) for c in pending_changes)), np.float32)
    scanned = np.zeros(sum(int(c.involved.sum()) for c in pending_changes), np.int64)
    if pending_changes:
        data = dataset_of([c.part for c in pending_changes], task.head)
        for change in pending_changes:
            change.part.release()
        histories = Histories.from_dataset(data, spec.feature_set.types, spec.feature_set.mail, spec.feature_set.turning_away)
        # buckets follow each other in the order of accounts, and so do their leads
        lead_offsets = np.cumsum([0, *(int(c.involved_leads.sum()) for c in pending_changes)]).tolist()
        landmarks = Landmarks.concatenate(
            [c.landmarks(number) for c, number in zip(pending_changes, lead_offsets, strict=False)]
        )
        rows = build(spec.plan, spec.feature_set.encoders, histories, landmarks, threads=task.threads, out=block[:-1])
        feature_index = {f: i for i, f in enumerate(spec.plan.features)}
        behaviour = rows[[spec.feature_set.attribute_columns + feature_index[f] for f in spec.judge.features]]
        block[-1] = spec.judge.points(behaviour, lambda entity, column: attribute(histories, landmarks, entity, column))
        if histories.scanner_rows:
            scanned = _count_scanned(data, spec.feature_set, len(scanned))
    results, row, account = [], 0, 0
    for change in changes:
        end, account_end = row + len(change.todo), account + int(change.involved.sum())
        of_account = change.reusable.scanned.copy()
        of_account[change.involved] = scanned[account:account_end]
        results.append((block[:, row:end], of_account))
        row, account = end, account_end
    return results


def _count_scanned(data: Dataset, feature_set: FeatureSet, accounts: int) -> Ints:
    """(accounts,) how many interactions mail scanners made."""
    histories = Histories.from_dataset(data, feature_set.types)
    history = histories.people.history
    rows = np.flatnonzero(scanner_mask(history, feature_set.mail))
    lead = np.searchsorted(history.start, rows, side="right") - 1
    return np.bincount(histories.account[lead], minlength=accounts)


def _store_change(task: Building, change: Change, block: Block, scanned: Ints) -> Record:
    columns, number, old_record, todo = task.spec.columns, change.bucket.number, change.record, change.todo
    part_number, row = change.reusable.part.copy(), change.reusable.row.copy()
    parts = list(old_record.parts) if old_record else []
    keys = columns
    if old_record and parts:
        keys = old_record.columns  # parts of one bucket have the same columns in the same order
        column_index = {key: i for i, key in enumerate(columns)}
        live = int((row >= 0).sum())
        if set(keys) != set(columns) or len(parts) >= MOST_PARTS or live < MIN_LIVE_SHARE * sum(rows for _, rows in parts):
            block, todo, part_number, row, parts, keys = _compacted(
                task, old_record, (columns, todo, block), (part_number, row)
            )
        elif keys != columns:
            block = block[[column_index[key] for key in keys]]
    digest_parts = [
        change.bucket.content,
        task.landmark_digest,
        keys,
        vars(old_record) if old_record else None,
        hashlib.sha256(todo.tobytes()).hexdigest(),
    ]
    digest = hashlib.sha256(json.dumps(digest_parts).encode()).hexdigest()
    if len(todo) or not parts:
        part_number[todo], row[todo] = len(parts), np.arange(len(todo))
        parts.append((task.store.put_block(number, block, digest), len(todo)))
    state = change.state
    index = {
        "lead": state.landmarks.lead.astype(np.int32),
        "as_of": state.landmarks.as_of,
        "stage": state.landmarks.stage,
        "entered": state.landmarks.entered,
        "part": part_number.astype(np.int32),
        "row": row.astype(np.int32),
        **state.labels,
    }
    of_lead = state.account
    leads = {"lead_id": state.lead_id, "digest": state.digest[of_lead], "scanned": scanned[of_lead]}
    return Record(
        change.bucket.content,
        task.landmark_digest,
        tuple(keys),
        tuple(parts),
        task.store.put_table(number, "index", pa.table(index), digest),
        task.store.put_table(number, "leads", pa.table(leads)),
        tuple(s.name for s in change.bucket.segments),
        len(row),
        int(scanned.sum()),
    )


def _compacted(
    task: Building,
    old_record: Record,
    computed: tuple[tuple[str, ...], npt.NDArray[np.intp], Block],
    stored_rows: tuple[Ints, Ints],
) -> tuple[Block, npt.NDArray[np.intp], Ints, Ints, list[tuple[str, int]], tuple[str, ...]]:
    """All rows in one new block: those computed now beside those that are what they were."""
    columns, todo, block = computed
    part_number, row = stored_rows
    out = np.empty((len(columns), len(row)), np.float32)
    kept_rows = np.flatnonzero(row >= 0)
    index = pd.DataFrame({"part": part_number[kept_rows], "row": row[kept_rows]})
    out[:, kept_rows] = task.store.block(old_record, columns, index=index)
    out[:, todo] = block
    all_rows = np.arange(len(row))
    return out, all_rows, np.zeros(len(row), np.int64), all_rows.astype(np.int64), [], columns
