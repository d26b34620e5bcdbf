"""Identical interactions count once, in memory and in buckets, and are told; those of a day without a time stay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.common.clock import DAY
from features.dataset.dataset import Dataset
from features.dataset.repeats import distinct, repeats_of
from features.dataset.validate import validate
from features.partitions.executor import Inline
from features.partitions.inputs import Raw
from features.partitions.lead_tables import read_bucket
from features.partitions.manifest import Manifest
from features.partitions.partition import partition
from features.partitions.storage import Storage
from tests.features.partitions.worlds import FUNNEL, SMALL, world

AT = pd.Timestamp("2026-01-05T10:00:00Z")
MIDNIGHT = pd.Timestamp("2026-01-05T00:00:00Z")
ROW = {"type": "visit", "at": AT, "value": np.nan, "content": None, "campaign": "spring", "direction": "in"}


@pytest.mark.parametrize(
    ("changes", "left_out", "same_day"),
    [
        ([{}, {}, {}], [False, True, True], 0),
        ([{}, {"at": AT + pd.Timedelta(1, "us")}], [False, False], 0),
        ([{}, {"value": 1.0}, {"value": 1.0}], [False, False, True], 0),
        ([{}, {"campaign": None}, {"content": "a"}, {"direction": "out"}, {"type": "mail"}], [False] * 5, 0),
        ([{"at": MIDNIGHT}, {"at": MIDNIGHT}, {}], [False, False, False], 1),
        ([{"lead": 1}, {}], [False, False], 0),
        ([], [], 0),
    ],
)
def test_rows_are_identical_where_all_columns_are(
    changes: list[dict[str, object]], left_out: list[bool], same_day: int
) -> None:
    rows = pd.DataFrame([{**ROW, "lead": 0, **change} for change in changes], columns=[*ROW, "lead"])
    rows["at"] = pd.to_datetime(rows["at"], utc=True).astype("datetime64[us, UTC]")
    repeats = repeats_of(rows.drop(columns="lead"), rows["lead"].to_numpy(np.int32))
    assert (repeats.left_out.tolist(), repeats.same_day) == (left_out, same_day)


def test_the_acts_of_one_lead_go_by_the_same_rule() -> None:
    assert distinct("abcde", ["x", "x", "x", "x", "y"], [DAY, DAY, 5, 5, 5]) == ["a", "b", "c", "e"]
    assert distinct("ab", ["x", "x"], [1, 2]) == ["a", "b"]


@pytest.mark.parametrize("per_row", [200, 2**30])
def test_a_dataset_in_memory_and_one_in_buckets_hold_the_same_rows_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, per_row: int
) -> None:
    monkeypatch.setattr("features.partitions.sorted_rows.PER_ROW", per_row)  # beyond memory, too
    dataset = world(5)
    acts = dataset.interactions
    days = acts.iloc[50:60].assign(at=acts["at"].iloc[50:60].dt.floor("D"))
    twice: Dataset = replace(
        dataset, interactions=pd.concat([acts, acts.iloc[:40], acts.iloc[:30], days, days], ignore_index=True)
    )
    once, report = validate(twice, FUNNEL)
    place = Storage.from_path(tmp_path / "buckets")
    manifest: Manifest = partition(place, Raw.of_folder(twice.write(tmp_path / "set")), FUNNEL, Inline(SMALL))
    rows = sum(len(read_bucket(place, manifest, bucket).interactions) for bucket in manifest.buckets)
    sentences = [note for note in manifest.report["notes"] if "equal" in note["what"]]
    assert rows == len(once.interactions) < len(twice.interactions)
    assert sentences == [note for note in report.to_dict()["notes"] if "equal" in note["what"]]
    assert {note["what"].partition(" that are ")[0]: note["count"] for note in sentences}.keys() == {
        "interactions", "interactions of days without a time",
    }  # fmt: skip
