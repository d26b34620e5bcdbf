"""The exact probability of every label, by backward dynamic programming over the hidden state.

The label of target k asks that every lead stage up to k be reached within its own horizon, counted from as_of. Horizons are
therefore absolute deadlines: being below lead stage j once j's deadline has passed is worth 0, and having reached k is worth 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from connectors.simulator.hazards import FITS, Hazards
from connectors.simulator.interest import STATES
from connectors.simulator.kinds import Array


def probabilities(days: Array, deadlines: Sequence[int], hazards: Hazards, transitions: Array) -> Array:
    """The chance that every lead stage 1 … k is reached in time, for leads that are looked at on `days`.

    Parameters
    ----------
    days
        distinct days, shape (n,).
    deadlines
        for lead stages 1 … k, the number of steps within which each must be reached; the first step ends the day looked at.
    hazards, transitions
        chances by day; they must cover the last day plus the longest deadline.

    Returns
    -------
    Array
        shape (k, n, FITS, STATES): by lead stage at the time (below k), day, fit and hidden state. The deadlines of lead
        stages already reached do not matter.
    """
    k = len(deadlines)
    value = np.zeros((k + 1, len(days), len(FITS), STATES))
    value[k] = 1.0
    for step in range(max(deadlines), 0, -1):
        day = days + step - 1
        moves = transitions[day].swapaxes(1, 2)
        next_value = [value[j] @ moves if j < k else value[k] for j in range(k + 1)]
        for j in range(k):
            if step > deadlines[j]:  # too late to leave lead stage j: its value stays 0
                continue
            advance, leave = hazards.advance[j, day], hazards.leave[j, day]
            value[j] = advance * next_value[j + 1] + (1 - advance - leave) * next_value[j]
    return value[:k]
