"""What all other columns reach together."""

from __future__ import annotations

import numpy as np

from features.leakage.joint import joint_strength, ridge_odds

N = 2_000
RANDOM = np.random.default_rng(0)
PARTS = [RANDOM.normal(size=N) for _ in range(3)]
Y = RANDOM.random(N) < 1 / (1 + np.exp(-sum(PARTS)))


def test_columns_together_say_more_than_each() -> None:
    every = joint_strength(PARTS, Y, np.arange(N))
    assert every is not None
    two = ridge_odds(PARTS[:2], Y, np.arange(N))
    assert 0.80 < every[0] < 0.90
    assert np.corrcoef(two, PARTS[0] + PARTS[1])[0, 1] > 0.99


def test_two_others_are_no_crowd() -> None:
    assert joint_strength(PARTS[:2], Y, np.arange(N)) is None


def test_copies_and_columns_without_spread_do_no_harm() -> None:
    """Calendar columns say the same thing five times over; Newton's steps must not run away on them."""
    plain = joint_strength(PARTS, Y, np.arange(N))
    more = joint_strength([*PARTS, *PARTS[:1] * 5, np.zeros(N), np.full(N, 1e-9)], Y, np.arange(N))
    assert plain is not None
    assert more is not None
    assert abs(plain[0] - more[0]) < 0.005


def test_a_perfect_column_ends_finite() -> None:
    said = ridge_odds([np.where(Y, 9.0, -9.0), *PARTS], Y, np.arange(N))
    assert np.isfinite(said).all()
    assert (said[Y].min()) > said[~Y].max()
