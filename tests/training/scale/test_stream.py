"""A training by way of buckets learns from what one of a dataset in memory does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console

from features.dataset.dataset import Dataset
from features.dataset.persons import screen_dataset
from features.dataset.validate import validate
from features.partitions.partition import add, partition
from features.partitions.storage import Storage
from tests.raw import raw_in_memory
from tests.training.scale.worlds import ENGINE, config_of
from training.common.progress import Steps
from training.data.prepare import prepare
from training.scale.stream import read, sample
from training.scale.training_data import open_training_data, rules_of


def test_all_that_a_training_learns_from_is_equal(few: Dataset, tmp_path: Path) -> None:
    few.write(tmp_path / "set")
    config = config_of(tmp_path)
    with Steps(Console(file=None, quiet=True)).running() as steps, open_training_data(config, None, steps) as given:
        found, data = given.prepared, given.dataset
        assert given.share == 1
        assert given.extend_fit is None
    clean, _ = validate(screen_dataset(Dataset.read(tmp_path / "set"))[0], config.funnel.build())
    wanted = prepare(clean, config, config.funnel.build(), rules_of(config))
    np.testing.assert_array_equal(found.rows, wanted.rows)
    np.testing.assert_array_equal(found.points.points, wanted.points.points)
    np.testing.assert_array_equal(found.account, wanted.account)
    np.testing.assert_array_equal(found.looks.as_of, wanted.looks.as_of)
    assert found.funnel == wanted.funnel  # with the horizon that is chosen from the data
    assert found.feature_set.checksum == wanted.feature_set.checksum
    assert found.notes == wanted.notes
    assert found.audit == wanted.audit
    assert len(data.interactions) == len(clean.interactions)
    stored = Storage.from_path(tmp_path / "artefacts" / "few" / "scale" / "matrix")
    assert stored.exists("00000/record.json")


def test_a_part_of_the_accounts_is_whole_accounts(few: Dataset, tmp_path: Path) -> None:
    few.write(tmp_path / "set")
    config = config_of(tmp_path)
    place, out = Storage.from_path(tmp_path / "data"), Storage.from_path(tmp_path / "matrix")
    with raw_in_memory(few) as raw:
        partition(place, raw, config.funnel.build(), ENGINE)
    streamed = read(config, place, out, rules_of(config), ENGINE)
    part = sample(streamed, 0.5)
    assert 0.2 < len(part.leads) / len(few.leads) < 0.8
    kept = set(part.leads["company_id"])
    assert few.leads[few.leads["company_id"].isin(kept)]["lead_id"].isin(part.leads["lead_id"]).all()
    assert set(part.interactions["lead_id"].astype("str")) <= set(part.leads["lead_id"])
    more = sample(streamed, 0.8)
    assert kept <= set(more.leads["company_id"])


def test_what_a_day_brings_again_counts_once_and_is_told(few: Dataset, tmp_path: Path) -> None:
    few.write(tmp_path / "set")
    config, funnel = config_of(tmp_path), config_of(tmp_path).funnel.build()
    place, out = Storage.from_path(tmp_path / "data"), Storage.from_path(tmp_path / "matrix")
    with raw_in_memory(few) as raw:
        partition(place, raw, funnel, ENGINE)
    timed = few.interactions["at"].dt.normalize() != few.interactions["at"]
    again = few.interactions[timed].iloc[:7]
    day = Dataset.from_tables(
        {"leads": few.leads.iloc[:0], "interactions": again}, extracted_at=few.extracted_at + pd.Timedelta(hours=1)
    )
    with raw_in_memory(day) as raw:
        add(place, raw, funnel, ENGINE)
    streamed = read(config, place, out, rules_of(config), ENGINE)
    told = [note.count for note in streamed.report.notes if note.what == "rows that an earlier day had brought"]
    assert told == [7]
