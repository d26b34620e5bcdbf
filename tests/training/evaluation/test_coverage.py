"""Coverage: true intervals hold what comes, narrow ones beside the truth do not, and few leads say nothing."""

from __future__ import annotations

import numpy as np

from features.dataset.labels import Labels
from training.evaluation.coverage import Coverage, coverage, groups

N = 4_000


def covered(said: float, rows: int = N) -> Coverage | None:
    """Leads of whom 30 % progress, each an account of its own, with an interval of ± 0.01 around what is said."""
    random = np.random.default_rng(0)
    came = (random.random(rows) < 0.3)[:, None]
    p = np.full((rows, 1), said) + random.uniform(-0.001, 0.001, (rows, 1))
    at = np.arange(rows)
    labels = Labels(came, np.ones_like(came), np.ones_like(came))
    return coverage(p, p - 0.01, p + 0.01, labels, np.zeros(rows, np.int64), 0, at, at)


def test_what_is_true_is_held_and_what_is_not_is_not() -> None:
    right, wrong = covered(0.3), covered(0.5)
    assert right is not None
    assert wrong is not None
    assert right.inside >= 0.85
    assert wrong.inside < 0.2
    assert abs(right.width - 0.02) < 1e-9
    assert right.cells > 20


def test_few_leads_say_nothing() -> None:
    assert covered(0.3, rows=19) is None


def share_inside(predicted: float, true: float, reach: float, accounts: int | None = None) -> float:
    """Of 4,000 leads, each of an account of its own or dealt out to a few, with intervals a `reach` wide."""
    random = np.random.default_rng(0)
    account = np.arange(N) if accounts is None else np.arange(N) % accounts
    y = random.random(N) < true
    p = np.full(N, predicted) * random.uniform(0.9, 1.1, N)
    return float(np.mean([g.holds(float(y[g.rows].mean())) for g in groups(p, p / reach, p * reach, y, np.arange(N), account)]))


def test_a_model_that_says_a_thirtieth_of_what_comes_holds_nowhere() -> None:
    assert share_inside(0.0014, 0.049, 3.0) == 0


def test_leads_of_a_few_accounts_are_no_excuse() -> None:
    """Of a model that is wrong as a whole all residuals lie on one side; that is no hanging together."""
    assert share_inside(0.0014, 0.049, 3.0, accounts=40) == 0


def test_a_right_model_holds_in_about_nine_of_ten() -> None:
    assert 0.8 <= share_inside(0.2, 0.2, 1.0001) <= share_inside(0.2, 0.2, 1.2)


def test_accounts_that_hang_together_widen_what_chance_does() -> None:
    random = np.random.default_rng(1)
    rate = np.repeat(random.beta(2, 8, 60), 50)  # of accounts
    y, p, account = random.random(3_000) < rate, np.full(3_000, 0.2), np.repeat(np.arange(60), 50)
    effects = [groups(p, p, p, y, np.zeros(3_000, np.int64), each)[0].effect for each in (np.arange(3_000), account)]
    assert effects[0] == 1.0
    assert effects[1] > 3
