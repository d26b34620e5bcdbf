"""The true probabilities of the simulator, against labels that these tests read off the dataset by themselves."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from connectors.simulator.hazards import FITS, Hazards
from connectors.simulator.interest import STATES, transitions
from connectors.simulator.settings import SimulatorSettings
from connectors.simulator.simulate import simulate
from connectors.simulator.simulation import Simulation
from connectors.simulator.truth import probabilities
from features.common.errors import ConfigError, DataError
from features.dataset.funnel import Funnel

AGES = (0, 1, 3, 7, 14, 30, 60, 90)


MOMENT = pd.Timedelta(microseconds=1)


PAIRS = [("lead", "mql"), ("lead", "sql"), ("lead", "customer"), ("mql", "sql"), ("mql", "customer"), ("sql", "customer")]


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate(SimulatorSettings(leads=6_000, days=600, seed=11))


@pytest.fixture(scope="module")
def reached(simulation: Simulation) -> pd.DataFrame:
    stages = simulation.dataset.lead_stages.astype({"lead_id": str, "lead_stage": str})
    return stages.pivot(index="lead_id", columns="lead_stage", values="at")


def landmarks_of(simulation: Simulation, reached: pd.DataFrame, offset: pd.Timedelta = MOMENT) -> pd.DataFrame:
    """A row per lead stage and age at which the lead was still there."""
    end = simulation.dataset.extracted_at
    pieces = []
    for stage, following in zip(simulation.funnel.open_stages, simulation.funnel.targets, strict=True):
        ends = reached[[following, "disqualified", "lost"]].min(axis=1).fillna(end)
        for age in AGES:
            as_of = reached[stage] + pd.Timedelta(days=age) + offset
            there = as_of[as_of < ends]
            pieces.append(pd.DataFrame({"lead_id": there.index, "as_of": there.to_numpy(), "lead_stage": stage}))
    out = pd.concat(pieces, ignore_index=True)
    return out.assign(as_of=pd.to_datetime(out["as_of"], utc=True))


def label(landmarks: pd.DataFrame, reached: pd.DataFrame, funnel: Funnel, target: str) -> np.ndarray:
    """Naively: every lead stage from the next one to the target is reached after as_of and within its own horizon."""
    out = []
    at = {step: reached[step].to_dict() for step in funnel.stages if step in reached}
    for lead_id, as_of, stage in zip(landmarks["lead_id"], landmarks["as_of"], landmarks["lead_stage"], strict=True):
        steps = funnel.stages[funnel.position(stage) + 1 : funnel.position(target) + 1]
        times = [at[step][lead_id] for step in steps]
        limits = [as_of + pd.Timedelta(days=funnel.horizons[step]) for step in steps]
        out.append(all(as_of < time <= limit for time, limit in zip(times, limits, strict=True)))
    return np.array(out)


def matured(landmarks: pd.DataFrame, simulation: Simulation, funnel: Funnel, stage: str, target: str) -> pd.DataFrame:
    steps = funnel.stages[funnel.position(stage) + 1 : funnel.position(target) + 1]
    longest = pd.Timedelta(days=max(funnel.horizons[step] for step in steps))
    known = landmarks["as_of"] + longest < simulation.dataset.extracted_at
    return landmarks[known & (landmarks["lead_stage"] == stage)]


def deviation(labels: np.ndarray, truth: np.ndarray, account: pd.Series) -> float:
    """Sum of label - truth in standard errors; people of one company go together, so companies are what is counted."""
    by_account = pd.Series(labels - truth).groupby(account.to_numpy()).sum()
    return float(by_account.sum() / np.sqrt((by_account**2).sum()))


@pytest.mark.parametrize(
    ("funnel", "offset"),
    [
        (Funnel(horizons={"mql": 60, "sql": 90, "customer": 180}), MOMENT),
        (Funnel(horizons={"mql": 21, "sql": 14.5, "customer": 45}), 5 * MOMENT),
    ],
)
def test_labels_agree_with_the_truth(
    simulation: Simulation, reached: pd.DataFrame, funnel: Funnel, offset: pd.Timedelta
) -> None:
    """Per lead stage and target, in all and by tenths of the truth; also for horizons that are no whole days or fall."""
    landmarks = landmarks_of(simulation, reached, offset)
    truth = simulation.truth(landmarks, funnel)
    leads = simulation.dataset.leads.set_index("lead_id")["company_id"]
    account = landmarks["lead_id"].map(leads).fillna(landmarks["lead_id"])
    worst = []
    for stage, target in PAIRS:
        rows = matured(landmarks, simulation, funnel, stage, target)
        p = truth.loc[rows.index, target].to_numpy()
        y = label(rows, reached, funnel, target)
        assert abs(deviation(y, p, account[rows.index])) < 3
        tenth = np.argsort(np.argsort(p, kind="stable"), kind="stable") * 10 // len(p)
        worst += [
            deviation(y[tenth == i], p[tenth == i], account[rows.index][tenth == i])
            for i in range(10)
            if y[tenth == i].sum() > 10
        ]
    assert np.max(np.abs(worst)) < 3.7  # the largest of some fifty
    assert np.std(worst) < 1.35


def test_the_truth_is_coherent_and_silent_about_what_is_past(simulation: Simulation, reached: pd.DataFrame) -> None:
    landmarks = landmarks_of(simulation, reached).sample(4_000, random_state=1)
    truth = simulation.truth(landmarks, simulation.funnel)
    assert truth.index.equals(landmarks.index)
    assert truth.columns.tolist() == ["mql", "sql", "customer"]
    position = landmarks["lead_stage"].map(simulation.funnel.position).to_numpy()
    for k, target in enumerate(simulation.funnel.targets, start=1):
        assert (truth[target].isna().to_numpy() == (position >= k)).all()
    filled = truth.to_numpy()
    assert not (np.diff(filled, axis=1) > 1e-12).any()
    assert np.nanmin(filled) > 0
    assert np.nanmax(filled) < 1


def test_longer_horizons_are_likelier(simulation: Simulation, reached: pd.DataFrame) -> None:
    landmarks = landmarks_of(simulation, reached).head(500)
    short = simulation.truth(landmarks, Funnel(horizons={"mql": 30, "sql": 60, "customer": 90}))
    long = simulation.truth(landmarks, Funnel(horizons={"mql": 31, "sql": 90, "customer": 180}))
    assert (short < long).all(axis=None)


def test_one_step_and_two_steps_by_hand() -> None:
    """Chances p and q of going on and of leaving, whatever the state: what can be reached in one or two days."""
    p, q = 0.2, 0.1
    shape = (2, 5, len(FITS), STATES)
    chances = Hazards(np.full(shape, p), np.full(shape, q))
    moves = transitions(np.ones(5))
    table = probabilities(np.array([0, 2]), [1], chances, moves)
    np.testing.assert_allclose(table, p)
    table = probabilities(np.array([0, 2]), [1, 2], chances, moves)
    np.testing.assert_allclose(table[0], p * p)
    np.testing.assert_allclose(table[1], p + (1 - p - q) * p)
    table = probabilities(np.array([1]), [2, 3], chances, moves)
    stay = 1 - p - q
    np.testing.assert_allclose(table[0], p * (p + stay * p) + stay * p * p)


def test_the_hidden_state_counts_by_hand() -> None:
    """Only the highest level of a warm company converts: on the second day the chance is that of having got there."""
    advance = np.zeros((1, 3, len(FITS), STATES))
    advance[..., STATES - 1] = 1.0
    moves = transitions(np.array([1.0, 2.0, 0.5]))
    table = probabilities(np.array([1]), [2], Hazards(advance, np.zeros_like(advance)), moves)
    np.testing.assert_allclose(table[0, 0, :, STATES - 2], moves[1, STATES - 2, STATES - 1])
    np.testing.assert_allclose(table[0, 0, :, STATES - 1], 1.0)


def test_the_truth_looks_at_nothing_after_as_of(simulation: Simulation, reached: pd.DataFrame) -> None:
    """Other states on later days, and nothing seen of anybody: the same answer."""
    day = 200
    begin = simulation.dataset.extracted_at - pd.Timedelta(days=600 - day)
    landmarks = landmarks_of(simulation, reached)
    landmarks = landmarks[(landmarks["as_of"] >= begin) & (landmarks["as_of"] < begin + pd.Timedelta(days=1))]
    assert len(landmarks) > 20
    state = simulation._paths.state.copy()
    state[day + 1 :] = STATES - 1 - state[day + 1 :]
    silent = dataclasses.replace(simulation.dataset, interactions=simulation.dataset.interactions.head(0))
    other = dataclasses.replace(simulation, dataset=silent, _paths=dataclasses.replace(simulation._paths, state=state))
    pd.testing.assert_frame_equal(simulation.truth(landmarks, simulation.funnel), other.truth(landmarks, simulation.funnel))


def test_within_a_day_of_the_lead_the_truth_stays(simulation: Simulation, reached: pd.DataFrame) -> None:
    landmarks = landmarks_of(simulation, reached).head(300)
    later = landmarks.assign(as_of=landmarks["as_of"] + pd.Timedelta(hours=23))
    later = later[later["as_of"] < simulation.dataset.extracted_at]
    one, two = (simulation.truth(x, simulation.funnel) for x in (landmarks.loc[later.index], later))
    pd.testing.assert_frame_equal(one, two)


def test_a_sample_gets_the_same_answers_as_all(simulation: Simulation, reached: pd.DataFrame) -> None:
    landmarks = landmarks_of(simulation, reached)
    some = landmarks.sample(200, random_state=2)
    whole = simulation.truth(landmarks, simulation.funnel).loc[some.index]
    pd.testing.assert_frame_equal(simulation.truth(some, simulation.funnel), whole, rtol=1e-9)
    assert simulation.truth(landmarks.head(0), simulation.funnel).shape == (0, 3)


def test_interactions_tell_of_the_truth(simulation: Simulation, reached: pd.DataFrame) -> None:
    """Leads seen on product or pricing pages in the last month have better chances; scanner clicks say nothing."""
    landmarks = landmarks_of(simulation, reached)
    landmarks = landmarks[
        (landmarks["lead_stage"] == "lead")
        & (landmarks["as_of"] > simulation.dataset.extracted_at - 200 * pd.Timedelta(days=1))
    ]
    landmarks = landmarks.drop_duplicates("lead_id", keep="last")
    truth = simulation.truth(landmarks, simulation.funnel)["mql"].to_numpy()
    rows = simulation.dataset.interactions
    as_of = rows["lead_id"].astype(str).map(landmarks.set_index("lead_id")["as_of"])
    recent = ((rows["at"] < as_of) & (rows["at"] > as_of - pd.Timedelta(days=30))).to_numpy()
    pages = rows["type"].isin(["product_page_view", "pricing_page_view"]).to_numpy()
    keen = landmarks["lead_id"].isin(set(rows.loc[recent & pages, "lead_id"])).to_numpy()
    scanned = landmarks["lead_id"].isin(set(rows.loc[recent & simulation.bots, "lead_id"])).to_numpy()
    assert truth[keen].mean() > 1.5 * truth[~keen].mean()
    assert 0.8 < truth[scanned].mean() / truth[~scanned].mean() < 1.25


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lead_id": "L9999999"}, "no such lead was simulated"),
        ({"lead_stage": "mgl"}, "there is no such lead stage"),
        ({"lead_stage": "disqualified"}, "a lead that left has no landmark"),
        ({"lead_stage": "customer"}, "not in this lead stage then"),
        ({"as_of": pd.Timestamp("2001-01-01", tz="UTC")}, "not yet created"),
        ({"as_of": pd.Timestamp("2031-01-01", tz="UTC")}, "after extraction"),
    ],
)
def test_a_landmark_that_cannot_be_is_refused(
    simulation: Simulation, reached: pd.DataFrame, change: dict, message: str
) -> None:
    landmarks = landmarks_of(simulation, reached).head(1).assign(**change)
    with pytest.raises(DataError, match=message):
        simulation.truth(landmarks, simulation.funnel)


def test_another_funnel_is_refused(simulation: Simulation, reached: pd.DataFrame) -> None:
    landmarks = landmarks_of(simulation, reached).head(1)
    with pytest.raises(ConfigError, match="no horizon for 'sql'"):
        simulation.truth(landmarks, Funnel(horizons={"mql": 60}))
    with pytest.raises(ConfigError, match="is not the simulated one: did you mean 'customer'"):
        simulation.truth(landmarks, Funnel(("lead", "mql", "sql", "custommer")))
