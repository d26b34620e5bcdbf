"""Shared fixtures: one small model, trained once per test run on a simulated CRM."""

from __future__ import annotations

import pytest

from connectors.simulator.settings import SimulatorSettings
from connectors.simulator.simulate import simulate
from connectors.simulator.simulation import Simulation
from features.dataset.dataset import Dataset
from tests.trained import SIMULATED, Trained, train_small


@pytest.fixture(scope="session")
def simulation() -> Simulation:
    """A simulated CRM of 1,500 leads over two years."""
    return simulate(SimulatorSettings(**SIMULATED))


@pytest.fixture(scope="session")
def dataset(simulation: Simulation) -> Dataset:
    """Its dataset."""
    return simulation.dataset


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """`make train` on the small simulated CRM, into an embedded MLflow of its own."""
    return train_small(tmp_path_factory.mktemp("trained"))
