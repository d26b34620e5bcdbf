"""What of a bucket is in the matrix already and need not be computed again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.common.clock import NEVER
from features.common.codes import positions
from features.dataset.landmarks import Landmarks, unchanged
from features.partitions.manifest import Bucket
from features.partitions.matrix import Record, Store
from features.partitions.segments import first_moments
from features.partitions.state import State
from features.partitions.storage import Place

Ints = npt.NDArray[np.int64]


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
    def of(cls, data: Place, bucket: Bucket, store: Store, record: Record, now: State) -> Before:
        then, leads = store.rows(record), store.place.read_arrow(record.leads)
        names = leads["lead_id"].combine_chunks()
        was = np.arange(len(leads)) if names.equals(now.lead_id) else positions(now.lead_id, names)
        part, row = _found(then, len(leads), now.looks, was)
        first = was[np.flatnonzero(np.diff(now.account, prepend=-1))]
        digest = np.append(leads["digest"].to_numpy(), np.uint64(0))[first]  # the last is that of nobody
        scanned = np.append(leads["scanned"].to_numpy(), 0)[first]
        same = (first >= 0) & (digest == now.digest)
        since = _changed_since(data, bucket, record, now, same)
        row[now.looks.as_of > since[now.account[now.looks.lead]]] = -1
        return cls(part, row, np.where(first >= 0, scanned, 0))


def _found(then: pa.Table, leads: int, looks: Landmarks, was: npt.NDArray[np.intp]) -> tuple[Ints, Ints]:
    """Part and row of each landmark in the matrix as it was, -1 where it was not in it."""
    begin = np.searchsorted(then["lead"].to_numpy(), np.arange(leads + 1))
    as_of, stage, entered = (np.array(then[name]) for name in ("as_of", "stage", "entered"))
    place = unchanged(looks, was, begin, Landmarks(begin, as_of, stage, entered))
    part, row = (np.append(then[name], -1)[place].astype(np.int64) for name in ("part", "row"))  # the last is no place
    return part, row


def _changed_since(data: Place, bucket: Bucket, record: Record, now: State, same: npt.NDArray[np.bool_]) -> Ints:
    """(accounts,) the moment after which nothing of an account need be as it was: that of its first new interaction, from the
    beginning where its people or attributes changed (not `same`), `NEVER` where nothing did."""
    since = np.where(same, NEVER, np.iinfo(np.int64).min)
    known = set(record.segments)
    new = [s for s in bucket.segments if s.name not in known and not (s.of and known.issuperset(s.of))]
    if new:
        rows = first_moments(data, new)
        lead = positions(rows["lead_id"].combine_chunks().cast(now.lead_id.type), now.lead_id)
        np.minimum.at(since, now.account[lead[lead >= 0]], rows["at"].cast(pa.int64()).to_numpy()[lead >= 0])
    return np.asarray(since, np.int64)
