"""Expected amounts: what can be learned is learned, what cannot is not, and no deal of the future is used."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.common.clock import DAY
from features.dataset.deals import DealValues
from tests.trained import Trained
from training.fit.value_fit import LOSSES, WonDeals, deviance, fit_value, value_notes


def won(deals: int, *, signal: float, seed: int = 0, rows_each: int = 2) -> WonDeals:
    """Amounts around 1,000 that double with every unit of the first column times `signal`."""
    random = np.random.default_rng(seed)
    x = np.repeat(random.normal(size=(deals, 5)), rows_each, 0)
    amount = np.repeat(np.exp(random.normal(0, 0.4, deals)), rows_each) * 1000 * 2 ** (signal * x[:, 0])
    at = np.repeat(np.arange(deals), rows_each) * DAY
    lead = np.repeat(np.arange(deals), rows_each)
    return WonDeals(x, amount, np.full(len(lead), 1 / rows_each), at, at + DAY, lead)


def test_deviance_is_nought_where_it_is_right_and_relative() -> None:
    assert deviance(np.array([5.0, 10, 1000]), np.array([5.0, 5, 500])) == pytest.approx([0, 0.61371, 0.61371], abs=1e-5)


def test_what_decides_the_amount_is_found() -> None:
    value = fit_value(won(400, signal=1.0), "EUR", 1.0, 7)
    assert value is not None
    assert value.log["chosen"] in LOSSES
    assert value.log[f"deviance.{value.log['chosen']}"] < value.log["deviance.mean"]
    said = value.amounts(np.array([[-1.0, 0, 0, 0, 0], [1, 0, 0, 0, 0]])).mean
    assert 2.5 < said[1] / said[0] < 5  # four times in truth


def test_all_that_is_said_adds_up_to_what_came() -> None:
    given = won(400, signal=1.0)
    value = fit_value(given, "EUR", 1.0, 7)
    assert value is not None
    assert given.weight @ value.amounts(given.x).mean == pytest.approx(given.weight @ given.amount)


def test_where_nothing_decides_it_is_one_amount_for_all() -> None:
    value = fit_value(won(400, signal=0.0), "EUR", 1.0, 7)
    assert value is not None
    assert (value.log["chosen"], value.gbm) == ("mean", None)
    assert "nothing learned beats it" in value_notes(value, DealValues(*[np.zeros(0)] * 3, "EUR", 1.0))[0]


def test_a_few_deals_give_their_mean_and_say_so() -> None:
    given = won(12, signal=1.0)
    value = fit_value(given, "EUR", 1.0, 7)
    assert value is not None
    assert value.gbm is None
    assert value.base == pytest.approx(given.mean)
    assert "the mean of 12 won ones (too few" in value_notes(value, DealValues(*[np.zeros(0)] * 3, "EUR", 1.0))[0]


def test_one_deal_has_a_range_and_none_has_no_value() -> None:
    value = fit_value(won(1, signal=0.0, rows_each=1), "EUR", 1.0, 7)
    assert value is not None
    assert np.isfinite([value.low, value.high, value.spread]).all()
    assert fit_value(won(0, signal=0.0), "EUR", 1.0, 7) is None


@pytest.mark.parametrize("signal", [0.0, 1.0])
def test_nine_later_deals_in_ten_lie_in_their_range(signal: float) -> None:
    """Over ten worlds of 300 later deals each."""
    inside = []
    for seed in range(10):
        value = fit_value(won(300, signal=signal, seed=seed), "EUR", 1.0, 7)
        assert value is not None
        later = won(300, signal=signal, seed=100 + seed)
        amounts = value.amounts(later.x)
        inside.append(np.mean((later.amount >= amounts.low) & (later.amount <= amounts.high)))
    assert 0.87 < np.mean(inside) < 0.95


def test_the_interval_of_the_mean_holds_it_as_often_as_it_says() -> None:
    """Known truth: 40 worlds; what deals bring on average lies within the 90 % interval in at least 33."""
    held = 0
    for seed in range(40):
        value = fit_value(won(100, signal=0.0, seed=seed, rows_each=1), "EUR", 1.0, 7)
        assert value is not None
        truth = 1000 * np.exp(0.4**2 / 2)
        held += abs(np.log(truth / value.base)) <= 1.6449 * value.spread
    assert held >= 33


def test_only_deals_won_by_then_are_learned_from(trained: Trained) -> None:
    prepared, held = trained.prepared, trained.outcome.holdout
    found = WonDeals.from_landmarks(prepared, prepared.deals, held.train_rows, held.cut)
    assert (found.known_at <= held.cut).all()
    assert (found.as_of <= found.known_at).all()
    assert found.deals == pytest.approx(len(np.unique(prepared.looks.lead[held.train_rows & _won_by(trained, held.cut)])))


def _won_by(trained: Trained, cut: int) -> np.ndarray:
    prepared = trained.prepared
    at = prepared.deals.of_leads(len(prepared.histories))[1][prepared.looks.lead]
    return (at <= cut) & (at >= prepared.looks.as_of)


def test_amounts_keep_to_what_is_known_of_columns() -> None:
    """Where a column may only lower, an amount that doubles with it in the data does not rise."""
    given = won(400, signal=1.0)
    bound = fit_value(replace(given, signs=np.array([-1, 0, 0, 0, 0], np.int8)), "EUR", 1.0, 7)
    assert bound is not None
    more = given.x + np.array([1.0, 0, 0, 0, 0])
    assert (bound.amounts(more).mean <= bound.amounts(given.x).mean + 1e-9).all()
