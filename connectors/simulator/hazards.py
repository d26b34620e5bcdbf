"""The daily chances of going one lead stage further, or of leaving the funnel: competing risks in discrete time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from connectors.simulator.clock import stream
from connectors.simulator.interest import HEAT, LEVEL
from connectors.simulator.kinds import Array
from connectors.simulator.settings import SimulatorSettings

# The fit of a lead is one of these values, so that the exact probabilities need one computation per value, not per lead.
FITS = np.linspace(-2.5, 2.5, 21)

# By lead stage: lead, mql, sql.
_ADVANCE, _LEVEL, _HEAT, _FIT = (-5.95, -8.85, -11.6), (0.70, 0.85, 0.90), (0.6, 0.9, 1.1), (1.5, 1.7, 1.9)
_LEAVE, _LEAVE_LEVEL, _LEAVE_FIT = (-4.2, -4.2, -4.4), (-0.45, -0.45, -0.40), (-0.6, -0.6, -0.6)


@dataclass(frozen=True)
class Hazards:
    """Chances of the step that ends a day, by its state: `advance` and `leave` of shape (lead stages, days, FITS, STATES)."""

    advance: Array
    leave: Array


@dataclass(frozen=True)
class Tempo:
    """How a business differs from the usual one, by lead stage: `shift` of all chances to advance in log-odds, and what level,
    heat and fit count against the usual (`slope`)."""

    shift: tuple[float, ...] = (0.0,) * len(_ADVANCE)
    slope: tuple[float, ...] = (1.0,) * len(_ADVANCE)

    @classmethod
    def from_settings(cls, settings: SimulatorSettings) -> Tempo:
        """That of these settings; the usual one without variety."""
        if not settings.variety:
            return cls()
        drawn = settings.variety * stream(settings.seed, "tempo").standard_normal((2, len(_ADVANCE)))
        return cls(tuple(1.5 * drawn[0]), tuple(np.exp(0.5 * drawn[1])))


def hazards(effect: Array, tempo: Tempo | None = None) -> Hazards:
    """Calendar effects in log-odds, shape (days,) → the chances of both kinds of step on each day."""
    tempo = tempo or Tempo()
    day = effect[:, None, None]
    fit = FITS[None, :, None]
    shape = (len(_ADVANCE), len(effect), len(FITS), len(LEVEL))
    advance, leave = np.empty(shape), np.empty(shape)
    for s in range(len(_ADVANCE)):
        drawn = _LEVEL[s] * LEVEL + _HEAT[s] * HEAT + _FIT[s] * fit
        forward = np.exp(_ADVANCE[s] + tempo.shift[s] + tempo.slope[s] * drawn + day)
        exit_odds = np.exp(_LEAVE[s] + _LEAVE_LEVEL[s] * LEVEL + _LEAVE_FIT[s] * fit + 0.3 * day)
        advance[s], leave[s] = forward / (1 + forward + exit_odds), exit_odds / (1 + forward + exit_odds)
    return Hazards(advance, leave)
