"""Frames of interactions below one another, their categories joined instead of turned to text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
from pandas.api.types import union_categoricals

from features.dataset.dataset import Dataset
from features.dataset.tables import conform, empty
from features.partitions.lead_tables import read_all
from features.partitions.manifest import Manifest
from features.partitions.segments import read_segments
from features.partitions.storage import Storage


def concat_frames(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The rows of all parts in their order, as the table `interactions`."""
    parts = [part for part in parts if len(part)]
    if not parts:
        return empty("interactions")
    series = {}
    for name in parts[0].columns:
        columns = [part[name] for part in parts]
        if all(isinstance(c.dtype, pd.CategoricalDtype) for c in columns):
            trimmed = [c.cat.remove_unused_categories() for c in columns]
            texts = [c.cat.rename_categories(list(c.cat.categories.astype("str"))) for c in trimmed]
            series[name] = pd.Series(union_categoricals(texts))
        else:
            series[name] = pd.concat(columns, ignore_index=True)
    return conform("interactions", pd.DataFrame(series))


def whole_dataset(storage: Storage) -> Dataset:
    """A partitioned dataset as one that is in memory, for what can work on no other.

    Raises
    ------
    DataError
        if a file is missing or damaged.
    """
    manifest = Manifest.read(storage)
    dataset = read_all(storage, manifest.whole, manifest)
    return replace(dataset, interactions=concat_frames([read_segments(storage, b.segments) for b in manifest.buckets]))
