"""What the audit wants to know of interactions, counted by bucket: which types only follow the end of a lead (data leakage)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

import numpy as np

from features.common.clock import microseconds
from features.common.codes import recode
from features.dataset.funnel import Funnel
from features.dataset.landmarks import Path
from features.leakage import FollowCounts
from features.partitions.lead_tables import read_bucket
from features.partitions.manifest import Bucket, Manifest
from features.partitions.storage import Storage


@dataclass(frozen=True)
class FollowTask:
    """A bucket to be counted; what is found is kept in `out` as long as neither bucket nor funnel change."""

    data: Storage
    head: Manifest
    bucket: Bucket
    funnel: Funnel
    out: Storage


@dataclass(frozen=True)
class BucketFollows:
    """Rows by type that follow, `early_rows` from before their lead was created, and all `rows`, repeats once."""

    follows: FollowCounts
    early_rows: int
    rows: int


def count_follows(task: FollowTask) -> BucketFollows:
    """Count, or read what was counted before."""
    fingerprint = json.dumps([task.bucket.content, asdict(task.funnel), "spells, rows"]).encode()
    name = f"{task.bucket.number:05d}/follows-{hashlib.sha256(fingerprint).hexdigest()[:16]}.json"
    if task.out.exists(name):
        saved = task.out.read_json(name)
        return BucketFollows(FollowCounts(**saved["follows"]), saved["early"], saved["rows"])
    dataset = read_bucket(task.data, task.head, task.bucket)
    follows = FollowCounts.from_dataset(dataset, Path.from_tables(dataset.leads, dataset.lead_stages, task.funnel), task.funnel)
    lead, _ = recode(dataset.interactions["lead_id"], dataset.leads["lead_id"])
    early_rows = int(
        np.count_nonzero(microseconds(dataset.interactions["at"]) < microseconds(dataset.leads["created_at"])[lead])
    )
    for stale_name in task.out.names(f"{task.bucket.number:05d}"):
        if stale_name.startswith("follows-"):
            task.out.remove(f"{task.bucket.number:05d}/{stale_name}")
    task.out.write_json(name, {"follows": asdict(follows), "early": early_rows, "rows": len(dataset.interactions)})
    return BucketFollows(follows, early_rows, len(dataset.interactions))
