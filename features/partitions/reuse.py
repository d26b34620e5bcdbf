"""What of a bucket is in the matrix already and need not be computed again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.common.clock import NO_MOMENT
from features.common.codes import positions
from features.dataset.landmarks import Landmarks, previous_positions
from features.partitions.manifest import Bucket
from features.partitions.matrix import Record, Store
from features.partitions.segments import first_moments
from features.partitions.state import State
from features.partitions.storage import Storage

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ReusableRows:
    """Where each landmark (n,) lies that is what it was, `row` -1 where it must be computed; `scanned` (accounts,) it was."""

    part: Ints
    row: Ints
    scanned: Ints

    @classmethod
    def empty(cls, state: State) -> ReusableRows:
        missing = np.full(len(state.landmarks), -1, np.int64)
        return cls(missing, missing.copy(), np.zeros(len(state.digest), np.int64))

    @classmethod
    def from_record(cls, data: Storage, bucket: Bucket, store: Store, record: Record, state: State) -> ReusableRows:
        stored_index, leads = store.rows(record), store.storage.read_arrow(record.leads)
        names = leads["lead_id"].combine_chunks()
        stored_lead = np.arange(len(leads)) if names.equals(state.lead_id) else positions(state.lead_id, names)
        part, row = _stored_positions(stored_index, len(leads), state.landmarks, stored_lead)
        account_row = stored_lead[np.flatnonzero(np.diff(state.account, prepend=-1))]
        digest = np.append(leads["digest"].to_numpy(), np.uint64(0))[account_row]  # the last is that of nobody
        scanned = np.append(leads["scanned"].to_numpy(), 0)[account_row]
        unchanged_account = (account_row >= 0) & (digest == state.digest)
        change_time = _change_times(data, bucket, record, state, unchanged_account)
        row[state.landmarks.as_of > change_time[state.account[state.landmarks.lead]]] = -1
        return cls(part, row, np.where(account_row >= 0, scanned, 0))


def _stored_positions(
    stored_index: pa.Table, leads: int, landmarks: Landmarks, stored_lead: npt.NDArray[np.intp]
) -> tuple[Ints, Ints]:
    """Part and row of each landmark in the matrix as it was, -1 where it was not in it."""
    begin = np.searchsorted(stored_index["lead"].to_numpy(), np.arange(leads + 1))
    as_of, stage, entered = (np.array(stored_index[name]) for name in ("as_of", "stage", "entered"))
    position = previous_positions(landmarks, stored_lead, begin, Landmarks(begin, as_of, stage, entered))
    part, row = (
        np.append(stored_index[name], -1)[position].astype(np.int64) for name in ("part", "row")
    )  # the last is no place
    return part, row


def _change_times(
    data: Storage, bucket: Bucket, record: Record, state: State, unchanged_account: npt.NDArray[np.bool_]
) -> Ints:
    """(accounts,) the moment after which nothing of an account need be as it was: that of its first new interaction, from the
    beginning where its people or attributes changed (not `unchanged_account`), `NO_MOMENT` where nothing did."""
    change_time = np.where(unchanged_account, NO_MOMENT, np.iinfo(np.int64).min)
    stored_segments = set(record.segments)
    new_segments = [
        s for s in bucket.segments if s.name not in stored_segments and not (s.of and stored_segments.issuperset(s.of))
    ]
    if new_segments:
        rows = first_moments(data, new_segments)
        lead = positions(rows["lead_id"].combine_chunks().cast(state.lead_id.type), state.lead_id)
        np.minimum.at(change_time, state.account[lead[lead >= 0]], rows["at"].cast(pa.int64()).to_numpy()[lead >= 0])
    return np.asarray(change_time, np.int64)
