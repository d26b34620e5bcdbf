"""A dataset is cut into buckets by one command, and scored from them into one file by the command that scores any."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from features.common.errors import ConfigError
from features.dataset.dataset import Dataset
from tests.training.scale.worlds import config_of
from training.jobs.partition import run_partition
from training.jobs.score import ScoreJob, score_dataset


def test_what_is_partitioned_is_scored_bucket_by_bucket(
    few: Dataset, partitioned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    few.write(tmp_path / "set")
    config = config_of(tmp_path)
    manifest = run_partition(config, str(tmp_path / "data"))
    assert manifest.rows == len(few.interactions)
    assert f"{manifest.rows:,} interactions in {len(manifest.buckets)} buckets" in capsys.readouterr().out
    for name, in_buckets in (("data", True), ("set", False)):
        assert ScoreJob(config, Path("scores.csv"), tmp_path / name, None, None, {}).in_buckets == in_buckets
    leads = score_dataset(
        tmp_path / "few.yaml", Path("scores.csv"), dataset=tmp_path / "data", as_of="2025-01-01",
        model_folder=partitioned / "model",
    )  # fmt: skip
    assert len(pd.read_csv(tmp_path / "scores.csv")) == leads > 50
    assert f"{leads:,} open leads scored as of" in capsys.readouterr().out
    with pytest.raises(ConfigError, match=r"has the ending '\.xlsx'"):
        score_dataset(tmp_path / "few.yaml", Path("scores.xlsx"), dataset=tmp_path / "data")
