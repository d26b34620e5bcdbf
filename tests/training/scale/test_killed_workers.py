"""A worker killed while a training or a batch is streamed costs nothing."""

from __future__ import annotations

from pathlib import Path

from features.dataset.dataset import Dataset
from features.partitions.memory import Budget
from features.partitions.storage import Storage
from tests.training.executors.deadly import Killing
from tests.training.scale.worlds import ENGINE, config_of
from training.executors.local import LocalEngine
from training.jobs.score_partitions import score_buckets
from training.scale.stream import build, read
from training.scale.training_data import rules_of


def test_a_worker_killed_in_features_and_in_scoring_costs_nothing(few: Dataset, partitioned: Path, tmp_path: Path) -> None:
    few.write(tmp_path / "set")
    config, data = config_of(tmp_path), Storage.from_path(partitioned / "data")
    with LocalEngine(Budget(workers=2, bucket=8_000)) as local:
        engine = Killing(local, tmp_path)
        found = read(config, data, Storage.from_path(tmp_path / "one"), rules_of(config), engine)
        rows = [(b.landmarks, b.scanned) for b in build(found, engine)]
        job = score_buckets(partitioned / "model", data, Storage.from_path(tmp_path / "scores"), few.extracted_at, engine)
    wanted = read(config, data, Storage.from_path(tmp_path / "two"), rules_of(config), ENGINE)
    assert rows == [(b.landmarks, b.scanned) for b in build(wanted, ENGINE)]
    alone = score_buckets(partitioned / "model", data, Storage.from_path(tmp_path / "alone"), few.extracted_at, ENGINE)
    assert job == alone
    killed = {path.name.removeprefix("killed-in-") for path in tmp_path.glob("killed-in-*")}
    assert killed == {"count_follows", "build_buckets", "score_bucket"}
