"""A partitioned dataset made ready for a training: what the whole of it says, its matrix, and a part that fits into memory.

The tables with a row a lead are read whole, interactions never: what the catalogue, the audit and the encoders need of them are
counts that add up over buckets, so features and columns are those of a training that holds everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.common.clock import moment
from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset
from features.dataset.landmarks import AGES
from features.dataset.landmarks import Path as FunnelPath
from features.dataset.stage_rows import EARLY
from features.engine.histories import account_keys, by_account
from features.leakage import FollowCounts
from features.partitions.build_matrix import Built
from features.partitions.executor import Engine, Tick, run_all
from features.partitions.frames import concat_interactions
from features.partitions.lead_tables import read_all, read_bucket
from features.partitions.manifest import Manifest
from features.partitions.matrix import Store
from features.partitions.spec import Spec
from features.partitions.storage import Storage
from features.partitions.update import update
from models.model import LAST_INTERACTION
from models.rules.rules import Rules
from training.common.config import Config
from training.data.prepare import DatasetFacts, learn, with_horizons
from training.scale.follow import FollowTask, count_follows
from training.scale.judge import RulesJudge
from training.scale.memory import Size


@dataclass(frozen=True)
class StreamedData:
    """A partitioned dataset `manifest` in `data`, what it says (`facts`), and where its matrix is (`store`, `spec`)."""

    data: Storage
    manifest: Manifest
    store: Store
    facts: DatasetFacts
    spec: Spec
    report: DataReport

    @property
    def labels(self) -> list[str]:
        return [b.label for b in self.manifest.buckets]


def read(config: Config, data: Storage, out: Storage, rules: Rules, engine: Engine, tick: Tick | None = None) -> StreamedData:
    """What the whole of a partitioned dataset says; nothing of the matrix is built yet.

    Raises
    ------
    DataError, ConfigError
        as `training.data.prepare.learn`; or for a damaged bucket, which is named.
    """
    manifest = Manifest.read(data)
    funnel = config.funnel.build()
    lead_tables = read_all(data, manifest.whole, manifest)
    head = manifest.head
    tasks = [FollowTask(data, head, bucket, funnel, out) for bucket in manifest.buckets]
    bucket_follows = run_all(engine, count_follows, tasks, [b.label for b in manifest.buckets], tick)
    facts = learn(
        lead_tables,
        config,
        funnel,
        rules,
        known_interactions=(
            manifest.tally,
            FollowCounts.merged([f.follows for f in bucket_follows]),
        ),
    )
    path = FunnelPath.from_tables(by_account(lead_tables.leads)[0], lead_tables.lead_stages, funnel)
    full_funnel, notes = with_horizons(manifest.time, funnel, path, moment(lead_tables.extracted_at))
    facts = replace(facts, funnel=full_funnel, closing_notes=tuple(notes))
    dated = manifest.time == "dates"
    ages = config.landmarks.ages or (AGES if dated else (0.0,))
    spec = Spec(facts.feature_set, (LAST_INTERACTION,), RulesJudge(facts.rules), full_funnel, tuple(ages), ended_only=not dated)
    report = DataReport.from_dict(manifest.report)
    if not any(note.table == "interactions" and note.what == EARLY for note in report.notes):  # a day was added
        report.note("interactions", EARLY, sum(f.early_rows for f in bucket_follows), done="kept")
    again = sum(bucket.rows for bucket in manifest.buckets) - sum(f.rows for f in bucket_follows)
    report.warn("interactions", "rows that an earlier day had brought", again, done="each counts once")
    return StreamedData(data, manifest, Store(out), facts, spec, report)


def build(streamed: StreamedData, engine: Engine, tick: Tick | None = None) -> tuple[Built, ...]:
    """Bring the matrix up to date, bucket by bucket; finished ones are left alone.

    Raises
    ------
    DataError
        if buckets failed, each named; the others are finished.
    """
    return update(streamed.data, streamed.manifest, streamed.store, streamed.spec, engine, tick)


def sample(streamed: StreamedData, share: float) -> Dataset:
    """A share of the accounts, drawn by a hash of their names, with everything there is of them."""
    manifest = streamed.manifest
    lead_tables = read_all(streamed.data, manifest.whole, manifest)
    if share >= 1:
        return replace(lead_tables, interactions=_interactions(streamed, None))
    sampled = in_share(account_keys(lead_tables.leads), share)
    leads = lead_tables.leads[sampled].reset_index(drop=True)
    ids, companies = pd.Index(leads["lead_id"]), pd.Index(leads["company_id"].dropna().unique())
    changes, deals = lead_tables.attribute_changes, lead_tables.deals
    of_lead = (changes["entity"] == "lead").to_numpy(bool)
    change = np.where(of_lead, changes["id"].isin(ids), changes["id"].isin(companies))
    tables: Mapping[str, Any] = {
        "leads": leads,
        "companies": lead_tables.companies[lead_tables.companies["company_id"].isin(companies)].reset_index(drop=True),
        "lead_stages": lead_tables.lead_stages[lead_tables.lead_stages["lead_id"].astype("str").isin(ids)].reset_index(
            drop=True
        ),
        "attribute_changes": changes[change].reset_index(drop=True),
        "deals": deals[
            deals["lead_id"].isin(ids) | (deals["lead_id"].isna() & deals["company_id"].isin(companies))
        ].reset_index(drop=True),
        "interactions": _interactions(streamed, ids),
    }
    source = f"{manifest.source}, {share:.1%} of the accounts"
    return Dataset.from_tables(
        tables, extracted_at=lead_tables.extracted_at, source=source, time=lead_tables.time,
        without_history=lead_tables.without_history,
    )  # fmt: skip


def in_share(keys: pd.Series[Any], share: float) -> np.ndarray:
    """Which accounts (n,) are in a share of them: always the same, and those of a smaller share are in a larger one."""
    return np.asarray(pd.util.hash_array(keys.to_numpy(object)) < share * 2.0**64, bool)


def _interactions(streamed: StreamedData, ids: pd.Index | None) -> pd.DataFrame:
    """The interactions of these leads, bucket after bucket."""
    head = streamed.manifest.head
    parts = []
    for bucket in streamed.manifest.buckets:
        rows = read_bucket(streamed.data, head, bucket).interactions
        if ids is not None and len(rows):
            level_mask = rows["lead_id"].cat.categories.astype("str").isin(ids)
            rows = rows[level_mask[rows["lead_id"].cat.codes.to_numpy()]]
        parts.append(rows)
    return concat_interactions(parts)


def size_of(streamed: StreamedData) -> Size:
    """Of the matrix, once it is built."""
    landmarks = [r.landmarks for b in streamed.manifest.buckets if (r := streamed.store.record(b.number))]
    return Size(sum(landmarks), len(streamed.spec.model_columns), max(landmarks, default=0))


def storage_of(config: Config) -> Storage:
    """Where buckets and matrix of a configuration lie."""
    folder = config.engine.folder
    if folder and "://" in folder:
        return Storage.from_path(folder)
    return Storage.from_path(config.path(Path(folder or Path("artefacts") / config.name / "scale")))
