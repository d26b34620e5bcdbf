"""Splits: out of time, out of account, and never by outcome."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.common.types import Examples
from training.fit.splits import FOLDS, HOLDOUT_SHARE, cut_for, draw, forward_folds, separate_accounts


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 100)), min_size=1, max_size=200), st.integers(0, 100))
def test_no_account_is_on_both_sides(rows: list[tuple[int, int]], cut: int) -> None:
    account, as_of = np.array(rows).T
    early, late = separate_accounts(as_of < cut, as_of >= cut, account)
    assert not set(account[early]) & set(account[late])
    assert not np.any(early & (as_of >= cut))
    assert not np.any(late & (as_of < cut))


def test_early_rows_are_dropped_by_chance_alone() -> None:
    """Accounts that convert early have no later rows. Dropping early rows of those that do would leave too many converts."""
    random = np.random.default_rng(0)
    converts = random.random(20_000) < 0.3
    stayed = np.flatnonzero(~converts)
    account = np.concatenate((np.arange(20_000), stayed))
    as_of = np.repeat([0, 1], [20_000, len(stayed)])
    y = converts[account]
    early, _ = separate_accounts(as_of < 1, as_of >= 1, account)
    assert y[early].mean() == pytest.approx(0.3, abs=0.015)
    assert early.sum() == pytest.approx(20_000 * (1 - HOLDOUT_SHARE), rel=0.05)


def test_few_straddling_accounts_cost_later_rows_only() -> None:
    account = np.concatenate((np.arange(100), np.arange(95, 195)))
    as_of = np.repeat([0, 1], 100)
    early, late = separate_accounts(as_of < 1, as_of >= 1, account)
    assert (early.sum(), late.sum()) == (100, 95)


def test_the_draw_is_uniform_and_repeats_itself() -> None:
    values = draw(np.arange(10_000))
    assert np.array_equal(values, draw(np.arange(10_000)))
    assert np.histogram(values, 10, (0, 1))[0] == pytest.approx(np.full(10, 1000), rel=0.15)
    assert np.corrcoef(values, draw(np.arange(10_000), salt=1))[0, 1] == pytest.approx(0, abs=0.05)


def test_the_cut_leaves_the_newest_share_of_what_matured() -> None:
    as_of = np.arange(100)
    assert cut_for(as_of, as_of < 50, 0.2) == pytest.approx(40, abs=1)


def examples(rows: int, horizon: int, rate: float = 0.3) -> Examples:
    as_of = np.arange(rows)
    y = np.random.default_rng(0).random(rows) < rate
    return Examples(np.zeros((rows, 1), np.float32), y, np.ones(rows), as_of, as_of, as_of + horizon)


def test_folds_honour_the_gap() -> None:
    """Every label trained on was known when the first row to predict was looked at."""
    data = examples(5_000, horizon=200)
    folds = forward_folds(data)
    assert len(folds) == FOLDS
    for fold in folds:
        assert fold.gap
        assert data.known_at[fold.train].max() <= data.as_of[fold.validation].min()


def test_a_gap_that_costs_too_much_is_given_up_and_said() -> None:
    data = examples(5_000, horizon=2_000)
    for fold in forward_folds(data):
        assert not fold.gap
        assert data.as_of[fold.train].max() < data.as_of[fold.validation].min()


def test_too_few_outcomes_fall_back_to_folds_by_account() -> None:
    data = examples(300, horizon=1, rate=0.1)
    folds = forward_folds(data)
    assert sorted(np.concatenate([f.validation for f in folds])) == list(range(300))
    assert all(not set(f.train) & set(f.validation) for f in folds)
