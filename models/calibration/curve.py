"""Curves: P(lead stage reached by so many days), from the probability within the horizon and the timing of earlier leads."""

from __future__ import annotations

from typing import Any

import numpy as np

from features.common.compiled import inlined

STEPS = ((60.0, 30.0), (14.0, 7.0), (0.0, 1.0))  # horizon from (days) → days between the points of its curve


def curve_days(horizon: float) -> tuple[float, ...]:
    """30, 60, 90 … for a horizon of months, 7, 14 … for one of weeks, 1, 2 … below; the horizon is the last."""
    step = next(step for min_horizon, step in STEPS if horizon >= min_horizon)
    return (*(float(d) for d in np.arange(step, horizon - 0.25 * step, step)), float(horizon))


@inlined
def lower_curve(chances: Any, probability: Any, shares: Any, power: Any) -> None:
    """A curve, `chances` (days,), at most P(an earlier lead stage by each of the days) = probability · share ^ power: no lead
    stage is ever likelier than the one before it."""
    for day in range(len(chances)):
        bound = probability * shares[day] ** power
        if not chances[day] <= bound:  # nothing is known yet (NaN), or it is higher
            chances[day] = bound
