"""A bucket as it is now, without its interactions: its leads, digests of its accounts, its landmarks with their labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.buckets.manifest import Bucket
from features.buckets.place import Place
from features.buckets.spec import Spec
from features.dataset import from_arrow
from features.histories import account_keys
from features.labels import label
from features.landmarks import Landmarks, Path, landmarks

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class State:
    """The leads of a bucket in the order of accounts with the `account` code of each, the key and a digest of each account
    (accounts,), the landmarks and their labels."""

    lead_id: npt.NDArray[np.object_]
    account: Ints
    account_key: npt.NDArray[np.object_]
    digest: npt.NDArray[np.uint64]
    looks: Landmarks
    labels: dict[str, Flags]

    @classmethod
    def of(cls, data: Place, bucket: Bucket, spec: Spec, extracted_at: int) -> State:
        """Reads no more of the tables than it needs: most of a bucket is what it was, and this is done for all of it."""
        leads = from_arrow(data.read_arrow(bucket.tables["leads"], columns=["lead_id", "company_id", "created_at"]))
        accounts = data.read_arrow(bucket.accounts)
        path = Path.of(leads, from_arrow(data.read_arrow(bucket.tables["lead_stages"])), spec.funnel)
        looks = landmarks(path, extracted_at, spec.ages)
        known = label(path, looks, spec.funnel, extracted_at)
        labels = {f"reached_{t}": known.reached[:, i] for i, t in enumerate(spec.funnel.targets)}
        labels |= {f"matured_{t}": known.matured[:, i] for i, t in enumerate(spec.funnel.targets)}
        key = account_keys(leads).to_numpy(object)
        return cls(
            leads["lead_id"].to_numpy(object),
            np.cumsum(np.append(False, key[1:] != key[:-1])[: len(key)], dtype=np.int64),
            accounts["account"].to_pandas().to_numpy(object),
            accounts["digest"].to_numpy(),
            looks,
            labels,
        )
