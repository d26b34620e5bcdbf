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
from features.engine.scanners import scanned as scanners_rows
from features.partitions.lead_tables import Part, dataset_of
from features.partitions.manifest import Bucket, Manifest
from features.partitions.matrix import Block, Record, Store
from features.partitions.reuse import Before, Ints
from features.partitions.spec import Spec
from features.partitions.state import State
from features.partitions.storage import Place

MOST_PARTS = 32
LIVE = 0.6  # of the rows in the parts of a bucket; with fewer they are written together
TOGETHER = 20_000  # landmarks of several buckets that are computed together, at most
READ_TOGETHER = 250_000  # and the interactions that are read for them


@dataclass(frozen=True)
class Building:
    """Buckets to be brought into the matrix, in their order."""

    data: Place
    head: Manifest
    buckets: tuple[Bucket, ...]
    store: Store
    spec: Spec
    threads: int = 1

    @cached_property
    def extracted_at(self) -> int:
        return moment(pd.Timestamp(self.head.extracted_at))

    @cached_property
    def made(self) -> str:
        """A digest of what landmarks and labels depend on, beside the bucket."""
        return self.spec.made(self.extracted_at)


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
    held: list[Change] = []
    most = min(max((bucket.rows for bucket in task.buckets), default=0), READ_TOGETHER)  # there is memory for a bucket
    for bucket in task.buckets:
        record = task.store.record(bucket.number)
        usable = record is not None and set(task.spec.columns) <= set(record.columns)
        if record and usable and record.content == bucket.content and record.made == task.made:
            built[bucket.number] = Built(record.landmarks, 0, record.scanned)
            continue
        change = Change.of(task, bucket, record if usable else None)
        if held and (change.inside.all() or sum(len(c.todo) for c in (*held, change)) > TOGETHER):
            built |= _finished(task, held)  # before anything is read for another one
            held = []
        change = change.read(task)
        if held and sum(c.part.rows for c in (*held, change)) > most:
            built |= _finished(task, held)
            held = []
        held.append(change)
    built |= _finished(task, held)
    return [built[bucket.number] for bucket in task.buckets]


@dataclass(frozen=True)
class Change:
    """A bucket as it is `now` and as it is in the matrix (`record`, `old`). The landmarks `todo` are to be computed; of their
    accounts, which are `involved` (accounts,), the leads `inside` (leads,) and all that is theirs is in `part`."""

    bucket: Bucket
    now: State
    record: Record | None
    old: Before
    todo: npt.NDArray[np.intp]
    involved: npt.NDArray[np.bool_]
    inside: npt.NDArray[np.bool_]
    part: Part

    @classmethod
    def of(cls, task: Building, bucket: Bucket, record: Record | None) -> Change:
        """Compare; nothing is read yet of what is to be computed from."""
        now = State.of(task.data, bucket, task.spec, task.extracted_at)
        if record and not set(record.segments) <= {name for s in bucket.segments for name in (s.name, *s.of)}:
            record = None
        old = Before.of(task.data, bucket, task.store, record, now) if record else Before.nothing(now)
        todo = np.flatnonzero(old.row < 0)
        involved = np.zeros(len(now.digest), bool)
        involved[now.account[now.looks.lead[todo]]] = True
        return cls(bucket, now, record, old, todo, involved, involved[now.account], Part({}, []))

    def read(self, task: Building) -> Change:
        """With its part."""
        if not len(self.todo):
            return self
        ids = None if self.inside.all() else self.now.lead_id.filter(pa.array(self.inside))
        return replace(self, part=Part.of(task.data, self.bucket, ids))

    def looks(self, first: int) -> Landmarks:
        """The landmarks to be computed, the first of the leads inside being number `first`."""
        found = self.now.looks.take(self.todo)
        return replace(found, lead=(np.cumsum(self.inside) - 1 + first)[found.lead])


def _finished(task: Building, changes: Sequence[Change]) -> dict[int, Built]:
    """By the number of the bucket, once all of them are in the matrix."""
    found = {}
    for change, (block, scanned) in zip(changes, _computed(task, changes), strict=True):
        record = _stored(task, change, block, scanned)
        task.store.finish(change.bucket.number, record)
        found[change.bucket.number] = Built(len(change.now.looks), len(change.todo), record.scanned)
    return found


