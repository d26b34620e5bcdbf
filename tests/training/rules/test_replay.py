"""Points replayed on history are those that a training had."""

from __future__ import annotations

import numpy as np

from models.rules.rules import Rules
from tests.trained import Trained
from training.common.config import Config
from training.rules.replay import compare_rules, with_rules


def test_points_replayed_are_those_of_the_training(trained: Trained) -> None:
    prepared = trained.prepared
    assert np.array_equal(with_rules(prepared, prepared.rules).points.points, prepared.points.points)


def test_more_capacity_than_leads_is_said(trained: Trained) -> None:
    config = Config.read(trained.config)
    more = config.model_copy(update={"sales": config.sales.model_copy(update={"capacity_per_week": 1e6})})
    found = compare_rules(trained.prepared, Rules.read(), more)
    assert any("Sales can take more leads than come" in note for note in found.notes)
