"""Accounts on both sides of the cut in time: their early leads would tell of their later ones, which is data leakage."""

from __future__ import annotations

import numpy as np

from features.common.clock import Moments
from features.leakage.strength import Ints


def straddling_accounts(account: Ints, created: Moments, share: float) -> str | None:
    """A sentence on accounts (leads,) with leads among the newest `share` and before; None where there are none."""
    is_newest = created >= np.quantile(created, 1 - share, method="higher")
    straddle = np.intersect1d(account[is_newest], account[~is_newest])
    if not len(straddle):
        return None
    rows = int(np.isin(account[is_newest], straddle).sum())
    return (
        f"{rows:,} of the newest {int(is_newest.sum()):,} leads belong to {len(straddle):,} accounts that have older leads "
        "too; training keeps such accounts on one side"
    )
