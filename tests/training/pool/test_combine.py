"""What businesses say together: means and spreads against closed forms, and a known truth that is found again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.common.types import logit
from tests.models.learners.pools import TRUTH, examples
from training.pool.combine import LEAST_CLIENTS, combine, effect, pooled_mean
from training.pool.contribution import Column, Contribution, of_transition


def column(coefficient: float, variance: float = 0.0, told: float = 1.0, deviation: float = 1.0) -> Column:
    return Column(False, 0.0, deviation, 0.0, coefficient, variance, told)


def test_the_mean_weighs_by_what_data_say() -> None:
    mean, _ = effect([column(1.0), column(1.0), column(0.0, told=0.0)], 1.0)
    assert mean == pytest.approx(1.0, abs=1e-5), "who has no data of it says nothing"


def test_what_businesses_differ_by_beyond_chance() -> None:
    """Closed form for equal weights: the sample variance less what chance makes of it, and the doubt about the mean."""
    mean, off = effect([column(c, variance=0.01) for c in (0.0, 0.3, 0.6)], 1.0)
    assert mean == pytest.approx(0.3)
    apart = 0.06 - 0.01 * 2 / 3
    assert off == pytest.approx(np.sqrt(apart + (0.01 + apart) / 3))
    assert effect([column(c, variance=1.0) for c in (0.0, 0.3, 0.6)], 1.0)[1] == pytest.approx(np.sqrt(1 / 3)), "all chance"


def test_coefficients_are_of_one_deviation() -> None:
    assert effect([column(0.5, deviation=0.5), column(2.0, deviation=2.0)], 1.0)[0] == pytest.approx(1.0)


def test_base_rates_of_businesses() -> None:
    mean, off = pooled_mean(np.array([-1.0, -2.0, -3.0]), np.full(3, 0.1))
    assert (mean, off) == (pytest.approx(-2.0), pytest.approx(np.sqrt(0.9 * 4 / 3 + 0.1 / 3)))


def test_a_known_truth_is_found_again() -> None:
    """Eight businesses around one truth, each drawn in by its own ridge: the mean is closer to it than they are on average."""
    random = np.random.default_rng(3)
    own = TRUTH + 0.2 * random.normal(size=(8, 4))
    names = [f"c{i}" for i in range(5)]
    gave = [of_transition(examples(1_500, seed, truth=t), names, np.zeros(5, bool)) for seed, t in enumerate(own)]
    said = combine("agency", [Contribution({"mql": given}) for given in gave if given]).targets["mql"]
    found = np.array([said.columns[f"c{i}"].toward for i in range(4)])
    apart = [np.abs(np.array([g.columns[f"c{i}"].coefficient for i in range(4)]) - TRUTH).mean() for g in gave if g]
    assert np.abs(found - TRUTH).mean() < np.mean(apart)
    assert "c4" not in said.columns, "points are everybody's own"
    assert said.base == pytest.approx(
        float(logit(np.mean([examples(1_500, s, truth=t).y.mean() for s, t in enumerate(own)]))), abs=0.1
    )


def test_fewer_businesses_than_it_takes_say_nothing() -> None:
    given = of_transition(examples(600), [f"c{i}" for i in range(5)], np.zeros(5, bool))
    assert given is not None
    few = [Contribution({"mql": given})] * (LEAST_CLIENTS - 1)
    assert combine("agency", few).targets == {}
    rare = replace(given, columns={**given.columns, "lead.source=only here": given.columns["c0"]})
    prior = combine("agency", [*few, Contribution({"mql": rare})])
    assert "only here" not in prior.text
    assert set(prior.targets["mql"].columns) == {"c0", "c1", "c2", "c3"}
