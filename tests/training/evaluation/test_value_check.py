"""The check of expected values against what came."""

from __future__ import annotations

import numpy as np
import pytest

from models.decision.value import Value
from tests.trained import Trained
from training.evaluation.holdout import sides
from training.evaluation.value_check import check_value
from training.fit.value_fit import WonDeals


def test_the_check_counts_what_came(trained: Trained) -> None:
    """`came` is the sum over held-out leads that became customers in time, one landmark each."""
    prepared = trained.prepared
    cut, train_rows, rows = sides(prepared, 0.2)
    labels = prepared.labels(prepared.extracted_at).take(rows)
    p = np.random.default_rng(0).random(len(rows))
    value = Value("EUR", 1_000.0, None, 0.1, 0.01, 100.0)
    learned = WonDeals.from_landmarks(prepared, prepared.deals, train_rows, cut)
    check = check_value(value, learned, prepared, rows, labels, p, (p * 0.5, np.minimum(p * 2, 1)))
    assert check is not None
    mature = labels.matured[:, -1]
    lead = prepared.looks.lead[rows[mature]]
    _, first = np.unique(lead, return_index=True)
    customers = lead[first][labels.reached[mature, -1][first]]
    amount = prepared.deals.of_leads(len(prepared.histories))[0]
    assert check.actual_total == pytest.approx(np.nansum(amount[customers]))
    assert check.in_range == 1
    assert set(check.error) == {"model", "mean", "median"}
