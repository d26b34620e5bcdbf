"""A transition comes back from its folder as it was; folders of before, with a booster on top of the linear learner, too."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.calibration.transition import Transition
from models.common.level_effects import LevelEffects
from models.learners.gbm import BinnedExamples, gbm_learner
from tests.models.learners.worlds import examples, linear_learner
from tests.tiny import tiny_model


@pytest.fixture(scope="module")
def transition() -> Transition:
    return tiny_model().transitions[0]


def test_it_comes_back_as_it_was(transition: Transition, tmp_path: Path) -> None:
    transition.save(tmp_path / "mql")
    again = Transition.load(tmp_path / "mql")
    x = np.abs(np.random.default_rng(0).normal(size=(50, len(transition.linear.scaler.mean)))).astype(np.float32)
    np.testing.assert_array_equal(again.margin(x), transition.margin(x))
    np.testing.assert_allclose(again.contributions(x).sum(axis=1), transition.margin(x), atol=1e-9)


@pytest.mark.parametrize("files", [("gbm", "stacked"), ("stacked",), ("gbm",), ()], ids=lambda files: "+".join(files) or "none")
def test_a_folder_of_before_says_what_it_said(files: tuple[str, ...], tmp_path: Path) -> None:
    """Then: (w0 + w2) · linear + w1 · gbm + w2 · what grew on top of the linear learner + (1 - w0 - w1 - w2) · base rate."""
    rows = examples(300)
    base = tiny_model().transitions[0]
    linear = linear_learner(rows, 0.03)
    boosters = {
        name: gbm_learner(BinnedExamples(rows), {"num_leaves": leaves}, trees=5)
        for name, leaves in (("gbm", 4), ("stacked", 7))
    }
    weights = {"linear": 0.4, "gbm": 0.3 * ("gbm" in files), "stacked": 0.2 * ("stacked" in files)}
    folder = tmp_path / "mql"
    folder.mkdir()
    linear.save(folder)
    for name in files:
        boosters[name].save(folder, name)
    saved = {
        "target": "mql",
        "weights": list(weights.values()),
        "prior": -1.5,
        "gbm": "gbm" in files,
        "stacked": "stacked" in files,
    }
    saved |= {"calibrator": base.calibrator.to_dict(), "interval": base.interval.to_dict(), "log": {}}
    (folder / "transition.json").write_text(json.dumps(saved), encoding="utf-8")
    wanted = (weights["linear"] + weights["stacked"]) * linear.margin(rows.x) + (1 - sum(weights.values())) * -1.5
    wanted = wanted + sum(weights[name] * boosters[name].margin(rows.x) for name in files)
    old = Transition.load(folder)
    np.testing.assert_allclose(old.margin(rows.x), wanted, atol=1e-12)
    old.save(tmp_path / "again")
    np.testing.assert_allclose(Transition.load(tmp_path / "again").margin(rows.x), wanted, atol=1e-12)


def test_what_stands_in_the_place_of_levels_comes_back_too(transition: Transition, tmp_path: Path) -> None:
    with_levels = replace(transition, levels=LevelEffects({0: np.array([0.3, -1 / 3])}, (1,)))
    with_levels.save(tmp_path / "mql")
    x = np.random.default_rng(0).integers(0, 3, (50, len(transition.linear.scaler.mean))).astype(np.float32)
    np.testing.assert_array_equal(Transition.load(tmp_path / "mql").margin(x), with_levels.margin(x))
    np.testing.assert_array_equal(with_levels.margin(x), transition.margin(with_levels.levels.apply(x)))
    np.testing.assert_allclose(with_levels.contributions(x).sum(axis=1), with_levels.margin(x), atol=1e-9)
