"""Curves: P(lead stage reached by so many days), from the probability within the horizon and the timing of earlier leads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.common.compiled import compiled
from features.dataset.funnel import Funnel
from models.calibration.timing import Timings
from models.common.types import Floats, logit

STEPS = ((60.0, 30.0), (14.0, 7.0), (0.0, 1.0))  # horizon from (days) → days between the points of its curve


@dataclass(frozen=True)
class Curves:
    """`days` per target, ascending to its horizon; `chance` per target (n, days); `expected` (n, targets): the days it takes
    those who convert in time. NaN where the target is not ahead of the lead stage."""

    days: tuple[tuple[float, ...], ...]
    chance: tuple[Floats, ...]
    expected: Floats


def curve_days(horizon: float) -> tuple[float, ...]:
    """30, 60, 90 … for a horizon of months, 7, 14 … for one of weeks, 1, 2 … below; the horizon is the last."""
    step = next(step for min_horizon, step in STEPS if horizon >= min_horizon)
    return (*(float(d) for d in np.arange(step, horizon - 0.25 * step, step)), float(horizon))


def curves(
    funnel: Funnel,
    timings: Timings,
    conditional: Floats,
    probability: Floats,
    stage: npt.NDArray[np.integer],
    stage_days: Floats,
) -> Curves:
    """The curves (cumulative incidence) of n leads.

    `conditional` and `probability` (n, targets) as `models.calibration.chain.chain` gives them, `stage_days` (n,) since the
    lead stage was entered. Each curve rises to the probability at its horizon; none is ever above that of the lead stage before
    it.
    """
    days = tuple(curve_days(funnel.horizons[t]) for t in funnel.targets)
    chance = tuple(np.full((len(stage), len(d)), np.nan) for d in days)
    expected = np.full(probability.shape, np.nan)
    for begin in sorted(set(stage.tolist())):
        rows = np.flatnonzero(stage == begin)
        z = np.column_stack((logit(conditional[rows, begin]), np.log1p(np.maximum(stage_days[rows], 0))))
        powers = [timings.by_pair[begin, target].power(z) for target in range(begin, len(days))]
        for earlier_target, power in enumerate(powers, start=begin):
            timing, horizon = timings.by_pair[begin, earlier_target], funnel.horizons[funnel.targets[earlier_target]]
            expected[rows, earlier_target] = timing.mean_of(power)
            for target in range(earlier_target, len(days)):
                # past its own horizon a curve stays level
                share = timing.share_by(tuple([min(day, horizon) for day in days[target]]))
                _lower(chance[target], rows, probability[:, earlier_target], share, power)
    return Curves(days, chance, expected)


@compiled
def _lower(chance: Any, rows: Any, probability: Any, share: Any, power: Any) -> None:
    """chance (all, days): in `rows` at most P(before, by each of the days) = probability · share ^ power (rows,)."""
    for k in range(len(rows)):
        i = rows[k]
        for day in range(len(share)):
            bound = probability[i] * share[day] ** power[k]
            if not chance[i, day] <= bound:  # nothing is known yet (NaN), or it is higher
                chance[i, day] = bound
