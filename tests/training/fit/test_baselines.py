"""Baselines learn what separates, from rows with gaps too, and give the base rate where there is one outcome only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.common.types import TINY
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
