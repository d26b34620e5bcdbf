"""A bucket as it is now, without its interactions: its leads, digests of its accounts, its landmarks with their labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.common.codes import positions
from features.dataset.labels import label
from features.dataset.landmarks import Landmarks, Path, landmarks
from features.partitions.manifest import Bucket
from features.partitions.spec import Spec
from features.partitions.storage import Storage

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class State:
    """The leads of a bucket in the order of accounts with the `account` code of each, a digest of each account (accounts,), the
    landmarks and their labels."""

    lead_id: pa.Array
    account: Ints
    digest: npt.NDArray[np.uint64]
    landmarks: Landmarks
    labels: dict[str, Flags]

    @classmethod
    def from_bucket(cls, data: Storage, bucket: Bucket, spec: Spec, extracted_at: int) -> State:
        """Reads no more of the tables than it needs: most of a bucket is what it was, and this is done for all of it."""
        leads = data.read_arrow(bucket.tables["leads"], ["lead_id", "company_id", "created_at"])
        stages = data.read_arrow(bucket.tables["lead_stages"])
        ids, steps = leads["lead_id"].combine_chunks(), pa.array([*spec.funnel.stages, *spec.funnel.exits], pa.string())
        row, step = positions(stages["lead_id"].combine_chunks(), ids), positions(stages["lead_stage"].combine_chunks(), steps)
        created, stage_times = (np.array(column.cast(pa.int64())) for column in (leads["created_at"], stages["at"]))
        path = Path.from_changes(created, row, step, stage_times, len(spec.funnel.stages))
        bucket_landmarks = landmarks(path, extracted_at, spec.ages, ended_only=spec.ended_only)
        outcomes = label(path, bucket_landmarks, spec.funnel, extracted_at)
        labels = {f"reached_{t}": outcomes.reached[:, i] for i, t in enumerate(spec.funnel.targets)}
        labels |= {f"matured_{t}": outcomes.matured[:, i] for i, t in enumerate(spec.funnel.targets)}
        company = leads["company_id"].combine_chunks()
        same_company = pc.fill_null(pc.equal(company[1:], company[:-1]), False).to_numpy(zero_copy_only=False)
        account = np.cumsum(np.append(False, ~same_company)[: len(leads)], dtype=np.int64)
        digest = data.read_arrow(bucket.accounts, ["digest"])["digest"].to_numpy()
        return cls(ids, account, digest, bucket_landmarks, labels)
