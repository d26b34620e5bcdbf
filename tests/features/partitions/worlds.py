"""Tiny datasets for buckets: accounts of one to five people, colleagues' mails, attribute changes, late and unknown rows."""

from __future__ import annotations

import pathlib
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from features.attributes.learn import learn_encoders
from features.catalogue import catalogue
from features.common.clock import DAY, moment, timestamps
from features.dataset.dataset import Dataset
from features.dataset.funnel import Funnel
from features.dataset.landmarks import Path, landmarks
from features.dataset.tables import empty
from features.dataset.validate import validate
from features.engine.build import build
from features.engine.feature_set import FeatureSet
from features.engine.histories import Histories, data_profile
from features.engine.scanners import mail_roles
from features.feature import Feature, InteractionFilter
from features.partitions.executor import Engine, Inline
from features.partitions.manifest import Manifest
from features.partitions.matrix import Block, Store
from features.partitions.memory import Budget
from features.partitions.partition import partition
from features.partitions.spec import Spec
from features.partitions.storage import Storage
from features.partitions.update import update
from features.spec import Count
from tests.raw import raw_in_memory

FUNNEL = Funnel(("lead", "mql", "customer"), ("lost",), {"mql": 20.0, "customer": 40.0})
AGES = (0.0, 2.0, 10.0)
TYPES = ("email_sent", "email_opened", "email_clicked", "page_view", "webinar_attended", "form_submitted")
START = moment(pd.Timestamp("2025-01-01", tz="UTC"))
SPAN = 120
SMALL = Budget(memory=2**30, bucket=330)


