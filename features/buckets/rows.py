"""A bucket → its landmarks, labels and feature columns, in the matrix. The same function wherever it runs.

Where the bucket has been built before, only rows that can have changed are computed: landmarks that are new, and those of
accounts whose attributes or people changed or that did something before the landmark. All others are what they were, because a
feature sees nothing at or after its landmark.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.buckets.manifest import Bucket, Manifest
from features.buckets.matrix import Block, Record, Store
from features.buckets.place import Place
from features.buckets.spec import Spec
from features.buckets.state import State
from features.buckets.whole import read_bucket, read_segments
from features.build import attribute, build
from features.clock import NEVER, microseconds, moment
from features.dataset import Dataset
from features.feature_set import FeatureSet
from features.histories import Histories
from features.scanners import scanned as scanners_rows

MOST_PARTS = 8
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
    lean = read_bucket(task.data, task.head, task.bucket, segments=())
    now = State.of(lean, task.spec, extracted_at)
    names = tuple(s.name for s in task.bucket.segments)
    if before is None or not usable or names[: len(before.segments)] != before.segments:
        before = None
    old = Before.of(task, before, now) if before else Before.nothing(now)
    todo = np.flatnonzero(old.row < 0)
    block, scanned = _computed(task, lean, now, todo)
    record = _stored(task, now, old, before, todo, block, (columns, made, scanned))
    task.store.finish(number, record)
    return Built(len(now.looks), len(todo), record.scanned)


@dataclass(frozen=True)
class Before:
    """Where each landmark (n,) lies that is what it was, `row` -1 where it must be computed; `scanned` of accounts by key."""

    part: Ints
    row: Ints
    scanned: dict[str, int]

    @classmethod
    def nothing(cls, now: State) -> Before:
        missing = np.full(len(now.looks), -1, np.int64)
        return cls(missing, missing.copy(), {})

    @classmethod
    def of(cls, task: Building, record: Record, now: State) -> Before:
        index = task.store.index(record)
        accounts = task.store.place.read_table(record.accounts).to_pandas()
        keys = ["lead_id", "as_of", "stage", "entered"]
        wanted = pd.DataFrame(
            {
                "lead_id": now.lead_id[now.looks.lead],
                "as_of": now.looks.as_of,
                "stage": now.looks.stage,
                "entered": now.looks.entered,
            }
        )
        found = wanted.merge(index[[*keys, "part", "row"]], on=keys, how="left")
        part = found["part"].fillna(-1).to_numpy(np.int64, copy=True)
        row = found["row"].fillna(-1).to_numpy(np.int64, copy=True)
        account = now.account[now.looks.lead]
        since = _changed_since(task, record, now, accounts)
        row[now.looks.as_of > since[account]] = -1
        return cls(part, row, dict(zip(accounts["account"].tolist(), accounts["scanned"].tolist(), strict=True)))


def _changed_since(task: Building, record: Record, now: State, accounts: pd.DataFrame) -> Ints:
    """(accounts,) the moment after which nothing of an account need be as it was: that of its first new interaction, from the
    beginning where its people or attributes changed, `NEVER` where nothing did."""
    then = pd.Series(accounts["digest"].to_numpy(np.uint64), index=pd.Index(accounts["account"]))
    place = then.index.get_indexer(pd.Index(now.account_key))
    same = (place >= 0) & (then.to_numpy()[np.maximum(place, 0)] == now.digest)
    since = np.where(same, NEVER, np.iinfo(np.int64).min)
    new = [s for s in task.bucket.segments if s.name not in record.segments]
    if new:
        rows = read_segments(task.data, new)
        code = pd.Index(now.lead_id).get_indexer(pd.Index(rows["lead_id"].cat.categories.astype("str")))
        lead = code[rows["lead_id"].cat.codes.to_numpy()]
        np.minimum.at(since, now.account[lead[lead >= 0]], microseconds(rows["at"])[lead >= 0])
    return np.asarray(since, np.int64)


def _computed(task: Building, lean: Dataset, now: State, todo: npt.NDArray[np.intp]) -> tuple[Block, dict[str, int]]:
    """(columns, todo), and by account what mail scanners made, for the accounts looked at."""
    spec = task.spec
    if not len(todo):
        return np.empty((len(spec.columns), 0), np.float32), {}
    involved = np.zeros(len(now.digest), bool)
    involved[now.account[now.looks.lead[todo]]] = True
    inside = involved[now.account]
    data = replace(lean, interactions=read_segments(task.data, task.bucket.segments))
    if not inside.all():
        data = _of_leads(data, pd.Index(now.lead_id[inside]))
    histories = Histories.of(data, spec.feature_set.types, spec.feature_set.mail)
    renumbered = np.cumsum(inside) - 1
    looks = now.looks.take(todo)
    looks = replace(looks, lead=renumbered[looks.lead])
    rows = build(spec.plan, spec.feature_set.encoders, histories, looks, threads=task.threads)
    place = {f: i for i, f in enumerate(spec.plan.features)}
    behaviour = rows[[spec.feature_set.attribute_columns + place[f] for f in spec.judge.features]]
    points = spec.judge.points(behaviour, lambda entity, column: attribute(histories, looks, entity, column))
    scanned = dict.fromkeys(now.account_key[involved].tolist(), 0)
    if histories.scanned:
        scanned |= _scanned(data, spec.feature_set, now.account_key[involved])
    return np.concatenate((rows, points[None].astype(np.float32))), scanned


def _scanned(data: Dataset, feature_set: FeatureSet, keys: npt.NDArray[np.object_]) -> dict[str, int]:
    """How many interactions of each account mail scanners made."""
    everything = Histories.of(data, feature_set.types)
    history = everything.people.history
    rows = np.flatnonzero(scanners_rows(history, feature_set.mail))
    lead = np.searchsorted(history.start, rows, side="right") - 1
    count = np.bincount(everything.account[lead], minlength=len(keys))
    return {str(key): int(n) for key, n in zip(keys, count, strict=True)}


def _of_leads(data: Dataset, ids: pd.Index) -> Dataset:
    """The dataset without other leads; companies and changes stay, as nobody else asks for them."""
    leads = data.leads[data.leads["lead_id"].isin(ids)]
    wanted = data.interactions["lead_id"].cat.categories.astype("str").isin(ids)
    code = data.interactions["lead_id"].cat.codes.to_numpy()
    return replace(
        data, leads=leads.reset_index(drop=True), interactions=data.interactions[wanted[code]].reset_index(drop=True)
    )


def _stored(
    task: Building,
    now: State,
    old: Before,
    before: Record | None,
    todo: npt.NDArray[np.intp],
    block: Block,
    what: tuple[tuple[str, ...], str, dict[str, int]],
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
        parts.append((task.store.put_block(number, block), block.shape[1]))
    index = pd.DataFrame(
        {
            "lead_id": now.lead_id[now.looks.lead],
            "account": now.account[now.looks.lead],
            "as_of": now.looks.as_of,
            "stage": now.looks.stage,
            "entered": now.looks.entered,
            "part": part,
            "row": row,
            **now.labels,
        }
    )
    counted = {str(key): fresh.get(str(key), old.scanned.get(str(key), 0)) for key in now.account_key}
    accounts = pd.DataFrame({"account": list(counted), "digest": now.digest, "scanned": list(counted.values())})
    return Record(
        task.bucket.content,
        made,
        tuple(keys),
        tuple(parts),
        task.store.put_table(number, "index", index),
        task.store.put_table(number, "accounts", accounts),
        tuple(s.name for s in task.bucket.segments),
        len(index),
        int(sum(counted.values())),
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
