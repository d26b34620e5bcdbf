"""Known truth: the simulated CRM says what each lead's probability really was, so the model can be asked for it back.

Claim: on held-out leads of the default simulated CRM, later in time and of other accounts, probabilities are off from the true
ones by at most 0.02 on average (equal-sized bins), and the true probability rises by 0.9 to 1.15 per unit of the predicted one.
Takes about two minutes.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from features.clock import timestamps
from features.sources.simulator import simulate
from features.validate import validate
from models.rules import Rules
from training.config import Config
from training.evaluate import reliability
from training.prepare import prepare
from training.progress import Steps
from training.train import hold_out

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def predicted_and_true() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    config = Config.read(ROOT / "training" / "default.yaml")
    simulation = simulate()
    dataset, _ = validate(simulation.dataset, simulation.funnel)
    prepared = prepare(dataset, config, config.funnel.build(), Rules.read())
    held = hold_out(prepared, config, Steps(Console(file=io.StringIO())))
    looks = prepared.looks.take(held.rows)
    truth = simulation.truth(
        pd.DataFrame(
            {
                "lead_id": prepared.histories.leads["lead_id"].to_numpy(object)[looks.lead],
                "as_of": timestamps(looks.as_of),
                "lead_stage": np.array(prepared.funnel.stages)[looks.stage],
            }
        ),
        prepared.funnel,
    )
    found = {}
    for i, target in enumerate(prepared.funnel.targets):
        use = held.labels.matured[:, i]
        found[target] = held.probability["model"][use, i], truth[target].to_numpy()[use]
    return found


@pytest.mark.parametrize("target", ["mql", "sql", "customer"])
def test_probabilities_are_the_true_ones_on_average(predicted_and_true: dict, target: str) -> None:
    predicted, true = predicted_and_true[target]
    curve = reliability(true, predicted)
    assert np.average(np.abs(curve.said - curve.came), weights=curve.rows) <= 0.02
    assert 0.9 <= np.polyfit(predicted, true, 1)[0] <= 1.15
