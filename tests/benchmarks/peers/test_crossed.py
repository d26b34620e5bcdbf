"""The crossed bootstrap: what it draws together, and that its intervals hold what they say."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.peers.crossed import WEEK, differences, losses, weeks


def test_the_loss_of_a_certain_error_is_finite() -> None:
    found = losses(np.array([True, False, True]), np.array([0.5, 0.5, 0.0]))
    assert found[:2] == pytest.approx(np.log(2))
    assert np.isfinite(found).all()


def test_equal_differences_have_no_interval() -> None:
    found = differences(np.full((9, 1), -0.5), (np.arange(9), np.arange(9) % 3))[0]
    assert (found.mean, found.low, found.high) == pytest.approx((-0.5, -0.5, -0.5))


def test_copies_in_one_group_add_no_certainty() -> None:
    """Ten landmarks of each account that say the same are one observation each."""
    each = np.random.default_rng(0).normal(size=(40, 1))
    one = differences(each, (np.arange(40),))[0]
    ten = differences(np.repeat(each, 10, 0), (np.repeat(np.arange(40), 10),))[0]
    assert (ten.low, ten.high) == pytest.approx((one.low, one.high))


def test_weeks_that_differ_widen_the_interval() -> None:
    random = np.random.default_rng(1)
    week = np.repeat(np.arange(5), 100)
    each = (random.normal(size=5)[week] + random.normal(size=500))[:, None]
    alone = differences(each, (np.arange(500),))[0]
    both = differences(each, (np.arange(500), week))[0]
    assert both.high - both.low > 2 * (alone.high - alone.low)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Effects of 30 accounts and of 30 weeks; a tenth may be missed, and caution makes it less."""
    random = np.random.default_rng(2)
    account, week = (axis.ravel() for axis in np.indices((30, 30)))
    held = 0
    for trial in range(60):
        each = random.normal(size=30)[account] + random.normal(size=30)[week] + random.normal(size=900)
        found = differences(each[:, None], (account, week), seed=trial, draws=200)[0]
        held += found.low <= 0 <= found.high
    assert held >= 48  # of 60; at 90 % fewer than 48 happen less than once in a hundred


def test_the_same_seed_gives_the_same_interval() -> None:
    each, groups = np.random.default_rng(3).normal(size=(50, 2)), (np.arange(50), np.arange(50) % 7)
    assert differences(each, groups) == differences(each, groups)


def test_weeks_are_of_seven_days_or_blocks_of_neighbours() -> None:
    at = np.array([0, WEEK - 1, WEEK, 5 * WEEK])
    assert weeks(at, dated=True).tolist() == [0, 0, 1, 5]
    assert weeks(np.arange(40)[::-1], dated=False).tolist() == np.repeat(np.arange(20), 2)[::-1].tolist()
