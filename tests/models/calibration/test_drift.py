"""Drift: low where leads are like those of training, high where one of their attributes is not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from connectors.simulator.settings import SimulatorSettings
from connectors.simulator.simulate import simulate
from features.common.clock import moment
from features.dataset.landmarks import Path as Way
from features.dataset.landmarks import landmarks
from features.engine.histories import Histories
from models.batch import scoring_input
from models.calibration.drift import FEWEST, MAX_FEATURES, Drift, Window
from models.common.types import Matrix
from models.score import split
from models.store import DRIFT, MANIFEST, load, save
from tests.tiny import tiny_model
from tests.trained import Trained


def rows(size: int, seed: int = 0, shift: float = 0.0) -> Matrix:
    """Five columns: real numbers, a count, a flag, one that is often missing, one that nobody has."""
    random = np.random.default_rng(seed)
    x = np.stack(
        [
            random.normal(shift, 1, size),
            random.poisson(1.0, size).astype(float),
            (random.random(size) < 0.3).astype(float),
            np.where(random.random(size) < 0.4, np.nan, random.normal(size=size)),
            np.full(size, np.nan),
        ],
        axis=1,
    )
    return x.astype(np.float32)


NAMES = ("real", "count", "flag", "gaps", "never")


def learned() -> Drift:
    contributions = np.tile([1.0, 0.5, 0.25, 0.2, 0.05, 9.0], (3_000, 1))
    found = Drift.learn(rows(3_000), contributions, NAMES)
    assert found is not None
    return found


def test_the_strongest_first_and_the_base_value_is_no_feature() -> None:
    assert learned().features == NAMES
    assert learned().weights.sum() == pytest.approx(1)


def test_the_same_kind_of_leads_do_not_drift() -> None:
    found = learned().measure(rows(3_000, seed=1))
    assert max(found.features.values()) < 0.02
    assert found.overall < 0.01


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("real", lambda column: column + 1),
        ("count", lambda column: column + 2),
        ("flag", np.ones_like),
        ("gaps", lambda column: np.full_like(column, np.nan)),
        ("never", np.ones_like),
        ("real", lambda column: np.full_like(column, 1e30)),
        ("real", lambda column: np.full_like(column, np.inf)),
    ],
)
def test_what_changed_is_the_one_that_drifts(name: str, change: object) -> None:
    x = rows(3_000, seed=1)
    column = NAMES.index(name)
    x[:, column] = change(x[:, column])  # type: ignore[operator]
    found = learned().measure(x)
    assert found.features[name] > 0.25
    assert max(value for other, value in found.features.items() if other != name) < 0.02
    assert np.isfinite(found.overall)


def test_the_window_holds_the_last_ones() -> None:
    window = Window(learned(), size=1_000)
    assert window.drift() is None
    for row in rows(FEWEST - 1, seed=1):
        window.see(row[None, :])
    assert window.drift() is None, "too few to say anything"
    for begin in range(0, 5_000, 700):
        window.see(rows(700, seed=begin, shift=1.5))
    found = window.drift()
    assert found is not None
    assert found.features["real"] > 0.25
    window.see(rows(2_500, seed=9))
    again = window.drift()
    assert again is not None
    assert again.features["real"] < 0.05, "what was before has gone"
    assert window.leads == 1_000
    window.forget()
    assert window.drift() is None


def test_with_too_few_rows_nothing_is_learned() -> None:
    assert Drift.learn(rows(FEWEST - 1), np.ones((FEWEST - 1, 6)), NAMES) is None
    assert Drift.learn(rows(FEWEST), np.zeros((FEWEST, 6)), NAMES) is None


def test_it_lies_in_the_model_folder_and_older_ones_are_read_without(tmp_path: Path) -> None:
    model = tiny_model()
    assert load(save(model, tmp_path / "old")).drift is None
    width = len(model.names)
    x = np.random.default_rng(0).normal(size=(500, width)).astype(np.float32)
    drift = Drift.learn(x, np.ones((500, width + 1)), model.names)
    assert drift is not None
    assert len(drift.features) == MAX_FEATURES
    folder = save(replace(model, drift=drift), tmp_path / "new")
    again = load(folder).drift
    assert again is not None
    assert again.to_dict() == drift.to_dict()
    assert DRIFT in json.loads((folder / MANIFEST).read_text())["files"], "a changed byte is refused"


def seen(trained: Trained, seed: int, **settings: object) -> Matrix:
    """x of the landmarks of another simulated business."""
    dataset = simulate(SimulatorSettings(leads=1_500, days=730, seed=seed)).dataset
    if settings:
        dataset = replace(dataset, leads=dataset.leads.assign(**settings))
    model = trained.model
    histories = Histories.from_dataset(dataset, model.feature_set.types, model.feature_set.mail)
    way = Way.from_tables(histories.leads, dataset.lead_stages, model.funnel)
    looks = landmarks(way, moment(dataset.extracted_at), (0, 3, 14, 60))
    return split(model, scoring_input(model, histories, looks)).x


def test_against_the_simulator(trained: Trained) -> None:
    """Another business of the same kind: low. The same, with one attribute of everybody changed: high."""
    drift = trained.model.drift
    assert drift is not None
    window = Window(drift)
    window.see(seen(trained, 4))
    same = window.drift()
    assert same is not None
    assert same.overall < 0.1
    source = [name for name in drift.features if "source" in name]
    title = [name for name in drift.features if "seniority" in name or "function" in name]
    assert source or title, drift.features
    window.see(seen(trained, 4, **({"source": "elsewhere"} if source else {"job_title": None})))
    other = window.drift()
    assert other is not None
    changed = (source or title)[0]
    assert other.features[changed] > same.features[changed]
    assert other.features[changed] > 0.25 or max(other.features.values()) > 0.25
    assert other.overall > same.overall
