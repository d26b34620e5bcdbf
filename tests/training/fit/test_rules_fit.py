"""The rules as a model: nothing but the points counts, and all that a model gives is there."""

from __future__ import annotations

import numpy as np
import pytest

from models.calibration.chain import chain
from models.calibration.intervals import chain_intervals
from tests.training.worlds import Turned
from training.fit.funnel_fit import Fit
from training.fit.rules_fit import fit_rules


@pytest.fixture(scope="module")
def rules_alone(turned: Turned) -> Fit:
    prepared, config = turned.prepared, turned.config
    return fit_rules(prepared, prepared.extracted_at, np.ones(len(prepared.looks), bool), config.search, config.seed)


def test_probabilities_follow_the_points_alone(turned: Turned, rules_alone: Fit) -> None:
    prepared = turned.prepared
    rows = np.arange(len(prepared.looks))
    chance = chain(rules_alone.transitions, prepared.x(rows), prepared.looks.stage)[1][:, -1]
    points = prepared.points.points
    for value in np.unique(points):
        assert np.ptp(chance[points == value]) == 0
    assert chance[points > 0].min() > chance[points == 0].max()
    (transition,) = rules_alone.transitions
    assert transition.boosters == ()
    contributions = transition.linear.contributions(prepared.x(rows))
    assert not contributions[:, :-2].any(), "reasons name the points and nothing else"


def test_it_is_calibrated_and_has_intervals_from_rows_it_had_not_seen(turned: Turned, rules_alone: Fit) -> None:
    prepared = turned.prepared
    reached = prepared.labels(prepared.extracted_at).reached[:, -1]
    chance = chain(rules_alone.transitions, prepared.x(np.arange(len(reached))), prepared.looks.stage)[1][:, -1]
    for group in (prepared.points.points > 0, prepared.points.points == 0):
        assert chance[group].mean() == pytest.approx(reached[group].mean(), abs=0.04)
    (transition,) = rules_alone.transitions
    few = chain(rules_alone.transitions, prepared.x(np.arange(50)), prepared.looks.stage[:50])
    low, high = chain_intervals([transition.interval], *few)
    assert ((low < few[1]) & (few[1] < high)).all()
    assert transition.log["regime"] == "rules: the points alone"
