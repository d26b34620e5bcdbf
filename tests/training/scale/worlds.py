"""A configuration that streams 300 leads, whole accounts."""

from __future__ import annotations

from pathlib import Path

from features.partitions.executor import Inline
from features.partitions.memory import Budget
from training.common.config import Config

ENGINE = Inline(Budget(bucket=15_000))


def config_of(folder: Path, stream: str = "always", **engine: object) -> Config:
    path = folder / "few.yaml"
    path.write_text(
        "name: few\ndataset: set\nfunnel: {stages: [lead, mql, sql, customer], exits: [disqualified, lost], "
        "horizons: {mql: 30, sql: 45}}\nlandmarks: {ages: [0, 3, 14]}\n"
        f"engine: {{stream: {stream}, workers: 1, bucket: 8000"
        + "".join(f", {name}: {value}" for name, value in engine.items())
        + "}\n",
        encoding="utf-8",
    )
    return Config.read(path)
