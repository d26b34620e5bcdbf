"""What one column says alone: measured on other accounts, in later time, with an interval."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from features.leakage.strength import auc, levels, strength

ROWS = np.arange(600)


def alone(values: object, y: np.ndarray, account: np.ndarray = ROWS, entered: np.ndarray = ROWS):  # type: ignore[no-untyped-def]
    return strength(levels(pd.Series(values)), y, account, entered)


def test_an_account_is_judged_by_others_only() -> None:
    """An identifier of the account knows the outcome of its colleagues in training, and nothing on other accounts."""
    account = np.repeat(np.arange(100), 6)
    y = np.repeat(np.random.default_rng(0).random(100) < 0.3, 6)
    assert alone(account.astype(str), y, account).gain <= 0.01
    assert alone(np.where(y, "a", "b"), y, account).gain > 0.9


def test_noise_stays_at_a_half_within_its_interval() -> None:
    random = np.random.default_rng(1)
    found = alone(random.normal(size=600), random.random(600) < 0.3)
    assert found.low < 0.5 < found.high
    assert found.gain_low < 0


def test_what_moves_with_the_calendar_fails_on_newer_leads() -> None:
    """A quarter's number tells in hindsight how many converted then; for the next quarter it has never been seen."""
    quarter = ROWS // 60
    y = np.random.default_rng(2).random(600) < np.where(quarter % 2 == 0, 0.8, 0.1)
    found = alone(quarter.astype(str), y)
    assert found.auc > 0.75
    assert found.forward_auc == 0.5


def test_with_few_outcomes_in_later_time_nothing_is_said_of_it() -> None:
    y = ROWS < 300
    found = alone(np.where(y, "a", "b"), y)
    assert found.forward_auc is None
    assert "newest" not in str(found)


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=4, max_size=60))
def test_the_area_is_that_of_scikit_learn(rows: list[tuple[int, bool]]) -> None:
    score, y = np.array([float(s) for s, _ in rows]), np.array([b for _, b in rows])
    if y.any() and not y.all():
        assert auc(score, y, np.arange(len(y)))[0] == pytest.approx(roc_auc_score(y, score), abs=1e-12)


def test_colleagues_widen_the_interval() -> None:
    """Six people of one company are hardly six witnesses."""
    random = np.random.default_rng(3)
    y = random.random(600) < 0.3
    score = random.normal(size=600) + y
    assert auc(score, y, np.repeat(np.arange(100), 6))[1] > 1.5 * auc(score, y, ROWS)[1]


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        (pd.Series(["a", None, "b", "a"], dtype="str"), [1, 0, 2, 1]),
        (pd.Series([True, None, False], dtype="boolean"), [1, 0, 2]),
        (pd.Series([2.5, np.nan, 2.5]), [1, 0, 1]),
        (pd.Series(["a", "  ", ["odd"], 1, None], dtype="object"), [1, 0, 2, 3, 0]),
        (pd.to_datetime(pd.Series(["2024-01-01", None]), utc=True), [1, 0]),
    ],
)
def test_missing_is_a_level_of_its_own(values: pd.Series, codes: list[int]) -> None:
    assert levels(values).tolist() == codes


def test_numbers_kept_as_text_are_binned_too() -> None:
    """Else a duration in seconds would have as many levels as rows, and say nothing."""
    assert levels(pd.Series([str(n) for n in range(200)])).max() == 20


def test_numbers_are_binned_and_missing_ones_are_not() -> None:
    values = pd.Series([*np.arange(200.0), np.nan])
    found = levels(values)
    assert found[-1] == 0
    assert (np.bincount(found)[1:] == 10).all()
