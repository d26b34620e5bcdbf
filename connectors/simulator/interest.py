"""The hidden state: how warm the company is (shared by its people) and how interested the lead is.

A state is `heat * LEVELS + level`. Both are Markov chains in days. A touch (a nurturing mail, an advertisement) may raise
the level; without one it decays. A warm company is touched more, gains faster and forgets more slowly.
"""

from __future__ import annotations

import numpy as np

from connectors.simulator.kinds import Array

LEVELS = 6
STATES = 2 * LEVELS
HEAT = np.repeat([0, 1], LEVELS)  # of each state
LEVEL = np.tile(np.arange(LEVELS), 2)

HEATS_UP, COOLS_DOWN, WARM_AT_FIRST = 0.004, 0.014, 0.28

_BASE = 0.075 + 0.012 * LEVEL + 0.035 * HEAT
# Chances that the level goes up or down by one, by (touched, state).
RISE = np.where(LEVEL == LEVELS - 1, 0.0, np.array([np.where(HEAT, 0.012, 0.002), np.where(HEAT, 0.23, 0.12)]))
FALL = np.where(LEVEL == 0, 0.0, np.array([np.where(HEAT, 0.014, 0.027), np.where(HEAT, 0.008, 0.014)]))
# Chances of the level of a new lead, by heat.
INITIAL_LEVELS = np.array([[0.42, 0.27, 0.17, 0.09, 0.04, 0.01], [0.16, 0.20, 0.23, 0.21, 0.14, 0.06]])


def touch_chance(state: Array, factor: Array) -> Array:
    """The chance of a touch on a day with this calendar factor; arguments broadcast."""
    return np.minimum(_BASE[state] * factor, 0.9)


def transitions(factor: Array) -> Array:
    """Calendar factors of shape (days,) → the chance of each next state, shape (days, STATES, STATES), touches averaged out."""
    touched = touch_chance(np.arange(STATES), factor[:, None])
    rise = touched * RISE[1] + (1 - touched) * RISE[0]
    fall = touched * FALL[1] + (1 - touched) * FALL[0]
    heat = np.array([[1 - HEATS_UP, HEATS_UP], [COOLS_DOWN, 1 - COOLS_DOWN]])
    out = np.zeros((len(factor), STATES, STATES))
    for state in range(STATES):
        for warm in (0, 1):
            chance = heat[HEAT[state], warm]
            same_state = warm * LEVELS + LEVEL[state]
            out[:, state, same_state] = chance * (1 - rise[:, state] - fall[:, state])
            if LEVEL[state] < LEVELS - 1:
                out[:, state, same_state + 1] = chance * rise[:, state]
            if LEVEL[state] > 0:
                out[:, state, same_state - 1] = chance * fall[:, state]
    return out
