"""Identifiers that encode time: a number that every lead has for itself and that rises as they come."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.leakage.strength import Ints

TIME_ORDER = 0.98  # rank correlation with the order in which leads came
NEARLY_UNIQUE = 0.98
MIN_ROWS = 30


def numbers_time(values: pd.Series, created: Ints) -> bool:
    """Whether a nearly unique column numbers the leads in the order in which they came; dates are no numbers of a lead."""
    is_filled = values.notna()
    if isinstance(values.dtype, pd.DatetimeTZDtype) or is_filled.sum() < MIN_ROWS:
        return False
    digits = values[is_filled]
    if not pd.api.types.is_numeric_dtype(digits):
        digits = pd.to_numeric(digits.astype("str").str.extract(r"(\d+)$")[0], errors="coerce")
    order = pd.Series(created[is_filled.to_numpy()]).rank()
    if digits.isna().any() or digits.nunique() < NEARLY_UNIQUE * len(digits) or order.nunique() < 2:
        return False
    return bool(abs(np.corrcoef(digits.rank().to_numpy(), order.to_numpy())[0, 1]) >= TIME_ORDER)
