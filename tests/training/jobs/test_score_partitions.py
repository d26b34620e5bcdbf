"""The scores of a batch by way of buckets are those of a dataset in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.dataset.dataset import Dataset
from features.dataset.validate import validate
from features.partitions.storage import Storage
from models.batch import score_open
from tests.tiny import FUNNEL, tiny_model
from tests.training.scale.worlds import ENGINE
from training.jobs.score_partitions import score_buckets, write_scores


@pytest.mark.parametrize("kind", [".csv", ".parquet"])
def test_scores_are_those_of_a_batch_in_memory(few: Dataset, partitioned: Path, tmp_path: Path, kind: str) -> None:
    out, data = Storage.from_path(tmp_path / "matrix"), Storage.from_path(partitioned / "data")
    as_of = few.extracted_at
    clean, _ = validate(few, FUNNEL)
    wanted = score_open(tiny_model(), clean, as_of)
    ticks: list[int] = []
    job = score_buckets(partitioned / "model", data, out, as_of, ENGINE, tick=lambda done, of: ticks.append(done))
    write_scores(job, out, tmp_path / f"scores{kind}", tiny_model(), ENGINE)
    read = pd.read_csv if kind == ".csv" else pd.read_parquet
    found = read(tmp_path / f"scores{kind}")
    assert found["lead_id"].tolist() == wanted["lead_id"].tolist()
    for name in ("p_customer", "points", "expected_value"):
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-12)
    assert found["reasons"].tolist() == wanted["reasons"].tolist()
    assert job.leads == len(wanted)
    assert ticks[-1] == len(ticks)
    again = score_buckets(partitioned / "model", data, out, as_of, ENGINE)
    assert again == job


def test_scores_keep_what_was_recommended_before(few: Dataset, partitioned: Path, tmp_path: Path) -> None:
    clean, _ = validate(few, FUNNEL)
    first = score_open(tiny_model(), clean, few.extracted_at)
    before = {
        str(lead): (action, few.extracted_at - pd.Timedelta(days=1))
        for lead, action in zip(first["lead_id"], first["action"], strict=True)
    }
    out = Storage.from_path(tmp_path)
    job = score_buckets(
        partitioned / "model", Storage.from_path(partitioned / "data"), out, few.extracted_at, ENGINE, previous=before
    )
    wanted = score_open(tiny_model(), clean, few.extracted_at, previous=before)["action"].value_counts()
    assert job.actions == {str(a): int(n) for a, n in wanted.items()}
