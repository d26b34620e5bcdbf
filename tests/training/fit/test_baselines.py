"""Baselines learn what separates, from rows with gaps too, and give the base rate where there is one outcome only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.common.types import TINY, Examples
from tests.models.learners.worlds import examples
from training.fit.baselines import BASELINES, Rate, fit_baseline


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_learns_what_separates_although_values_are_missing(name: str) -> None:
    train = examples(600)
    p = fit_baseline(name, train, 7).probability(train.x)
    assert p[train.y].mean() > p[~train.y].mean() + 0.2
    assert ((p >= TINY) & (p <= 1 - TINY)).all()


@pytest.mark.parametrize("name", BASELINES)
def test_with_one_outcome_it_is_the_base_rate(name: str) -> None:
    train = examples(50)
    fitted = fit_baseline(name, replace(train, y=np.zeros(50, bool)), 7)
    assert isinstance(fitted, Rate)
    assert fitted.probability(train.x).tolist() == [TINY] * 50


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_sees_how_levels_did_and_not_their_places(name: str) -> None:
    """Every other one of 40 levels is good: their places say nothing to a straight line."""
    random = np.random.default_rng(0)
    level = random.integers(0, 40, 2_000)
    y = random.random(2_000) < np.where(level % 2, 0.8, 0.1)
    at = np.arange(2_000)
    train = Examples(level[:, None].astype(np.float32), y, np.ones(2_000), at, at, at + 5, levels=np.array([1], np.int8))
    p = fit_baseline(name, train, 7).probability(train.x)
    assert p[level % 2 == 1].mean() > p[level % 2 == 0].mean() + 0.4
