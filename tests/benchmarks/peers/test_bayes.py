"""Naive Bayes on bins: what becomes a code, and that it learns."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.bayes import Bayes, Binned, fit_bayes
from training.fit.baselines import Rate

NAN = np.nan


def test_categories_keep_their_codes_and_missing_is_one() -> None:
    x = np.array([[0.0, 1], [2, 2], [NAN, NAN]])
    binned = Binned.learn(x, (3,))
    assert binned.codes(x)[:, 0].tolist() == [1, 3, 0]
    assert binned.codes(x)[2, 1] == 0
    assert binned.counts[0] == 4


def test_numbers_are_cut_into_five_of_equal_size() -> None:
    x = np.arange(100.0)[:, None]
    codes = Binned.learn(x, ()).codes(x)[:, 0]
    assert np.bincount(codes)[1:].tolist() == [20, 20, 20, 20, 20]


def test_a_number_beyond_what_was_seen_falls_into_the_outer_bins() -> None:
    binned = Binned.learn(np.arange(10.0)[:, None], ())
    low, high = binned.codes(np.array([[-9.0], [99.0]]))[:, 0]
    assert (low, high) == (1, binned.counts[0] - 1)


def test_it_learns_what_separates() -> None:
    y = np.arange(200) % 2 == 0
    fitted = fit_bayes(np.where(y, 1.0, 9.0)[:, None], y, ())
    assert isinstance(fitted, Bayes)
    high, low = fitted.probability(np.array([[1.0], [9.0]]))
    assert (high > 0.9, low < 0.1) == (True, True)


def test_with_one_outcome_it_is_the_base_rate() -> None:
    assert isinstance(fit_bayes(np.ones((4, 1)), np.zeros(4, bool), ()), Rate)
