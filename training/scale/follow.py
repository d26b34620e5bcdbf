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
from features.leakage import Follows
from features.partitions.lead_tables import read_bucket
from features.partitions.manifest import Bucket, Manifest
from features.partitions.storage import Place


@dataclass(frozen=True)
class Following:
    """A bucket to be counted; what is found is kept in `out` as long as neither bucket nor funnel change."""

    data: Place
    head: Manifest
    bucket: Bucket
    funnel: Funnel
    out: Place


@dataclass(frozen=True)
class Found:
    """Rows by type that follow, and `early_rows` from before their lead was created."""

    follows: Follows
    early: int


def follow(task: Following) -> Found:
    """Count, or read what was counted before."""
    said = json.dumps([task.bucket.content, asdict(task.funnel)]).encode()
    name = f"{task.bucket.number:05d}/follows-{hashlib.sha256(said).hexdigest()[:16]}.json"
    if task.out.exists(name):
        saved = task.out.read_json(name)
        return Found(Follows(**saved["follows"]), saved["early"])
    dataset = read_bucket(task.data, task.head, task.bucket)
    follows = Follows.of(dataset, Path.of(dataset.leads, dataset.lead_stages, task.funnel), task.funnel)
    lead, _ = recode(dataset.interactions["lead_id"], dataset.leads["lead_id"])
    early = int(np.count_nonzero(microseconds(dataset.interactions["at"]) < microseconds(dataset.leads["created_at"])[lead]))
    for old in task.out.names(f"{task.bucket.number:05d}"):
        if old.startswith("follows-"):
            task.out.remove(f"{task.bucket.number:05d}/{old}")
    task.out.write_json(name, {"follows": asdict(follows), "early": early})
    return Found(follows, early)
