"""Files that are as they were are not parsed again; whatever differs is seen."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from features.dataset import erasures
from features.partitions.executor import Inline
from features.partitions.manifest import Manifest
from features.partitions.memory import Budget
from features.partitions.storage import Storage
from tests.training.data.test_load import ACTS, STAGES, configured
from training.common.config import Config
from training.scale import source
from training.scale.source import partition_to


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Config]:
    """The configurations whose files were read."""
    configs: list[Config] = []

    def read_source(config: Config, **options: object) -> object:
        configs.append(config)
        return load(config, **options)  # type: ignore[arg-type]

    load = source.read_source
    monkeypatch.setattr(source, "read_source", read_source)
    return configs


def partitioned(config: Config, folder: Path, bucket: int = 3) -> Manifest:
    return partition_to(config, Storage.from_path(folder), Inline(Budget(bucket=bucket)))


def test_what_is_as_it_was_is_not_read_again(tmp_path: Path, reads: list[Config], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = configured(tmp_path, {})
    first = partitioned(config, tmp_path / "data")
    os.utime(tmp_path / "acts.csv")
    assert partitioned(config, tmp_path / "data") == first
    assert len(reads) == 1


def _other_content(folder: Path) -> Config:
    """As many bytes, written at the same moment."""
    before = (folder / "acts.csv").stat()
    config = configured(folder, {"acts.csv": ACTS.replace("visit", "vixit")})
    os.utime(folder / "acts.csv", ns=(before.st_atime_ns, before.st_mtime_ns))
    return config


def _erased(folder: Path) -> Config:
    erasures.record_erasure("2")
    return configured(folder, {})


def _gone(folder: Path) -> Config:
    (folder / "data" / "buckets.json").unlink()
    return configured(folder, {})


@pytest.mark.parametrize(
    "change",
    [
        _other_content,
        lambda folder: configured(folder, {"stages.csv": STAGES.replace("lost", "customer")}),
        lambda folder: configured(folder, {}, {"values": {"type": {"visit": "web_visit", "*": None}}}),
        _erased,
        _gone,
    ],
    ids=["content", "another table", "mapping", "erased", "no partition"],
)
def test_what_differs_is_read(
    tmp_path: Path, reads: list[Config], monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], Config]
) -> None:
    monkeypatch.chdir(tmp_path)
    partitioned(configured(tmp_path, {}), tmp_path / "data")
    config = change(tmp_path)
    again = partitioned(config, tmp_path / "data")
    assert len(reads) == 2
    fresh = partitioned(config, tmp_path / "anew")
    assert (again.digest, again.report) == (fresh.digest, fresh.report)
    partitioned(config, tmp_path / "data", bucket=2)
    assert len(reads) == 4  # other buckets


def test_a_day_that_was_added_is_seen(tmp_path: Path, reads: list[Config], monkeypatch: pytest.MonkeyPatch) -> None:
    """Partitioning means what the configuration names, without the day."""
    monkeypatch.chdir(tmp_path)
    config = configured(tmp_path, {})
    first = partitioned(config, tmp_path / "data")
    day = source.read_source(config)[0].write(tmp_path / "day")
    assert partition_to(config, Storage.from_path(tmp_path / "data"), Inline(Budget(bucket=3)), day=day).added
    assert partitioned(config, tmp_path / "data").digest == first.digest
    assert len(reads) == 3
