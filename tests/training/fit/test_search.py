"""The search takes the simplest settings that are as good, and stays within its bounds."""

from __future__ import annotations

import numpy as np
import pytest

from models.common.types import Examples
from training.fit.search import search, simplest_within_error


def examples(rows: int, seed: int) -> Examples:
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, 4))
    y = random.random(rows) < 1 / (1 + np.exp(-x[:, 0]))
    at = np.arange(rows)
    return Examples(x, y, np.ones(rows), at, at, at)


def test_the_fewest_leaves_win_where_the_difference_is_noise() -> None:
    noise = np.random.default_rng(0).normal(size=400)
    tried = [({"num_leaves": 31}, noise), ({"num_leaves": 4}, noise[::-1] + 0.01), ({"num_leaves": 8}, noise + 0.001)]
    assert simplest_within_error(tried)["num_leaves"] == 4


def test_a_clear_difference_decides() -> None:
    noise = np.random.default_rng(0).normal(size=400)
    tried = [({"num_leaves": 31}, noise), ({"num_leaves": 4}, noise + np.linspace(0.1, 0.3, 400))]
    assert simplest_within_error(tried)["num_leaves"] == 31


@pytest.mark.parametrize("trials", [1, 2, 5])
def test_it_makes_so_many_trials_and_no_more(trials: int) -> None:
    ticks = []
    result = search([(examples(300, 1), examples(200, 2))] * 2, trials=trials, minutes=1, seed=7, tick=lambda: ticks.append(1))
    assert len(ticks) == trials
    assert set(result.params) == {"num_leaves", "min_data_in_leaf", "lambda_l2", "feature_fraction"}


def test_it_stops_when_its_time_is_up() -> None:
    ticks = []
    search([(examples(2_000, 1), examples(200, 2))], trials=500, minutes=0.001, seed=7, tick=lambda: ticks.append(1))
    assert len(ticks) < 20
