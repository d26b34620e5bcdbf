"""Reference distributions: what makes a probability a score from 1 to 99 and two sums of contributions a grade A1 … C3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.common.compiled import compiled, inlined
from models.common.types import Floats


@dataclass(frozen=True)
class Reference:
    """`percentiles` (99,) of P(final lead stage) over held-out leads; `fit` and `engagement` (targets, 2): their thirds."""

    percentiles: Floats
    fit: Floats
    engagement: Floats

    @classmethod
    def learn(cls, final: Floats, fit: Floats, engagement: Floats, target: npt.NDArray[np.integer], targets: int) -> Reference:
        """From held-out rows: P(final) (n,), sums of fit and engagement contributions (n,), and each row's next target."""
        thirds = np.zeros((2, targets, 2))
        for i, sums in enumerate((fit, engagement)):
            for t in range(targets):
                values = sums[target == t]
                thirds[i, t] = np.quantile(values, [1 / 3, 2 / 3]) if len(values) else np.zeros(2)
        levels = np.arange(1, 100) / 100
        percentiles = np.quantile(final, levels) if len(final) else levels
        return cls(np.asarray(percentiles, np.float64), thirds[0], thirds[1])

    def to_dict(self) -> dict[str, Any]:
        return {"percentiles": self.percentiles.tolist(), "fit": self.fit.tolist(), "engagement": self.engagement.tolist()}

    @classmethod
    def from_dict(cls, saved: dict[str, Sequence[Any]]) -> Reference:
        return cls(np.array(saved["percentiles"]), np.array(saved["fit"]), np.array(saved["engagement"]))


@inlined
def score_of(final: Any, percentiles: Any) -> Any:
    """P(final) → 1 … 99, the percentile among the reference leads."""
    return min(max(np.searchsorted(percentiles, final, side="right"), 1), 99)


@compiled
def part_sum(contributions: Any, columns: Any) -> Any:
    """What the columns of a part, fit or engagement, add for one lead."""
    total = 0.0
    for column in columns:
        total += contributions[column]
    return total


@inlined
def third_of(total: Any, thirds: Any, target: Any) -> Any:
    """0 … 2, the third of a lead's `part_sum` among those with its next target; `thirds` (targets · 2,), and equal is below."""
    return np.float64(total > thirds[2 * target]) + np.float64(total > thirds[2 * target + 1])
