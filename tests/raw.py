"""A dataset in memory as what partitions are made of."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from features.dataset.dataset import Dataset
from features.partitions.inputs import Raw


@contextmanager
def raw_in_memory(dataset: Dataset) -> Iterator[Raw]:
    """By way of a file that goes away."""
    with tempfile.TemporaryDirectory(prefix="ripeline") as scratch:
        yield Raw.of_dataset(dataset, Path(scratch) / "interactions.parquet")
