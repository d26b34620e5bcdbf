"""Probabilities and log-odds, one at a time within compiled code; `models.common.types` has the same of whole arrays."""

from __future__ import annotations

from typing import Any

from features.common.compiled import inlined
from models.common.types import TINY, log_odds_formula, sigmoid_formula

sigmoid_of = inlined(sigmoid_formula)
_log_odds = inlined(log_odds_formula)


@inlined
def clipped_of(probability: Any) -> Any:
    """The probability, at least `TINY` from 0 and 1."""
    return min(max(probability, TINY), 1 - TINY)


@inlined
def logit_of(probability: Any) -> Any:
    """Probability → log-odds; 0 and 1 are taken as `TINY` and 1 - `TINY`."""
    return _log_odds(clipped_of(probability))


@inlined
def interpolated(value: Any, knots: Any, levels: Any) -> Any:
    """As `np.interp`, by binary search."""
    end = len(knots) - 1
    if value <= knots[0]:
        level = levels[0]
    elif value >= knots[end]:
        level = levels[end]
    else:
        low, high = 0, end
        while high - low > 1:
            middle = (low + high) >> 1
            if knots[middle] <= value:
                low = middle
            else:
                high = middle
        level = levels[low] + (value - knots[low]) * ((levels[low + 1] - levels[low]) / (knots[low + 1] - knots[low]))
    return level
