"""Rounding of many numbers at once, as Python rounds one."""

from __future__ import annotations

from typing import Any

import numpy as np

from features.common.compiled import exact
from models.common.types import Floats

# this near to the middle between two neighbours Python decides which is nearer: the product is as exact as that, no more
NEAR, NEARER = 1e-7, 1e-15


def rounded_rows(values: Floats, unit: float) -> Floats:
    """As `round` for each number with as many digits as `unit` (1e6, 1e2) has zeros, a hundred times as fast."""
    out = np.empty_like(values)
    if _round(values.ravel(), unit, out.ravel()):
        digits = round(np.log10(unit))
        out[:] = [[round(value, digits) for value in row] for row in values.tolist()]
    return out


@exact
def _round(values: Any, unit: float, out: Any) -> bool:
    """Whether any number is for Python to round."""
    doubt = False
    for i in range(len(values)):
        scaled = values[i] * unit
        distance = abs(scaled - np.floor(scaled) - 0.5)
        doubt |= distance < NEAR + NEARER * abs(scaled)
        out[i] = np.rint(scaled) / unit
    return doubt
