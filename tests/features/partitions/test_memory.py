"""What neither memory nor disk can hold is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from features.common.errors import DataError
from features.partitions.memory import Budget
from tests.features.partitions.worlds import partitioned, world


def test_what_memory_and_disk_cannot_hold_is_said(tmp_path: Path) -> None:
    dataset = world(10, rows=60_000)
    texts = [f"{i:06d}" + "x" * 1_500 for i in range(len(dataset.interactions))]
    wide = replace(dataset, interactions=dataset.interactions.assign(content=texts))
    with pytest.raises(DataError, match=r"want of room(.|\n)*engine: \{spill"):
        partitioned(wide, tmp_path, Budget(memory=16 * 2**20, disk=2**10, bucket=100_000))
