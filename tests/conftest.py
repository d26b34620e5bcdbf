"""Shared fixtures: one small model, trained once per test run on a simulated CRM."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from features.dataset import Dataset
from features.sources.simulator import Simulation, SimulatorSettings, simulate
from models.model import FunnelModel

if TYPE_CHECKING:
    from training.train import Outcome

SMALL = """
name: small
source: {kind: simulator, leads: 1500, days: 730, seed: 3}
funnel: {stages: [lead, mql, sql, customer], exits: [disqualified, lost], horizons: {mql: 30, sql: 45, customer: 90}}
landmarks: {ages: [0, 3, 14, 60]}
search: {trials: 2, minutes: 0.1}
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


@pytest.fixture(scope="session")
def simulation() -> Simulation:
    """A simulated CRM of 1,500 leads over two years."""
    return simulate(SimulatorSettings(leads=1_500, days=730, seed=3))


@pytest.fixture(scope="session")
def dataset(simulation: Simulation) -> Dataset:
    """Its dataset."""
    return simulation.dataset


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    """`make train` on the small simulated CRM, into an embedded MLflow of its own."""
    from models.store import load
    from training.config import Config
    from training.score import fetch
    from training.train import train

    home = tmp_path_factory.mktemp("trained")
    before, uri = Path.cwd(), os.environ.pop("MLFLOW_TRACKING_URI", None)
    os.chdir(home)
    try:
        config = home / "small.yaml"
        config.write_text(SMALL, encoding="utf-8")
        console = Console(width=120, file=io.StringIO())
        outcome = train(Config.read(config), console=console)
        folder = fetch("small", home / "champion", "champion")
        yield Trained(home, config, folder, load(folder), console.file.getvalue(), outcome)
    finally:
        os.chdir(before)
        if uri is not None:
            os.environ["MLFLOW_TRACKING_URI"] = uri
