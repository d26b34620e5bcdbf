"""Whether a training is streamed."""

from __future__ import annotations

import shutil
from pathlib import Path

from features.dataset.dataset import Dataset
from features.partitions.partition import partition
from features.partitions.storage import Storage
from tests.raw import raw_in_memory
from tests.tiny import FUNNEL
from tests.training.scale.worlds import ENGINE, config_of
from training.scale.source import streams


def test_size_or_configuration_decide(few: Dataset, tmp_path: Path) -> None:
    few.write(tmp_path / "set")
    assert not streams(config_of(tmp_path, "auto"))
    assert streams(config_of(tmp_path, "auto", memory="20MiB"))
    assert streams(config_of(tmp_path, "always"))
    assert not streams(config_of(tmp_path, "never", memory="20MiB"))
    with raw_in_memory(few) as raw:
        shutil.rmtree(tmp_path / "set")
        partition(Storage.from_path(tmp_path / "set"), raw, FUNNEL, ENGINE)
    assert streams(config_of(tmp_path, "auto"))
