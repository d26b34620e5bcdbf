"""A value that all who reached a lead stage have: a way of business, or a value that is set with the outcome."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.leakage.outcomes import MIN_OUTCOMES, Outcome
from features.leakage.strength import Ints

EXPECTED = 5.0  # outcomes that the leads with other values would have had at the common rate


def one_value(values: pd.Series, level: Ints, outcome: Outcome) -> str | None:
    """A sentence where every lead that reached the target has one value (level codes (n,), 0 is missing), beyond chance."""
    y = outcome.y
    positives = int(y.sum())
    if positives < MIN_OUTCOMES or level[y].min() != level[y].max() or not level[y][0]:
        return None
    other_count = int((level != level[y][0]).sum())
    rows = outcome.rows[y]
    if other_count * positives / len(y) < EXPECTED or values.iloc[rows].nunique() != 1:
        return None
    value = values.iloc[rows[int(np.argmax(outcome.entered[y]))]]
    return (
        f"all {positives:,} leads that became {outcome.target} have {str(value)[:40]!r} here, and none of {other_count:,} "
        "others became it: what those bring cannot be learned; where the value was known in time, `audit: {insist: [...]}` "
        "keeps the column"
    )
