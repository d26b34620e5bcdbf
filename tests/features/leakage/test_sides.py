"""Accounts on both sides of the cut."""

from __future__ import annotations

import numpy as np

from features.leakage.sides import straddling_accounts


def test_accounts_with_older_and_newest_leads_are_counted() -> None:
    account = np.array([0, 1, 2, 3, 4, 5, 6, 7, 1, 1])
    found = straddling_accounts(account, np.arange(10), 0.2)
    assert found is not None
    assert found.startswith("2 of the newest 2 leads belong to 1 accounts that have older leads too")


def test_leads_without_colleagues_are_on_one_side() -> None:
    assert straddling_accounts(np.arange(10), np.arange(10), 0.2) is None
