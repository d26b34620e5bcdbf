"""Odoo's counting and arithmetic, by small tables anyone can add up."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.peers.odoo import Counts, Odoo, fit_odoo
from training.fit.baselines import Rate

NAN = np.nan
ONES = np.ones(5)
WON = np.array([True, True, False, False, False])


def probability(x: list[list[float]], ask: list[list[float]], *, stage: bool = False) -> list[float]:
    fitted = fit_odoo(np.array(x), WON, ONES, stage=stage)
    assert isinstance(fitted, Odoo)
    return list(fitted.probability(np.array(ask)))


def test_counts_begin_at_a_tenth() -> None:
    counts = Counts.of(np.array([1.0, 1, 1, 2, 2]), WON, ONES)
    assert counts.values.tolist() == [1, 2]
    assert counts.won.tolist() == [2.1, 0.1]
    assert counts.lost.tolist() == [1.1, 2.1]


def test_an_empty_value_is_not_counted() -> None:
    counts = Counts.of(np.array([1.0, NAN, 1, NAN, NAN]), WON, ONES)
    assert (counts.won.tolist(), counts.lost.tolist()) == ([1.1], [1.1])


def test_a_lead_that_weighs_nothing_is_not_counted() -> None:
    """Odoo counts a lead once, as it was when it was closed."""
    counts = Counts.of(np.array([1.0, 1, 1, 2, 3]), WON, np.array([0.0, 1, 1, 1, 0]))
    assert (counts.values.tolist(), counts.won.tolist(), counts.lost.tolist()) == ([1, 2], [1.1, 0.1], [1.1, 1.1])


def test_a_won_lead_counts_on_every_stage_a_lost_one_up_to_its_own() -> None:
    counts = Counts.of_stages(np.array([2.0, 0, 0, 1, 2]), WON, ONES)
    assert counts.won.tolist() == [2.1, 2.1, 2.1]
    assert counts.lost.tolist() == [3.1, 2.1, 1.1]


def test_the_probability_is_prior_times_likelihoods_to_two_decimals() -> None:
    """2.1 won and 3.1 lost; value 1: 2.1 of 2.2 won, 1.1 of 3.2 lost."""
    won, lost = 2.1 / 5.2 * (2.1 / 2.2), 3.1 / 5.2 * (1.1 / 3.2)
    assert probability([[1], [1], [1], [2], [2]], [[1]]) == [round(100 * won / (won + lost), 2) / 100]


def test_a_value_missing_or_never_seen_says_nothing() -> None:
    prior = round(100 * 2.1 / 5.2, 2) / 100
    assert probability([[1], [1], [1], [2], [2]], [[NAN], [7]]) == [prior, prior]


def test_without_any_value_the_prior_is_left() -> None:
    assert probability([[NAN]] * 5, [[NAN], [1]]) == [round(100 * 2.1 / 5.2, 2) / 100] * 2


def test_the_probability_only_rises_with_the_stage() -> None:
    x = [[1, 2], [1, 2], [1, 0], [1, 1], [1, 2]]
    found = probability(x, [[1, 0], [1, 1], [1, 2]], stage=True)
    assert found == sorted(found)
    assert found[2] == pytest.approx(2.1 / (2.1 + 1.1), abs=1e-4)  # one of those who got there was lost


def test_it_stays_off_nought_and_one() -> None:
    assert probability([[1, 1]] * 2 + [[2, 2]] * 3, [[1, 1], [2, 2]]) == pytest.approx([0.9965, 0.0011], abs=2e-3)
    many = fit_odoo(
        np.repeat([[1.0], [2.0]], 5_000, 0).repeat(4, 1), np.repeat([True, False], 5_000), np.ones(10_000), stage=False
    )
    assert many.probability(np.array([[1.0] * 4, [2.0] * 4])) == pytest.approx([0.9999, 0.0001], abs=1e-12)


def test_where_nobody_won_the_base_rate_stands_in() -> None:
    assert isinstance(fit_odoo(np.ones((3, 1)), np.zeros(3, bool), np.ones(3), stage=False), Rate)
