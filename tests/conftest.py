"""Shared fixtures: one small model, trained once per test run on a simulated CRM. And how thoroughly Hypothesis looks."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from connectors.simulator.settings import SimulatorSettings
from connectors.simulator.simulate import simulate
from connectors.simulator.simulation import Simulation
from features.dataset.dataset import Dataset
from tests.trained import SIMULATED, Trained, shared_training

# `make test` looks quickly, `make test-slow` deeply; a test that needs another number says so itself
settings.register_profile("quick", max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("deep", max_examples=1_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


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
    """`make train` on the small simulated CRM; a copy of this worker's own."""
    return shared_training(tmp_path_factory.mktemp("trained"))
