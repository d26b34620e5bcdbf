"""`make partition`, and `make score` of a dataset larger than memory."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

import pandas as pd

from features.common.errors import ConfigError
from features.dataset.data_report import DataReport
from features.partitions.lock import folder_lock
from features.partitions.manifest import Manifest, is_partitioned
from features.partitions.storage import Storage
from training.common.config import Config
from training.common.overall_progress import OverallBar
from training.common.progress import Steps, terminal
from training.executors import opened
from training.jobs.score_partitions import score_buckets, write_scores
from training.scale.source import partition_to, partitioned, streams
from training.scale.stream import storage_of


def run_partition(config: Config, out: str, *, day: Path | None = None, folder: Path | None = None) -> Manifest:
    """Partition what the configuration names into the folder or URL `out`, or add a day to what is there; say what came of it.

    Raises
    ------
    RipelineError
        for anything the user can put right.
    """
    console = terminal()
    storage = Storage.from_path(out)
    with Steps(console).running() as steps, opened(config) as engine:
        tick = steps.step("Partitioning" if day is None else "Adding")
        manifest = partition_to(config, storage, engine, day=day, folder=folder, tick=tick)
    for line in DataReport.from_dict(manifest.report).lines():
        console.print(line, highlight=False)
    largest = max((b.rows for b in manifest.buckets), default=0)
    console.print(
        f"{manifest.rows:,} interactions in {len(manifest.buckets):,} buckets, the largest with {largest:,}, in {storage}.",
        highlight=False,
    )
    return manifest


def scores_stream(config: Config, dataset: Path | None) -> bool:
    """Is a batch scored bucket by bucket?"""
    if dataset is not None:
        return is_partitioned(Storage.from_path(dataset))
    return streams(config)


def run_score(
    config: Config,
    out: Path,
    *,
    dataset: Path | None = None,
    as_of: str | None = None,
    model_folder: Path | None = None,
    previous: Path | None = None,
) -> int:
    """Score every open lead, bucket by bucket, and write one file; prints how many and where. Returns their number.

    Raises
    ------
    RipelineError
        for a missing model, damaged buckets (each is named), an unreadable moment, or a file of unknown kind.
    """
    from models.store import load
    from training.common import tracking
    from training.jobs.score import moment_of, recommended

    if out.suffix not in (".csv", ".parquet"):
        raise ConfigError(f"OUT={out} has the ending {out.suffix!r}.", "Name a .csv or .parquet file.")
    previous_actions = recommended(previous) if previous else {}
    console = terminal()
    with ExitStack() as stack:
        steps = stack.enter_context(Steps(console).running())
        engine = stack.enter_context(opened(config))
        bar = OverallBar(steps, "Scoring", {"partition": 30, "score": 65, "write": 5})
        storage = storage_of(config) / "matrix"
        stack.enter_context(folder_lock(storage, "scoring"))
        partition_tick = bar.stage("partition")
        data = Storage.from_path(dataset) if dataset else partitioned(config, engine, tick=partition_tick)
        moment = moment_of(as_of, pd.Timestamp(Manifest.read(data).extracted_at))
        folder = model_folder
        if folder is None:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            folder = tracking.download(config.name, scratch)
        model = load(folder)
        scores = score_buckets(folder, data, storage, moment, engine, previous=previous_actions, tick=bar.stage("score"))
        bar.stage("write")
        write_scores(scores, storage, out, model, engine)
        bar.end()
    actions = ", ".join(f"{count:,} {action}" for action, count in sorted(scores.actions.items(), key=lambda a: (-a[1], a[0])))
    console.print(
        f"{scores.leads:,} open leads scored as of {moment:%Y-%m-%d %H:%M} UTC into {out}: {actions or 'none'}.",
        highlight=False,
    )
    return scores.leads
