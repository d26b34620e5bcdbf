"""Does a training go through buckets, and how its data get there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from connectors.crm.settings import CrmSource
from connectors.files.settings import FilesSource
from features.dataset.dataset import META, read_meta
from features.dataset.persons import screen_dataset, screen_interactions
from features.partitions.database import spill_folder
from features.partitions.executor import Engine, Tick
from features.partitions.inputs import Raw
from features.partitions.manifest import Manifest, is_partitioned
from features.partitions.memory import Budget
from features.partitions.partition import add, partition
from features.partitions.reading import Groups
from features.partitions.storage import Storage
from training.common.config import Config
from training.data.load import clock_report, erased_leads, imported_folder, read_source
from training.scale.stream import storage_of
from training.scale.unchanged import remember, source_digest, unchanged

CSV_BYTES = 45  # an interaction in a CSV file, compressed or in Parquet rather less


def dataset_storage(config: Config) -> Storage | None:
    """The partitioned dataset that `dataset:` names, if it is one."""
    if config.dataset is None:
        return None
    text = str(config.dataset)
    storage = Storage.from_path(
        text.replace(":/", "://", 1) if ":/" in text and "://" not in text else config.path(config.dataset)
    )
    return storage if is_partitioned(storage) else None


def streams(config: Config) -> bool:
    """By configuration, or because what `dataset:` or the files of `source:` hold would not fit into memory."""
    if config.engine.stream != "auto":
        return config.engine.stream == "always"
    if dataset_storage(config) is not None:
        return True
    return not Budget(config.engine.memory).holds(_interactions(config))


def _interactions(config: Config) -> int:
    """How many interactions there are, about; 0 where only reading them would tell."""
    if config.sources:
        return sum(map(_interactions, config.parts))
    if config.dataset is not None:
        folder = config.path(config.dataset)
        return int(read_meta(folder)["rows"].get("interactions", 0)) if (folder / META).is_file() else 0
    if isinstance(config.source, FilesSource):
        folder = config.path(Path(config.source.folder).expanduser())
        paths = [folder / mapping.file for mapping in config.source.interactions]
        inflation = {".gz": 8, ".parquet": 4, ".pq": 4}
        return sum(p.stat().st_size * inflation.get(p.suffix, 1) // CSV_BYTES for p in paths if p.is_file())
    return 0


@contextmanager
def open_raw(config: Config, engine: Engine, out: Storage, folder: Path | None = None) -> Iterator[Raw]:
    """What the configuration names, before it is validated, where the workers of the engine can read it.

    Interactions that are in no Parquet file are put into one for as long as the block lasts: where sorting spills to, or, on a
    cluster, into the object store `out` unless `spill:` names a folder that all workers see.
    """
    if isinstance(config.source, CrmSource) and config.dataset is None:
        raw = Raw.of_folder(imported_folder(config))
        raw = replace(raw, report=clock_report(raw.lean))
        yield raw.without(erased_leads(raw.lean, raw.report))
        return
    with ExitStack() as stack:
        file = stack.enter_context(spill_folder(engine.budget, out)) / "interactions.parquet"
        if config.dataset is not None:
            raw = Raw.of_folder(config.path(config.dataset))
            raw = _screened(replace(raw, report=clock_report(raw.lean)), file)
        else:
            dataset, report = read_source(config, folder=folder, interactions=file)
            raw = Raw.of_dataset(dataset, file, report)
        if raw.rows and file.is_file() and engine.distributed and not engine.budget.spill and out.local is None:
            name = f"work/staged-{raw.digest[:16]}.parquet"
            stack.callback(out.remove, name)
            out.upload(name, file)
            raw = raw.moved(f"{out}/{name}")
        yield raw.without(erased_leads(raw.lean, raw.report))


def _screened(raw: Raw, file: Path) -> Raw:
    """A dataset that others may have written, without what speaks of a person; its interactions are copied into `file` where
    they had to change."""
    lean, report = screen_dataset(raw.lean)
    for groups in raw.rows.files:
        of_file = screen_interactions(Path(groups.path), file)
        report = report.merge(of_file)
        if of_file.notes:
            raw = replace(raw, rows=replace(raw.rows, files=(Groups.from_file(file),)))
    return replace(raw, lean=lean, report=raw.report.merge(report))


def partitioned(config: Config, engine: Engine, *, folder: Path | None = None, tick: Tick | None = None) -> Storage:
    """The partitioned dataset of a configuration, made where there is none of this content yet."""
    existing = dataset_storage(config)
    if existing is not None:
        return existing
    storage = storage_of(config) / "data"
    partition_to(config, storage, engine, folder=folder, tick=tick)
    return storage


def partition_to(
    config: Config,
    out: Storage,
    engine: Engine,
    *,
    day: Path | None = None,
    folder: Path | None = None,
    tick: Tick | None = None,
) -> Manifest:
    """`make partition`: everything into `out`, or, with `day` (a dataset folder of what is new), that day added to it."""
    funnel = config.funnel.build()
    if day is not None:
        with spill_folder(engine.budget, out) as scratch:
            raw = _screened(Raw.of_folder(day), scratch / "interactions.parquet")
            return add(out, raw.without(erased_leads(raw.lean, raw.report)), funnel, engine, tick)
    digest = source_digest(config, folder, engine.budget)
    if manifest := unchanged(out, digest):
        return manifest
    with open_raw(config, engine, out, folder) as raw:
        manifest = partition(out, raw, funnel, engine, tick)
    remember(out, digest, manifest)
    return manifest


__all__ = ["dataset_storage", "open_raw", "partition_to", "partitioned", "streams"]
