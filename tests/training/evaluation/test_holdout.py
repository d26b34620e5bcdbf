"""Data from which something cannot be learned: a sentence that names cause and remedy, or what was done instead."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import yaml
from rich.console import Console

from connectors.simulator.settings import SimulatorSettings
from connectors.simulator.simulate import simulate
from features.common.errors import DataError
from features.dataset.dataset import Dataset
from features.dataset.validate import validate
from models.rules.rules import Rules
from tests.trained import SMALL, Trained
from tests.training.worlds import Turned
from training.common.config import Config
from training.common.progress import Steps
from training.data.prepare import prepare
from training.evaluation.final_model import final_model
from training.evaluation.holdout import Holdout, hold_out, next_difference
from training.policy.handover import handover


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Two years of a small business: how many leads it has decides nothing here."""
    return simulate(SimulatorSettings(leads=500, days=730, seed=12)).dataset


def held(dataset: Dataset, **funnel: object) -> Holdout:
    settings = yaml.safe_load(SMALL)
    settings["funnel"] |= funnel
    settings["search"] = {"trials": 1, "minutes": 0.01}
    config = Config.model_validate(settings)
    found = config.funnel.build()
    prepared = prepare(validate(dataset, found)[0], config, found, Rules.read())
    return hold_out(prepared, config, Steps(Console(file=io.StringIO())))


def never(dataset: Dataset, stages: Sequence[str]) -> Dataset:
    """Nobody ever came to these lead stages."""
    name = dataset.lead_stages["lead_stage"].astype(str)
    return replace(dataset, lead_stages=dataset.lead_stages[~name.isin(stages)].reset_index(drop=True))


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (900, r"the data span 7\d\d days and end before the 900 days to 'customer' have passed.*customer: 28\d"),
        (400, r"On 2025-\d\d-\d\d no landmark that could become 'customer' had matured: of the 7\d\d days.*takes 400"),
    ],
    ids=["never matured", "not before the cut"],
)
def test_a_horizon_longer_than_the_data_is_told_with_one_that_fits(dataset: Dataset, days: int, said: str) -> None:
    with pytest.raises(DataError, match=f"(?s){said}"):
        held(dataset, horizons={"mql": 30, "sql": 45, "customer": days})


def test_the_horizon_it_names_works(dataset: Dataset) -> None:
    """Although no landmark among SQLs has matured at the cut, rules and model both speak of them."""
    found = held(dataset, horizons={"mql": 30, "sql": 45, "customer": 289})
    for by in ("model", "rules"):
        said = found.probability[by][:, -1]
        assert np.isfinite(said).all()


def test_accounts_so_large_that_nobody_is_left_to_judge_on_are_told(dataset: Dataset) -> None:
    leads = dataset.leads.assign(company_id=[f"F{i % 3}" for i in range(len(dataset.leads))])
    with pytest.raises(DataError, match=r"accounts that are also learned from: there are 3 accounts[^$]*do not map it"):
        held(replace(dataset, leads=leads))


def test_a_lead_stage_nobody_reached_before_the_last_is_named(dataset: Dataset) -> None:
    with pytest.raises(DataError, match=r"(?s)No lead has ever become 'sql'.*'customer'.*mapped in `source: lead_stages:`"):
        held(never(dataset, ["sql", "customer"]))


def test_where_what_was_learned_is_worse_than_the_rules_these_are_the_model(turned: Turned) -> None:
    steps = Steps(Console(file=io.StringIO()))
    found = hold_out(turned.prepared, turned.config, steps)
    assert found.learned_worse is not None
    assert found.learned_worse.low > 0
    learned, model, rules = (found.results[name]["customer"]["log_loss"] for name in ("learned", "model", "rules"))
    assert learned > rules + found.learned_worse.low
    assert model == pytest.approx(rules, abs=0.01)
    assert (
        next_difference(
            turned.prepared, found.rows, found.labels, found.probability["model"], found.probability["rules"]
        ).verdict
        == "tied"
    )
    result = handover(turned.prepared, turned.config, found)
    final = final_model(turned.prepared, turned.config, found, result.policy, steps)
    assert "In this version the rules stand in for what was learned" in final.notes[0]
    x = turned.prepared.x(np.arange(400))
    moved = x.copy()
    moved[:, :-1] = np.nan
    assert (final.transitions[0].probability(x) == final.transitions[0].probability(moved)).all()


def test_a_model_that_is_no_worse_serves_as_it_was_learned(trained: Trained) -> None:
    found = trained.outcome.holdout
    assert found.learned_worse is None
    assert "learned" not in found.probability
    assert found.seconds > 0
