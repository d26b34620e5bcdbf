"""The small model that many tests share: `make train` on a simulated CRM, into an embedded MLflow of its own."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from models.model import FunnelModel

if TYPE_CHECKING:
    from training.train import Outcome

SIMULATED = {"leads": 1_500, "days": 730, "seed": 3}
# bounded in trials alone: a limit by the clock would give another model on a busy machine
SMALL = """
name: small
source: {kind: simulator, leads: 1500, days: 730, seed: 3}
funnel: {stages: [lead, mql, sql, customer], exits: [disqualified, lost], horizons: {mql: 30, sql: 45, customer: 90}}
landmarks: {ages: [0, 3, 14, 60]}
search: {trials: 2, minutes: 10}
sales: {capacity_per_week: 10, cost_per_contact: 25}
"""


@dataclass(frozen=True)
class Trained:
    """A finished training: `home` has mlflow.db, `config` is its YAML, `folder` the champion's model folder."""

    home: Path
    config: Path
    folder: Path
    model: FunnelModel
    printed: str
    outcome: Outcome


def train_small(home: Path) -> Trained:
    """Train in `home`, which is made; the working directory and the environment are as before afterwards."""
    from models.store import load
    from training.common.config import Config
    from training.jobs.score import fetch
    from training.train import train

    home.mkdir(parents=True, exist_ok=True)
    before, uri = Path.cwd(), os.environ.pop("MLFLOW_TRACKING_URI", None)
    os.chdir(home)
    try:
        config = home / "small.yaml"
        config.write_text(SMALL, encoding="utf-8")
        console = Console(width=120, file=io.StringIO())
        outcome = train(Config.read(config), console=console)
        folder = fetch("small", home / "champion", "champion")
        return Trained(home, config, folder, load(folder), console.file.getvalue(), outcome)  # type: ignore[attr-defined]
    finally:
        os.chdir(before)
        if uri is not None:
            os.environ["MLFLOW_TRACKING_URI"] = uri
