"""Frames of interactions below one another, their categories joined instead of turned to text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from features.dataset.dataset import Dataset
from features.dataset.tables import concat_frames, conform, empty
from features.partitions.lead_tables import read_all
from features.partitions.manifest import Manifest
from features.partitions.segments import read_segments
from features.partitions.storage import Storage


def concat_interactions(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The rows of all parts in their order, as the table `interactions`."""
    return conform("interactions", concat_frames([empty("interactions"), *parts]))


def whole_dataset(storage: Storage) -> Dataset:
    """A partitioned dataset as one that is in memory, for what can work on no other.

    Raises
    ------
    DataError
        if a file is missing or damaged.
    """
    manifest = Manifest.read(storage)
    dataset = read_all(storage, manifest.whole, manifest)
    return replace(dataset, interactions=concat_interactions([read_segments(storage, b.segments) for b in manifest.buckets]))
