"""Coverage: what holds, and that being wrong as a whole is no excuse."""

from __future__ import annotations

import numpy as np

from benchmarks.pairs.judge import covered, moved


def share(said: float, came: float, reach: float, rows: int = 4_000, accounts: int | None = None) -> float:
    random = np.random.default_rng(0)
    account = np.arange(rows) if accounts is None else np.arange(rows) % accounts
    y = random.random(rows) < came
    p = np.full(rows, said) * random.uniform(0.9, 1.1, rows)
    return float(np.mean(covered(y, p, p / reach, p * reach, account)))


def test_a_model_that_says_a_thirtieth_of_what_comes_holds_nowhere() -> None:
    """.14 % said, 4.9 % came."""
    assert share(0.0014, 0.049, 3.0) == 0


def test_leads_of_a_few_accounts_are_no_excuse() -> None:
    assert share(0.0014, 0.049, 3.0, accounts=40) == 0


def test_a_right_model_holds_in_about_nine_of_ten() -> None:
    assert 0.8 <= share(0.2, 0.2, 1.0001) <= share(0.2, 0.2, 1.2)


def test_accounts_that_hang_together_widen_what_chance_does() -> None:
    random = np.random.default_rng(1)
    rate = np.repeat(random.beta(2, 8, 60), 50)  # of accounts
    y, p, account = random.random(3_000) < rate, np.full(3_000, 0.2), np.repeat(np.arange(60), 50)
    own = covered(y, p, p, p, np.arange(3_000))
    assert np.mean(covered(y, p, p, p, account)) > np.mean(own)


def test_how_far_the_base_rate_moved() -> None:
    assert moved({"base_rate": 0.12, "base_rate_before": 0.1}) == 0.12 / 0.1 - 1
    assert moved({"base_rate": 0.12, "base_rate_before": None}) is None
