"""Known truth: the simulated CRM says what each lead's probability really was, so the model can be asked for it back.

Claim: on held-out accounts of the default simulated CRM, probabilities are off from the true ones by at most 0.02 on average
(equal-sized bins), also on landmarks later than anything learned. In the time that was learned from, the true probability
rises by 0.9 to 1.1 per unit of the predicted one. Later, the simulated base rate is 5 to 13 % higher than before, which nobody
could know; there it rises by up to 1.25. Of the groups of later leads scored alike, the 90 % intervals hold the true rate of at
least 85 %.
Takes about two minutes.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from connectors.simulator.simulate import simulate
from connectors.simulator.simulation import Simulation
from features.common.clock import timestamps
from features.dataset.validate import validate
from models.calibration.chain import chain
from models.calibration.intervals import chain_intervals
from models.rules.rules import Rules
from training.common.config import Config
from training.common.progress import Steps
from training.data.prepare import Prepared, prepare
from training.evaluation.coverage import groups
from training.evaluation.evaluate import reliability
from training.evaluation.holdout import Holdout, hold_out
from training.fit.splits import separate_accounts

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Side:
    """Landmarks of held-out accounts: predicted and true probability of each target that has matured."""

    predicted: dict[str, np.ndarray]
    true: dict[str, np.ndarray]


@pytest.fixture(scope="module")
def world() -> tuple[Side, Side, float]:
    """Held-out accounts in the time that was learned from, and later; the share of true rates in their interval."""
    config = Config.read(ROOT / "training" / "default.yaml")
    simulation = simulate()
    dataset, _ = validate(simulation.dataset, simulation.funnel)
    prepared = prepare(dataset, config, config.funnel.build(), Rules.read())
    held = hold_out(prepared, config, Steps(Console(file=io.StringIO())))
    labels, as_of = prepared.labels(prepared.extracted_at), prepared.looks.as_of
    early, _ = separate_accounts(as_of < held.cut, (as_of >= held.cut) & labels.matured.any(axis=1), prepared.account)
    same = np.flatnonzero((as_of < held.cut) & ~early)
    sides = [_side(simulation, prepared, held, rows) for rows in (same, held.rows)]
    return sides[0], sides[1], _inside(simulation, prepared, held)


def _truth(simulation: Simulation, prepared: Prepared, rows: np.ndarray) -> pd.DataFrame:
    looks = prepared.looks.take(rows)
    landmarks = {
        "lead_id": prepared.histories.leads["lead_id"].to_numpy(object)[looks.lead],
        "as_of": timestamps(looks.as_of),
        "lead_stage": np.array(prepared.funnel.stages)[looks.stage],
    }
    return simulation.truth(pd.DataFrame(landmarks), prepared.funnel)


def _side(simulation: Simulation, prepared: Prepared, held: Holdout, rows: np.ndarray) -> Side:
    truth = _truth(simulation, prepared, rows)
    said = chain(held.fit.transitions, prepared.x(rows), prepared.looks.stage[rows])[1]
    known = prepared.labels(prepared.extracted_at).matured[rows]
    names = list(enumerate(prepared.funnel.targets))
    return Side({t: said[known[:, i], i] for i, t in names}, {t: truth[t].to_numpy()[known[:, i]] for i, t in names})


def _inside(simulation: Simulation, prepared: Prepared, held: Holdout) -> float:
    """Share of groups (lead stage, time, probability) whose mean true probability lies in their interval."""
    truth = _truth(simulation, prepared, held.rows).to_numpy()
    stage, as_of = prepared.looks.stage[held.rows], prepared.looks.as_of[held.rows]
    conditional, said = chain(held.fit.transitions, prepared.x(held.rows), stage)
    low, high = chain_intervals([t.interval for t in held.fit.transitions], conditional, said)
    inside = []
    for target in range(said.shape[1]):
        for begin in range(target + 1):
            rows = np.flatnonzero(held.labels.matured[:, target] & (stage == begin))
            some = (v[rows, target] for v in (said, low, high))
            for group in groups(*some, held.labels.reached[rows, target], as_of[rows], prepared.account[held.rows[rows]]):
                here = rows[group.rows]
                inside.append(low[here, target].mean() <= truth[here, target].mean() <= high[here, target].mean())
    return float(np.mean(inside))


TARGETS = ["mql", "sql", "customer"]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("later", "slope"), [(False, (0.9, 1.1)), (True, (0.9, 1.25))], ids=["same time", "later"])
def test_probabilities_are_the_true_ones_on_average(
    world: tuple[Side, Side, float], target: str, later: bool, slope: tuple[float, float]
) -> None:
    side = world[int(later)]
    predicted, true = side.predicted[target], side.true[target]
    curve = reliability(true, predicted)
    assert np.average(np.abs(curve.mean_probability - curve.observed_rate), weights=curve.rows) <= 0.02
    assert slope[0] <= np.polyfit(predicted, true, 1)[0] <= slope[1]


def test_intervals_hold_the_true_rates(world: tuple[Side, Side, float]) -> None:
    assert world[2] >= 0.85