def world(seed: int, leads: int = 30, rows: int = 600) -> Dataset:
    """Everything there is until the last of `SPAN` days; interactions in no order."""
    random = np.random.default_rng(seed)
    ids = np.array([f"L{i:03d}" for i in random.permutation(leads)], object)
    company = np.where(random.random(leads) < 0.75, [f"C{c:02d}" for c in random.integers(0, leads // 3, leads)], None)
    created = START + random.integers(0, 60 * DAY, leads)
    tables = {
        "leads": pd.DataFrame(
            {
                "lead_id": ids,
                "created_at": timestamps(created),
                "company_id": company,
                "source": random.choice(["ads", "web", "Fair"], leads),
                "budget": np.where(random.random(leads) < 0.2, np.nan, random.integers(1, 90, leads) * 100.0),
                "registered": timestamps(created - 5 * DAY).astype("str"),
            }
        ),
        "companies": pd.DataFrame(
            {
                "company_id": [f"C{c:02d}" for c in range(leads // 3)],
                "industry": random.choice(["software", "retail"], leads // 3),
                "employees": random.integers(1, 5_000, leads // 3).astype(float),
            }
        ),
        "interactions": _interactions(random, ids, rows),
        "lead_stages": _stages(random, ids, created),
        "attribute_changes": pd.DataFrame(
            {
                "entity": "lead",
                "id": random.choice(ids, 12),
                "column": random.choice(["source", "budget"], 12),
                "value": [str(v) for v in random.choice(["ads", "web", "700"], 12)],
                "at": timestamps(START + random.integers(0, SPAN * DAY, 12)),
            }
        ),
    }
    at = pd.Timestamp(START + SPAN * DAY, unit="us", tz="UTC")
    return Dataset.from_tables(tables, extracted_at=at, source="tiny")


def turning_away(dataset: Dataset) -> Dataset:
    """The same where clicks are unsubscribes and a few page views are complaints, too few for features of their own."""
    rows = dataset.interactions.astype({"type": "str"})
    kind = rows["type"].to_numpy(object).copy()
    kind[kind == "email_clicked"] = "unsubscribed"
    kind[np.flatnonzero(kind == "page_view")[::10]] = "Spam-Beschwerde"
    return replace(dataset, interactions=rows.assign(type=kind))


def _interactions(random: np.random.Generator, ids: np.ndarray, rows: int) -> pd.DataFrame:
    kind = random.choice(len(TYPES), rows)
    at = START + random.integers(0, (SPAN + 2) * DAY, rows)  # some after the extraction
    near = random.random(rows) < 0.3
    at[1:][near[1:]] = at[:-1][near[1:]] + random.integers(0, 8_000_000, near[1:].sum())  # within seconds: scanners
    direction = np.where(kind == 0, "out", random.choice(["in", "in", "sideways"], rows))
    return pd.DataFrame(
        {
            "lead_id": np.where(random.random(rows) < 0.02, "nobody", random.choice(ids, rows)),
            "type": np.array(TYPES, object)[kind],
            "at": timestamps(at),
            "value": np.where(random.random(rows) < 0.5, np.nan, random.integers(0, 100, rows).astype(float)),
            "content": random.choice([None, "guide", "case", "price"], rows),
            "campaign": random.choice([None, "spring"], rows),
            "direction": direction,
        }
    )


def _stages(random: np.random.Generator, ids: np.ndarray, created: np.ndarray) -> pd.DataFrame:
    found = []
    for lead, begin in zip(ids, created, strict=True):
        at = int(begin)
        for stage in ("mql", random.choice(["customer", "lost"])):
            at += int(random.integers(1, 30 * DAY))
            if random.random() < 0.6 and at < START + SPAN * DAY:
                found.append((lead, stage, at))
            else:
                break
    frame = pd.DataFrame(found, columns=["lead_id", "lead_stage", "at"])
    return frame.assign(at=timestamps(frame["at"].to_numpy(np.int64)))


@dataclass(frozen=True)
class Judged:
    """Three points for each page view of the last month."""

    digest: str = "three"

    @property
    def features(self) -> tuple[Feature, ...]:
        return (Count(InteractionFilter("page_view", ("page_view",)), 30.0),)

    def points(self, behaviour: Block, values: object) -> np.ndarray:
        return 3.0 * behaviour[0].astype(np.float64)


def spec_of(dataset: Dataset) -> Spec:
    """The columns that a dataset in memory would have."""
    clean, _ = validate(dataset, FUNNEL)
    seen = data_profile(clean)
    encoders, _ = learn_encoders({"lead": clean.leads, "company": clean.companies}, min_level_rows=5)
    features = FeatureSet(
        tuple(catalogue(seen, FUNNEL)), tuple(encoders), seen.types, mail_roles(seen.types), seen.turning_away
    )
    return Spec(features, (), Judged(), FUNNEL, AGES)


def in_memory(dataset: Dataset, spec: Spec) -> tuple[pd.DataFrame, np.ndarray]:
    """lead_id and as_of of each landmark, and (columns, landmarks), the way a training in memory makes them."""
    clean, _ = validate(dataset, FUNNEL)
    known = spec.feature_set
    histories = Histories.from_dataset(clean, known.types, known.mail, known.turning_away)
    path = Path.from_tables(histories.leads, clean.lead_stages, FUNNEL)
    looks = landmarks(path, moment(clean.extracted_at), AGES)
    rows = build(spec.plan, known.encoders, histories, looks)
    points = 3 * rows[spec.feature_set.attribute_columns + spec.plan.features.index(Judged().features[0])]
    index = pd.DataFrame({"lead_id": histories.leads["lead_id"].to_numpy(object)[looks.lead], "as_of": looks.as_of})
    return index, np.concatenate((rows, points[None]))


def built(data: Storage, manifest: Manifest, out: Storage, spec: Spec, engine: Engine | None = None) -> int:
    """Bring a matrix up to date; how many landmarks were computed."""
    return sum(f.computed for f in update(data, manifest, Store(out), spec, engine or Inline(SMALL)))


def read_matrix(out: Storage, manifest: Manifest, spec: Spec) -> tuple[pd.DataFrame, np.ndarray]:
    """lead_id and as_of of each landmark, and (columns, landmarks), bucket after bucket."""
    store = Store(out)
    records = [store.record(b.number) for b in manifest.buckets]
    index = pd.concat([store.index(r) for r in records if r], ignore_index=True)
    return index, np.concatenate([store.block(r, spec.columns) for r in records if r], axis=1)


def until(dataset: Dataset, day: int, since: int | None = None) -> Dataset:
    """What was known at the end of a day; with `since` only the interactions after the end of that one, and of the other tables
    what is new."""
    end, begin = START + day * DAY, START + (since or 0) * DAY

    def between(frame: pd.DataFrame, column: str) -> pd.DataFrame:
        at = frame[column].astype("int64").to_numpy() if len(frame) else np.zeros(0, np.int64)
        return frame[(at <= end) & ((at > begin) | (since is None))].reset_index(drop=True)

    leads = between(dataset.leads, "created_at")
    return replace(
        dataset,
        leads=leads,
        companies=dataset.companies if since is None else empty("companies"),
        interactions=between(dataset.interactions, "at"),
        lead_stages=between(dataset.lead_stages, "at"),
        attribute_changes=between(dataset.attribute_changes, "at"),
        extracted_at=pd.Timestamp(end, unit="us", tz="UTC"),
    )


def partitioned(dataset: Dataset, where: pathlib.Path | str, budget: Budget = SMALL) -> tuple[Storage, Manifest]:
    place = Storage.from_path(where)
    with raw_in_memory(dataset) as raw:
        return place, partition(place, raw, FUNNEL, Inline(budget))
