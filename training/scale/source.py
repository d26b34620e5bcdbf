"""Does a training go through buckets, and how its data get there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.files.settings import FilesSource
from features.dataset.dataset import META, read_meta
from features.partitions.executor import Engine, Tick
from features.partitions.inputs import Raw, in_memory
from features.partitions.manifest import Manifest, is_partitioned
from features.partitions.memory import PLAIN, Budget
from features.partitions.partition import add, partition
from features.partitions.storage import Place
from training.common.config import Config
from training.scale.stream import place_of

CSV_BYTES = 45  # an interaction in a CSV file, compressed or in Parquet rather less


def data_of(config: Config) -> Place | None:
    """The partitioned dataset that `dataset:` names, if it is one."""
    if config.dataset is None:
        return None
    text = str(config.dataset)
    place = Place.of(text.replace(":/", "://", 1) if ":/" in text and "://" not in text else config.path(config.dataset))
    return place if is_partitioned(place) else None


def streams(config: Config) -> bool:
    """By configuration, or because what `dataset:` or the files of `source:` hold would not fit into memory."""
    if config.engine.stream != "auto":
        return config.engine.stream == "always"
    if data_of(config) is not None:
        return True
    return not Budget(config.engine.memory).holds(_interactions(config))


def _interactions(config: Config) -> int:
    """How many interactions there are, about; 0 where only reading them would tell."""
    if config.dataset is not None:
        folder = config.path(config.dataset)
        return int(read_meta(folder)["rows"].get("interactions", 0)) if (folder / META).is_file() else 0
    if isinstance(config.source, FilesSource):
        folder = config.path(Path(config.source.folder).expanduser())
        paths = [folder / mapping.file for mapping in config.source.interactions]
        packed = {".gz": 8, ".parquet": 4, ".pq": 4}
        return sum(p.stat().st_size * packed.get(p.suffix, 1) // CSV_BYTES for p in paths if p.is_file())
    return 0


@contextmanager
def raw_of(config: Config, folder: Path | None = None) -> Iterator[Raw]:
    """What the configuration names, before it is validated; tables that are files already are not read."""
    if config.dataset is not None:
        yield Raw.of_folder(config.path(config.dataset))
        return
    if isinstance(config.source, FilesSource):
        source = config.source if folder is None else config.source.model_copy(update={"folder": str(folder.resolve())})
        from connectors.files.stream import raw_of_files

        found = raw_of_files(source, config.funnel.build(), config.path(Path()))
        if found is not None:
            yield found
            return
    from training.data.load import unvalidated

    dataset, report = unvalidated(config, folder=folder)
    with in_memory(dataset, report) as raw:
        yield raw


def partitioned(config: Config, engine: Engine, *, folder: Path | None = None, tick: Tick | None = None) -> Place:
    """The partitioned dataset of a configuration, made where there is none of this content yet."""
    known = data_of(config)
    if known is not None:
        return known
    place = place_of(config) / "data"
    with raw_of(config, folder) as raw:
        partition(place, raw, config.funnel.build(), engine, tick)
    return place


def partition_to(config: Config, out: Place, engine: Engine, *, day: Path | None, folder: Path | None, tick: Tick) -> Manifest:
    """`make partition`: everything into `out`, or, with `day` (a dataset folder of what is new), that day added to it."""
    funnel = config.funnel.build()
    if day is not None:
        return add(out, Raw.of_folder(day), funnel, engine, tick)
    with raw_of(config, folder) as raw:
        return partition(out, raw, funnel, engine, tick)


__all__ = ["PLAIN", "data_of", "partition_to", "partitioned", "raw_of", "streams"]
