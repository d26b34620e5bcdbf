"""The chain over the funnel: P(customer) = P(mql) · P(sql | mql) · P(customer | sql), for a lead in any lead stage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from models.common.types import Floats, Matrix


class Conditional(Protocol):
    """Anything that says P(its lead stage | the lead stage before) for rows (n, features)."""

    def probability(self, x: Matrix) -> Floats: ...


def chain(steps: Sequence[Conditional], x: Matrix, stage: npt.NDArray[np.integer]) -> tuple[Floats, Floats]:
    """(conditional, reached), both (n, targets), NaN where the target is not ahead of the lead stage.

    `conditional[:, k]` is P(target k within its horizon | every lead stage before it within its own), `reached` the product
    along the way. A product of numbers below 1 never grows, so P(customer) ≤ P(sql) always holds.
    """
    conditional = np.full((len(x), len(steps)), np.nan)
    for target, step in enumerate(steps):
        rows = np.flatnonzero(stage <= target)
        if len(rows) == len(x):
            conditional[:, target] = step.probability(x)
        elif len(rows):
            conditional[rows, target] = step.probability(x[rows])
    reached = np.cumprod(np.where(np.isnan(conditional), 1.0, conditional), axis=1)
    return conditional, np.where(np.isnan(conditional), np.nan, reached)