def _computed(task: Building, changes: Sequence[Change]) -> list[tuple[Block, Ints]]:
    """Of each (columns, todo), and (accounts,) how many interactions mail scanners made."""
    spec, some = task.spec, [c for c in changes if len(c.todo)]
    block: Block = np.empty((len(spec.columns), sum(len(c.todo) for c in some)), np.float32)
    scanned = np.zeros(sum(int(c.involved.sum()) for c in some), np.int64)
    if some:
        data = dataset_of([c.part for c in some], task.head)
        for change in some:
            change.part.let_go()
        histories = Histories.of(data, spec.feature_set.types, spec.feature_set.mail)
        # buckets follow each other in the order of accounts, and so do their leads
        first = np.cumsum([0, *(int(c.inside.sum()) for c in some)]).tolist()
        looks = Landmarks.below([c.looks(number) for c, number in zip(some, first, strict=False)])
        rows = build(spec.plan, spec.feature_set.encoders, histories, looks, threads=task.threads, out=block[:-1])
        place = {f: i for i, f in enumerate(spec.plan.features)}
        behaviour = rows[[spec.feature_set.attribute_columns + place[f] for f in spec.judge.features]]
        block[-1] = spec.judge.points(behaviour, lambda entity, column: attribute(histories, looks, entity, column))
        if histories.scanned:
            scanned = _scanned(data, spec.feature_set, len(scanned))
    found, row, account = [], 0, 0
    for change in changes:
        end, last = row + len(change.todo), account + int(change.involved.sum())
        of_account = change.old.scanned.copy()
        of_account[change.involved] = scanned[account:last]
        found.append((block[:, row:end], of_account))
        row, account = end, last
    return found


def _scanned(data: Dataset, feature_set: FeatureSet, accounts: int) -> Ints:
    """(accounts,) how many interactions mail scanners made."""
    everything = Histories.of(data, feature_set.types)
    history = everything.people.history
    rows = np.flatnonzero(scanners_rows(history, feature_set.mail))
    lead = np.searchsorted(history.start, rows, side="right") - 1
    return np.bincount(everything.account[lead], minlength=accounts)


def _stored(task: Building, change: Change, block: Block, scanned: Ints) -> Record:
    columns, number, before, todo = task.spec.columns, change.bucket.number, change.record, change.todo
    part, row = change.old.part.copy(), change.old.row.copy()
    parts = list(before.parts) if before else []
    keys = columns
    if before and parts:
        keys = before.columns  # parts of one bucket have the same columns in the same order
        place = {key: i for i, key in enumerate(columns)}
        live = int((row >= 0).sum())
        if set(keys) != set(columns) or len(parts) >= MOST_PARTS or live < LIVE * sum(rows for _, rows in parts):
            block, todo, part, row, parts, keys = _as_one(task, before, (columns, todo, block), (part, row))
        elif keys != columns:
            block = block[[place[key] for key in keys]]
    said = [
        change.bucket.content,
        task.made,
        keys,
        vars(before) if before else None,
        hashlib.sha256(todo.tobytes()).hexdigest(),
    ]
    digest = hashlib.sha256(json.dumps(said).encode()).hexdigest()
    if len(todo) or not parts:
        part[todo], row[todo] = len(parts), np.arange(len(todo))
        parts.append((task.store.put_block(number, block, digest), len(todo)))
    now = change.now
    index = {
        "lead": now.looks.lead.astype(np.int32),
        "as_of": now.looks.as_of,
        "stage": now.looks.stage,
        "entered": now.looks.entered,
        "part": part.astype(np.int32),
        "row": row.astype(np.int32),
        **now.labels,
    }
    of_lead = now.account
    leads = {"lead_id": now.lead_id, "digest": now.digest[of_lead], "scanned": scanned[of_lead]}
    return Record(
        change.bucket.content,
        task.made,
        tuple(keys),
        tuple(parts),
        task.store.put_table(number, "index", pa.table(index), digest),
        task.store.put_table(number, "leads", pa.table(leads)),
        tuple(s.name for s in change.bucket.segments),
        len(row),
        int(scanned.sum()),
    )


def _as_one(
    task: Building,
    before: Record,
    new: tuple[tuple[str, ...], npt.NDArray[np.intp], Block],
    at: tuple[Ints, Ints],
) -> tuple[Block, npt.NDArray[np.intp], Ints, Ints, list[tuple[str, int]], tuple[str, ...]]:
    """All rows in one new block: those computed now beside those that are what they were."""
    columns, todo, block = new
    part, row = at
    out = np.empty((len(columns), len(row)), np.float32)
    kept = np.flatnonzero(row >= 0)
    index = pd.DataFrame({"part": part[kept], "row": row[kept]})
    out[:, kept] = task.store.block(before, columns, index=index)
    out[:, todo] = block
    every = np.arange(len(row))
    return out, every, np.zeros(len(row), np.int64), every.astype(np.int64), [], columns
