"""The rules as a model: transitions that know nothing but the points, for where what was learned is worse than they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.common.types import Flags
from training.common.config import Search
from training.data.prepare import Prepared
from training.fit.funnel_fit import Fit, fit_funnel
from training.fit.transition_fit import Tick, no_tick


def fit_rules(prepared: Prepared, known_at: int, subset: Flags, bounds: Search, seed: int, tick: Tick = no_tick) -> Fit:
    """Fit the funnel as `fit_funnel` does, on the points of the rules alone: the same learner, calibration, intervals and
    timing, with every other column the same in all rows, so that nothing but the points ever counts.

    Raises
    ------
    DataError
        if no landmark of a transition has matured by then.
    """
    nothing = np.broadcast_to(np.zeros(1, prepared.rows.dtype), prepared.rows.shape)  # takes no memory
    points_alone = replace(prepared, rows=nothing, pool=None)
    fit = fit_funnel(points_alone, known_at, subset, bounds, seed, points_only=True, tick=tick)
    transitions = tuple(replace(t, log={**t.log, "regime": "rules: the points alone"}) for t in fit.transitions)
    return replace(fit, transitions=transitions)
