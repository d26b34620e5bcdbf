"""Chain, intervals, reference, rule odds and recommendation: small parts with literal expectations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration.calibrator import Calibrator
from models.calibration.chain import chain
from models.calibration.intervals import Interval
from models.calibration.reference import Reference
from models.common.types import logit, sigmoid
from models.rules.odds import SCALE, RuleOdds

MARGIN = float(logit(0.2))
NONE = np.zeros(0, np.int64)


@dataclass
class Says:
    p: float

    def probability(self, x: np.ndarray) -> np.ndarray:
        return np.full(len(x), self.p)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5), st.data())
def test_a_later_lead_stage_is_never_likelier(steps: list[float], data: st.DataObject) -> None:
    stage = np.array(data.draw(st.lists(st.integers(0, len(steps) - 1), min_size=1, max_size=6)))
    conditional, reached = chain([Says(p) for p in steps], np.zeros((len(stage), 1)), stage)
    for row, begin in enumerate(stage):
        assert np.isnan(reached[row, :begin]).all()
        assert np.all(np.diff(reached[row, begin:]) <= 0)
        assert reached[row, begin] == conditional[row, begin] == steps[begin]


def test_intervals_hold_the_rate_about_as_often_as_they_say() -> None:
    """Known truth: eight quarters, each off by its own ± 0.4 in log-odds; the 90 % interval at 20 % holds the next one's."""
    random = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        drift = random.normal(0, 0.4, 8)
        block = np.repeat(np.arange(8), 500)
        y = random.random(4_000) < sigmoid(MARGIN + drift[block])
        low, high = Interval.fit(np.full(4_000, MARGIN), y, block, np.arange(4_000)).bounds(np.array([0.2]))
        held += bool(low[0] <= sigmoid(MARGIN + random.normal(0, 0.4)) <= high[0])
    assert 0.85 <= held / 400 <= 0.95


@given(st.lists(st.floats(1e-6, 1 - 1e-6), min_size=1, max_size=10))
def test_the_probability_lies_in_its_interval(values: list[float]) -> None:
    random = np.random.default_rng(0)
    p = random.random(600)
    each = np.arange(600)
    low, high = Interval.fit(logit(p), random.random(600) < p, each, each).bounds(np.array(values))
    assert np.all((low <= values) & (values <= high))


def test_without_rows_the_interval_is_wide() -> None:
    low, high = Interval.fit(np.zeros(0), np.zeros(0, bool), NONE, NONE).bounds(np.array([0.5]))
    assert (low[0], high[0]) == (pytest.approx(0.036, abs=0.01), pytest.approx(0.964, abs=0.01))


def test_scores_and_grades() -> None:
    p = np.linspace(0, 1, 1001)
    thirds = np.linspace(-1, 1, 1001)
    reference = Reference.learn(p, thirds, thirds, np.zeros(1001, int), 1)
    assert reference.score(np.array([-1.0, 0.0, 0.5, 1.0, 2.0])).tolist() == [1, 1, 50, 99, 99]
    zero = np.zeros(3, int)
    assert reference.grade(np.array([-0.9, 0.0, 0.9]), np.array([0.9, 0.0, -0.9]), zero) == ["C1", "B2", "A3"]


def test_points_become_probabilities_per_lead_stage() -> None:
    odds = RuleOdds({(0, 0): Calibrator("platt", 1.0, shift=0.0), (0, 1): Calibrator("platt", 1.0, shift=9.0)})
    found = RuleOdds.from_dict(odds.to_dict()).probabilities(np.array([0.0, SCALE]), np.array([0, 1]), 2)
    assert found[0].tolist() == [0.5, 0.5], "the later lead stage is held down to the earlier one"
    assert np.isnan(found[1]).all(), "nothing was learned for this lead stage"


def test_a_way_never_learned_whole_is_the_product_of_its_steps() -> None:
    """From a lead stage of which no landmark has matured; what has no step stays unknown."""
    half, certain = Calibrator("platt", 1.0, shift=0.0), Calibrator("platt", 1.0, shift=9.0)
    found = RuleOdds({(0, 0): half, (1, 1): half, (0, 2): certain}).probabilities(np.zeros(2), np.array([0, 1]), 3)
    assert found[0] == pytest.approx([0.5, 0.25, 0.25])
    assert found[1, 1] == pytest.approx(0.5)
    assert np.isnan(found[1, [0, 2]]).all()
