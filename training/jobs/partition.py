"""`make partition`: a dataset of any size into sorted buckets of whole accounts, at once or day by day."""

from __future__ import annotations

from pathlib import Path

from features.dataset.data_report import DataReport
from features.partitions.manifest import Manifest
from features.partitions.storage import Storage
from training.common.config import Config
from training.common.progress import Steps, terminal
from training.executors import opened
from training.scale.source import partition_to


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
        console.print(line, highlight=False, soft_wrap=True)
    largest = max((b.rows for b in manifest.buckets), default=0)
    console.print(
        f"{manifest.rows:,} interactions in {len(manifest.buckets):,} buckets, the largest with {largest:,}, in {storage}.",
        highlight=False,
    )
    return manifest
