"""Batch scoring of a partitioned dataset: bucket by bucket, with the code that scores a dataset in memory."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import pandas as pd
import pyarrow as pa

from features.common.files import whole_file
from features.partitions.database import database, parquet, quoted, spill_folder
from features.partitions.executor import Engine, Tick, run_all
from features.partitions.lead_tables import read_bucket
from features.partitions.manifest import Bucket, Manifest
from features.partitions.storage import Storage
from models.batch import empty_scores, score_open
from models.decision.recommend import Action
from models.model import FunnelModel
from models.store import load

PreviousActions = Mapping[str, tuple[Action, pd.Timestamp]]


@dataclass(frozen=True)
class ScoringTask:
    """A bucket whose open leads are scored as of a moment (ISO 8601), by the model in the folder `model` of `out`; the scores
    go to the folder `folder` of it. `previous`: what was recommended before."""

    data: Storage
    head: Manifest
    bucket: Bucket
    out: Storage
    model: str
    folder: str
    as_of: str
    previous: PreviousActions


@dataclass(frozen=True)
class ScoredBucket:
    """What a bucket gave: its file, empty where no lead is open, and leads by action."""

    file: str
    leads: int
    actions: dict[str, int]


def score_bucket(task: ScoringTask) -> ScoredBucket:
    """Score, unless it is done already: idempotent."""
    marker = f"{task.folder}/{task.bucket.number:05d}.json"
    if task.out.exists(marker):
        return ScoredBucket(**task.out.read_json(marker))
    dataset = read_bucket(task.data, task.head, task.bucket)
    model = _model(task.out.url, task.model)
    scores = score_open(model, dataset, pd.Timestamp(task.as_of), previous=task.previous, threads=1)  # a worker has one core
    name = f"{task.folder}/{task.bucket.number:05d}.parquet" if len(scores) else ""
    if name:
        task.out.write_table(name, pa.Table.from_pandas(scores, preserve_index=False))
    actions = {str(a): int(n) for a, n in scores["action"].value_counts().items()} if len(scores) else {}
    bucket_result = ScoredBucket(name, len(scores), actions)
    task.out.write_json(marker, {"file": name, "leads": len(scores), "actions": actions})
    return bucket_result


@lru_cache(maxsize=2)
def _model(url: str, folder: str) -> FunnelModel:
    """A model folder that lies where the matrix lies, read once in each process."""
    storage = Storage(url) / folder
    if storage.local:
        return load(storage.local)
    with tempfile.TemporaryDirectory(prefix="ripeline") as scratch:
        _fetch(storage, Path(scratch))
        return load(Path(scratch))


def _fetch(storage: Storage, folder: Path) -> None:
    for name in json.loads(storage.read("names.json")):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(storage.read(name))


def share_model(out: Storage, folder: Path) -> str:
    """Put a model folder where every worker finds it; returns its name there."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    checksums = [[str(p.relative_to(folder)), hashlib.sha256(p.read_bytes()).hexdigest()] for p in files]
    name = f"models/{hashlib.sha256(json.dumps(checksums).encode()).hexdigest()[:16]}"
    if out.local:
        if not (out.local / name).is_dir():
            (out.local / "models").mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=out.local / "models") as scratch:
                shutil.copytree(folder, Path(scratch) / "model")
                (Path(scratch) / "model").rename(out.local / name)
    elif not out.exists(f"{name}/names.json"):
        for path in files:
            out.write(f"{name}/{path.relative_to(folder)}", path.read_bytes())
        out.write_json(f"{name}/names.json", [file for file, _ in checksums])
    return name


@dataclass(frozen=True)
class BatchScores:
    """Scores of everything: `parts` in no order, `leads` and what is recommended for how many."""

    parts: list[str]
    leads: int
    actions: dict[str, int]


def score_buckets(
    model_folder: Path,
    data: Storage,
    out: Storage,
    as_of: pd.Timestamp,
    engine: Engine,
    *,
    previous: PreviousActions | None = None,
    tick: Tick | None = None,
) -> BatchScores:
    """Score every open lead of a partitioned dataset; finished buckets of the same model, moment and content are kept.

    Raises
    ------
    DataError
        if buckets failed, each named; the others are finished.
    """
    manifest = Manifest.read(data)
    model = share_model(out, model_folder)
    head = manifest.head
    key_parts = [model, as_of.isoformat(), sorted((k, a, t.isoformat()) for k, (a, t) in (previous or {}).items())]
    previous_by_bucket = _by_bucket(data, manifest, previous or {})
    tasks = []
    for bucket in manifest.buckets:
        key = hashlib.sha256(json.dumps([*key_parts, bucket.content]).encode()).hexdigest()[:16]
        tasks.append(
            ScoringTask(data, head, bucket, out, model, f"scores/{key}", as_of.isoformat(), previous_by_bucket[bucket.number])
        )
    results = run_all(engine, score_bucket, tasks, [b.label for b in manifest.buckets], tick)
    _remove_stale(out, {task.folder.partition("/")[2] for task in tasks})
    actions: dict[str, int] = {}
    for part in results:
        for action, count in part.actions.items():
            actions[action] = actions.get(action, 0) + count
    return BatchScores([f.file for f in results if f.file], sum(f.leads for f in results), actions)


def _by_bucket(data: Storage, manifest: Manifest, previous: PreviousActions) -> dict[int, PreviousActions]:
    """Earlier recommendations of the leads of each bucket."""
    previous_by_bucket: dict[int, PreviousActions] = {}
    for bucket in manifest.buckets:
        if previous:
            ids = data.read_arrow(bucket.tables["leads"], columns=["lead_id"]).column("lead_id").to_pylist()
            previous_by_bucket[bucket.number] = {name: previous[name] for name in ids if name in previous}
        else:
            previous_by_bucket[bucket.number] = {}
    return previous_by_bucket


def _remove_stale(out: Storage, current_names: set[str]) -> None:
    for name in out.names("scores"):
        if name not in current_names:
            out.remove(f"scores/{name}")


def write_scores(scores: BatchScores, storage: Storage, file: Path, model: FunnelModel, engine: Engine) -> None:
    """All parts as one .csv or .parquet file, best first (an external sort), ordered as by `models.batch.score_open`."""
    if not scores.parts:
        with whole_file(file) as partial:
            empty_scores(model).to_csv(partial, index=False) if file.suffix == ".csv" else empty_scores(model).to_parquet(
                partial, index=False
            )
        return
    budget = replace(engine.budget, workers=1)
    with ExitStack() as stack:
        paths = [stack.enter_context(storage.local_file(name)) for name in scores.parts]
        partial = stack.enter_context(whole_file(file))
        spill = stack.enter_context(spill_folder(budget, storage))
        connection = stack.enter_context(database(budget.of_database, engine.budget.workers, spill, budget))
        kind = "CSV, HEADER" if file.suffix == ".csv" else "PARQUET, COMPRESSION zstd"
        order = f'"p_{model.funnel.final}" DESC, lead_id'
        connection.execute("SET preserve_insertion_order = true")
        connection.execute(
            f"COPY (SELECT * FROM {_union_query(paths)} ORDER BY {order}) TO {quoted(str(partial))} (FORMAT {kind})"  # noqa: S608
        )


def _union_query(paths: Sequence[Path]) -> str:
    """Parts whose columns may be of other types where a bucket has no value at all."""
    return parquet(*paths).removesuffix(")") + ", union_by_name = true)"
