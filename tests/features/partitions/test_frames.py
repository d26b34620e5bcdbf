"""A partition read back is the dataset that validating gives."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from features.dataset.validate import validate
from features.partitions.frames import whole_dataset
from tests.features.partitions.worlds import FUNNEL, partitioned, world


def test_read_back_it_is_the_dataset_that_validating_gives(tmp_path: Path) -> None:
    dataset = world(4)
    place, _ = partitioned(dataset, tmp_path)
    clean, _ = validate(dataset, FUNNEL)
    found = whole_dataset(place)
    for name, frame in clean.tables.items():
        columns = list(frame.columns)
        texts = [frame[columns].astype("str"), found.tables[name][columns].astype("str")]
        mine, theirs = (t.sort_values(columns, ignore_index=True) for t in texts)
        pd.testing.assert_frame_equal(mine, theirs)
