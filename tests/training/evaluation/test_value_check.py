"""The check of expected values against what came."""

from __future__ import annotations

import numpy as np
import pytest

from models.decision.value import Value
from tests.trained import Trained
from training.evaluation.value_check import check_value
from training.fit.value_fit import WonDeals


def test_the_check_counts_what_came(trained: Trained) -> None:
    """`came` is the sum over held-out leads that became customers in time, one landmark each."""
    prepared, held = trained.prepared, trained.outcome.holdout
    p = held.probability["model"][:, -1]
    value = Value("EUR", 1_000.0, None, 0.1, 0.01, 100.0)
    learned = WonDeals.from_landmarks(prepared, prepared.deals, held.train_rows, held.cut)
    found = check_value(value, learned, prepared, held.rows, held.labels, p, (p * 0.5, np.minimum(p * 2, 1)))
    assert found is not None
    mature = held.labels.matured[:, -1]
    lead = prepared.looks.lead[held.rows[mature]]
    _, first = np.unique(lead, return_index=True)
    customers = lead[first][held.labels.reached[mature, -1][first]]
    amount = prepared.deals.of_leads(len(prepared.histories))[0]
    assert found.actual_total == pytest.approx(np.nansum(amount[customers]))
    assert found.in_range == 1
    assert set(found.error) == {"model", "mean", "median"}
