"""A bucket → its landmarks, labels and feature columns, in the matrix. The same function wherever it runs.

Where the bucket has been built before, only rows that can have changed are computed: landmarks that are new, and those of accounts
whose attributes or people changed or that did something before the landmark. All others are what they were, because a feature
sees nothing at or after its landmark.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.attributes import MISSING, RARE, AttributeEncoder
from features.buckets.manifest import Bucket, Manifest
from features.buckets.matrix import Block, Record, Store
from features.buckets.place import Place
from features.buckets.whole import read_bucket, read_segments
from features.build import attribute, build
from features.clock import NEVER, microseconds, moment
from features.dataset import Dataset
from features.feature_set import FeatureSet
from features.funnel import Funnel
from features.histories import Histories, account_keys
from features.labels import label
from features.landmarks import Landmarks, Path, landmarks
from features.plan import Plan
from features.scanners import scanned as scanners_rows
from features.spec import Feature, Variety

MOST_PARTS = 8
LIVE = 0.6  # of the rows in the parts of a bucket; with fewer they are written together
POINTS = "points"

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class Judge(Protocol):
    """What the rules say of landmarks: their features, a digest of the rules, and points (n,) from those features (features, n)
    and the values of attributes."""

    @property
    def features(self) -> tuple[Feature, ...]: ...

    @property
    def digest(self) -> str: ...

    def points(self, behaviour: Block, values: Callable[[str, str], Sequence[object]]) -> npt.NDArray[np.float64]: ...


@dataclass(frozen=True)
class Spec:
    """What the matrix holds: the columns of `feature_set`, then `extra` features, then the points of the `judge`."""

    feature_set: FeatureSet
    extra: tuple[Feature, ...]
    judge: Judge
    funnel: Funnel
    ages: tuple[float, ...]

    @property
    def plan(self) -> Plan:
        return Plan(tuple(dict.fromkeys((*self.feature_set.features, *self.judge.features, *self.extra))), self.feature_set.types)

    @property
    def width(self) -> int:
        """How many columns are the model's own."""
        return self.feature_set.attribute_columns + len(self.feature_set.features)

    @property
    def columns(self) -> tuple[str, ...]:
        """Keys of all columns: two columns with the same key hold the same numbers of the same landmarks."""
        roles = sorted((t, r) for t, r in zip(self.feature_set.types, self.feature_set.mail, strict=False) if r)
        base = hashlib.sha256(json.dumps(roles).encode()).hexdigest()[:8]
        own = [key for encoder in self.feature_set.encoders for key in _encoder_keys(encoder)]
        behaviour = [f"{f.name}|{base}|{_types_of(f, self.feature_set.types)}" for f in self.plan.features]
        said = hashlib.sha256(json.dumps([self.judge.digest, [k for k in behaviour if k.split("|")[0] in self._judged]]).encode())
        return (*own, *behaviour, f"{POINTS}|{said.hexdigest()[:16]}")

    @property
    def _judged(self) -> set[str]:
        return {f.name for f in self.judge.features}

    @property
    def model_columns(self) -> tuple[str, ...]:
        """What a model sees: its own columns, then the points."""
        columns = self.columns
        return (*columns[: self.width], columns[-1])

    def made(self, extracted_at: int) -> str:
        """A digest of what landmarks and labels depend on, beside the bucket."""
        said = json.dumps([asdict(self.funnel), list(self.ages), extracted_at])
        return hashlib.sha256(said.encode()).hexdigest()[:16]


def _encoder_keys(encoder: AttributeEncoder) -> list[str]:
    keys = []
    for name in encoder.names:
        of = f"|{json.dumps(sorted(encoder.levels))}" if name.endswith(f"={RARE}") else ""
        keys.append(f"{encoder.entity}.{encoder.column}|{encoder.kind}|{name}{of}")
    return keys


