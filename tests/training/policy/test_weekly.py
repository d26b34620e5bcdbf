"""The weeks that are looked back on: held-out leads before sales, whose outcomes are known."""

from __future__ import annotations

import numpy as np

from features.common.clock import DAY
from tests.trained import Trained


def test_a_training_looks_back_only_at_held_out_leads_before_sales(trained: Trained) -> None:
    handed, prepared, held = trained.outcome.handover_result, trained.prepared, trained.outcome.holdout
    past = handed.past
    assert past is not None
    assert handed.backtest_result is not None
    learned_from = np.unique(prepared.account[held.train_rows])
    assert not np.isin(prepared.histories.account[past.looks.lead], learned_from).any()
    assert (past.looks.as_of >= held.cut).all()
    assert (past.looks.stage < prepared.funnel.position("sql")).all()
    horizon = prepared.funnel.horizons["customer"] * DAY
    assert (past.looks.as_of + horizon <= prepared.extracted_at).all(), "every outcome is known"
    became = prepared.path.reached[past.looks.lead, -1]
    assert (past.customer <= (became <= past.looks.as_of + 3 * 365 * DAY)).all()
