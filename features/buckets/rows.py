"""A bucket → its landmarks, labels and feature columns, in the matrix. The same function wherever it runs.

Where the bucket has been built before, only rows that can have changed are computed: landmarks that are new, and those of
accounts whose attributes or people changed or that did something before the landmark. All others are what they were, because a
feature sees nothing at or after its landmark.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from features.buckets.manifest import Bucket, Manifest
from features.buckets.matrix import Block, Record, Store
from features.buckets.place import Place
from features.buckets.segments import first_moments
from features.buckets.spec import Spec
from features.buckets.state import State
from features.buckets.whole import read_bucket
from features.build import attribute, build
from features.clock import NEVER, moment
from features.codes import positions
from features.dataset import Dataset
from features.feature_set import FeatureSet
from features.histories import Histories
from features.landmarks import Landmarks
from features.scanners import scanned as scanners_rows

MOST_PARTS = 32
LIVE = 0.6  # of the rows in the parts of a bucket; with fewer they are written together

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Building:
    """One bucket to be brought into the matrix."""

    data: Place
    head: Manifest
    bucket: Bucket
    store: Store
    spec: Spec
    threads: int = 1


@dataclass(frozen=True)
class Built:
    """What a bucket gave: landmarks, those of them that were computed now, and interactions that mail scanners made."""

    landmarks: int
    computed: int
    scanned: int


def build_bucket(task: Building) -> Built:
    """Bring the bucket in the matrix up to date.

    Raises
    ------
    DataError
        if a file of the bucket is missing or damaged.
    """
    extracted_at = moment(pd.Timestamp(task.head.extracted_at))
    made, columns, number = task.spec.made(extracted_at), task.spec.columns, task.bucket.number
    before = task.store.record(number)
    usable = before is not None and set(columns) <= set(before.columns)
    if before and usable and before.content == task.bucket.content and before.made == made:
        return Built(before.landmarks, 0, before.scanned)
    now = State.of(task.data, task.bucket, task.spec, extracted_at)
    names = {name for s in task.bucket.segments for name in (s.name, *s.of)}
    old = Before.nothing(now)
    if before is None or not usable or not set(before.segments) <= names:
        before = None
    else:
        old = Before.of(task, before, now)
    todo = np.flatnonzero(old.row < 0)
    block, scanned = _computed(task, now, todo)
    record = _stored(task, now, old, before, todo, block, (columns, made, scanned))
    task.store.finish(number, record)
    return Built(len(now.looks), len(todo), record.scanned)


@dataclass(frozen=True)
class Before:
    """Where each landmark (n,) lies that is what it was, `row` -1 where it must be computed; `scanned` (accounts,) it was."""

    part: Ints
    row: Ints
    scanned: Ints

    @classmethod
    def nothing(cls, now: State) -> Before:
        missing = np.full(len(now.looks), -1, np.int64)
        return cls(missing, missing.copy(), np.zeros(len(now.digest), np.int64))

    @classmethod
    def of(cls, task: Building, record: Record, now: State) -> Before:
        then, leads = task.store.rows(record), task.store.place.read_arrow(record.leads)
        names = leads["lead_id"].combine_chunks()
        was = np.arange(len(leads)) if names.equals(now.lead_id) else positions(now.lead_id, names)
        part, row = _found(then, len(leads), now.looks, was)
        first = was[np.flatnonzero(np.diff(now.account, prepend=-1))]
        digest, scanned = (leads[name].to_numpy()[np.maximum(first, 0)] for name in ("digest", "scanned"))
        same = (first >= 0) & (digest == now.digest)
        since = _changed_since(task, record, now, same)
        row[now.looks.as_of > since[now.account[now.looks.lead]]] = -1
        return cls(part, row, np.where(first >= 0, scanned, 0))


def _found(then: pa.Table, leads: int, looks: Landmarks, was: npt.NDArray[np.intp]) -> tuple[Ints, Ints]:
    """Part and row of each landmark in the matrix as it was, -1 where it was not in it.

    Landmarks of a lead only ever get more at their end, unless its lead stages changed. So it is enough to compare the first
    one with the first, the second with the second; what stands elsewhere after a change is computed again.
    """
    lead = then["lead"].to_numpy()
    begin = np.searchsorted(lead, np.arange(leads + 1))
    number = np.arange(len(looks)) - np.searchsorted(looks.lead, np.arange(len(was)))[looks.lead]
    at = was[looks.lead]
    place = begin[at] + number
    known = (at >= 0) & (place < begin[at + 1])
    place[~known] = 0
    for name, values in (("as_of", looks.as_of), ("stage", looks.stage), ("entered", looks.entered)):
        if known.any():
            known &= then[name].to_numpy()[place] == values
    found = [np.full(len(looks), -1, np.int64) for _ in range(2)]
    for one, name in zip(found, ("part", "row"), strict=True):
        one[known] = then[name].to_numpy()[place[known]]
    return found[0], found[1]


def _changed_since(task: Building, record: Record, now: State, same: npt.NDArray[np.bool_]) -> Ints:
    """(accounts,) the moment after which nothing of an account need be as it was: that of its first new interaction, from the
    beginning where its people or attributes changed (not `same`), `NEVER` where nothing did."""
    since = np.where(same, NEVER, np.iinfo(np.int64).min)
    known = set(record.segments)
    new = [s for s in task.bucket.segments if s.name not in known and not (s.of and known.issuperset(s.of))]
    if new:
        rows = first_moments(task.data, new)
        lead = positions(rows["lead_id"].combine_chunks().cast(now.lead_id.type), now.lead_id)
        np.minimum.at(since, now.account[lead[lead >= 0]], rows["at"].cast(pa.int64()).to_numpy()[lead >= 0])
    return np.asarray(since, np.int64)


def _computed(task: Building, now: State, todo: npt.NDArray[np.intp]) -> tuple[Block, dict[int, int]]:
    """(columns, todo), and by account what mail scanners made, for the accounts looked at."""
    spec = task.spec
    if not len(todo):
        return np.empty((len(spec.columns), 0), np.float32), {}
    involved = np.zeros(len(now.digest), bool)
    involved[now.account[now.looks.lead[todo]]] = True
    inside = involved[now.account]
    data = read_bucket(task.data, task.head, task.bucket, None if inside.all() else now.lead_id.filter(pa.array(inside)))
    histories = Histories.of(data, spec.feature_set.types, spec.feature_set.mail)
    renumbered = np.cumsum(inside) - 1
    looks = now.looks.take(todo)
    looks = replace(looks, lead=renumbered[looks.lead])
    out: Block = np.empty((len(spec.columns), len(looks)), np.float32)
    rows = build(spec.plan, spec.feature_set.encoders, histories, looks, threads=task.threads, out=out[:-1])
    place = {f: i for i, f in enumerate(spec.plan.features)}
    behaviour = rows[[spec.feature_set.attribute_columns + place[f] for f in spec.judge.features]]
    out[-1] = spec.judge.points(behaviour, lambda entity, column: attribute(histories, looks, entity, column))
    numbers = np.flatnonzero(involved)
    scanned = dict.fromkeys(numbers.tolist(), 0)
    if histories.scanned:
        scanned |= _scanned(data, spec.feature_set, numbers)
    return out, scanned


def _scanned(data: Dataset, feature_set: FeatureSet, numbers: npt.NDArray[np.intp]) -> dict[int, int]:
    """How many interactions of each account mail scanners made."""
    everything = Histories.of(data, feature_set.types)
    history = everything.people.history
    rows = np.flatnonzero(scanners_rows(history, feature_set.mail))
    lead = np.searchsorted(history.start, rows, side="right") - 1
    count = np.bincount(everything.account[lead], minlength=len(numbers))
    return dict(zip(numbers.tolist(), count.tolist(), strict=True))


def _stored(
    task: Building,
    now: State,
    old: Before,
    before: Record | None,
    todo: npt.NDArray[np.intp],
    block: Block,
    what: tuple[tuple[str, ...], str, dict[int, int]],
) -> Record:
    columns, made, fresh = what
    number = task.bucket.number
    part, row = old.part.copy(), old.row.copy()
    parts = list(before.parts) if before else []
    keys = columns
    if before and (set(part[row >= 0].tolist()) or len(parts)):
        keys = before.columns  # parts of one bucket have the same columns in the same order
        place = {key: i for i, key in enumerate(columns)}
        live = int((row >= 0).sum())
        if set(keys) != set(columns) or len(parts) >= MOST_PARTS or live < LIVE * sum(rows for _, rows in parts):
            block, todo, part, row, parts, keys = _together(task, before, (columns, todo, block), (part, row))
        else:
            block = block[[place[key] for key in keys]]
    if len(todo) or not parts:
        part[todo], row[todo] = len(parts), np.arange(len(todo))
        said = [task.bucket.content, made, keys, hashlib.sha256(todo.tobytes()).hexdigest()]
        parts.append((task.store.put_block(number, block, hashlib.sha256(json.dumps(said).encode()).hexdigest()), len(todo)))
    scanned = old.scanned.copy()
    scanned[list(fresh)] = list(fresh.values())
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
        task.bucket.content,
        made,
        tuple(keys),
        tuple(parts),
        task.store.put_table(number, "index", pa.table(index)),
        task.store.put_table(number, "leads", pa.table(leads)),
        tuple(s.name for s in task.bucket.segments),
        len(row),
        int(scanned.sum()),
    )


def _together(
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