def _types_of(feature: Feature, types: Sequence[str]) -> str:
    """The interaction types a feature looks at, as far as the data have them; a change of them changes the feature."""
    if isinstance(feature, Variety):
        return ",".join(sorted(types))
    found = {t for name in ("what", "of") if hasattr(feature, name) for t in getattr(feature, name).types}
    return ",".join(sorted(found & set(types)))


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
class State:
    """The leads of a bucket in the order of accounts: the `key` of each lead's account and its `account` code, a digest of what is
    known of each account (accounts,), the landmarks and their labels."""

    lead_id: npt.NDArray[np.object_]
    key: npt.NDArray[np.object_]
    account: Ints
    digest: npt.NDArray[np.uint64]
    looks: Landmarks
    labels: dict[str, Flags]

    @classmethod
    def of(cls, lean: Dataset, spec: Spec, extracted_at: int) -> State:
        histories = Histories.of(lean, ())
        path = Path.of(histories.leads, lean.lead_stages, spec.funnel)
        looks = landmarks(path, extracted_at, spec.ages)
        known = label(path, looks, spec.funnel, extracted_at)
        labels = {f"reached_{t}": known.reached[:, i] for i, t in enumerate(spec.funnel.targets)}
        labels |= {f"matured_{t}": known.matured[:, i] for i, t in enumerate(spec.funnel.targets)}
        account = histories.account.astype(np.int64)
        return cls(
            histories.leads["lead_id"].to_numpy(object),
            account_keys(histories.leads).to_numpy(object),
            account,
            _digests(histories, account),
            looks,
            labels,
        )

    @property
    def account_key(self) -> npt.NDArray[np.object_]:
        """(accounts,)"""
        first = np.append(True, np.diff(self.account) > 0) if len(self.account) else np.zeros(0, bool)
        return self.key[first]


def _digests(histories: Histories, account: Ints) -> npt.NDArray[np.uint64]:
    """(accounts,) a digest of the leads, the company and the recorded changes of each account; their order makes no difference."""
    total = np.zeros(int(account.max()) + 1 if len(account) else 0, np.uint64)
    np.add.at(total, account, _hashes(histories.leads))
    known = histories.company_row >= 0
    if known.any():
        np.add.at(total, account[known], _hashes(histories.companies)[histories.company_row[known]])
    changes = histories.attribute_changes
    if len(changes):
        ids = changes["id"].astype("str")
        of_lead = (changes["entity"] == "lead").to_numpy(bool)
        lead = pd.Index(histories.leads["lead_id"]).get_indexer(pd.Index(ids))
        first = histories.leads["company_id"].drop_duplicates()
        place = pd.Index(first.fillna("")).get_indexer(pd.Index(ids))
        company = np.where(place >= 0, first.index.to_numpy()[np.maximum(place, 0)], -1)
        row = np.where(of_lead, lead, company)
        np.add.at(total, account[row[row >= 0]], _hashes(changes)[row >= 0])
    return total


def _hashes(frame: pd.DataFrame) -> npt.NDArray[np.uint64]:
    """(rows,) hashes of the rows with the names of their columns; a value that is missing adds nothing, in whatever kind."""
    total = np.zeros(len(frame), np.uint64)
    for name in map(str, frame.columns):
        values, known = frame[name], frame[name].notna().to_numpy()
        if pd.api.types.is_bool_dtype(values) or not pd.api.types.is_numeric_dtype(values):
            hashed = pd.util.hash_array(values.astype("str").to_numpy(object, na_value=""))
        else:
            hashed = pd.util.hash_array(values.to_numpy(np.float64, na_value=np.nan))
        salt = pd.util.hash_array(np.array([name], object))[0] | np.uint64(1)
        total[known] += hashed[known] * salt
    return total * np.uint64(0xBF58476D1CE4E5B9) + np.uint64(1)


@dataclass(frozen=True)
class Before:
    """Where each landmark (n,) lies that is still what it was, `row` -1 where it must be computed; `scanned` of accounts by key."""

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
            {"lead_id": now.lead_id[now.looks.lead], "as_of": now.looks.as_of, "stage": now.looks.stage, "entered": now.looks.entered}
        )
        found = wanted.merge(index[[*keys, "part", "row"]], on=keys, how="left")
        part = found["part"].fillna(-1).to_numpy(np.int64)
        row = found["row"].fillna(-1).to_numpy(np.int64)
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
    return replace(data, leads=leads.reset_index(drop=True), interactions=data.interactions[wanted[code]].reset_index(drop=True))


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


__all__ = ["MISSING", "Building", "Built", "Judge", "Spec", "build_bucket"]
