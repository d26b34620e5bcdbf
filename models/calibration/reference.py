"""Reference distributions: what makes a probability a score from 1 to 99 and two sums of contributions a grade A1 … C3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

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
        for i, part in enumerate((fit, engagement)):
            for t in range(targets):
                values = part[target == t]
                thirds[i, t] = np.quantile(values, [1 / 3, 2 / 3]) if len(values) else np.zeros(2)
        levels = np.arange(1, 100) / 100
        percentiles = np.quantile(final, levels) if len(final) else levels
        return cls(np.asarray(percentiles, np.float64), thirds[0], thirds[1])

    def score(self, final: Floats) -> npt.NDArray[np.int64]:
        """P(final) (n,) → 1 … 99, the percentile among the reference leads."""
        return np.minimum(np.maximum(self.percentiles.searchsorted(final, side="right"), 1), 99).astype(np.int64)

    def grade(self, fit: Floats, engagement: Floats, target: npt.NDArray[np.integer]) -> list[str]:
        """A (best third by fit) … C with 1 (best third by engagement) … 3, for the next target of each row."""
        letter = (fit[:, None] > self.fit[target]).sum(axis=1)
        number = (engagement[:, None] > self.engagement[target]).sum(axis=1)
        return [_LETTERS[a] + _NUMBERS[b] for a, b in zip(letter.tolist(), number.tolist(), strict=True)]

    def to_dict(self) -> dict[str, Any]:
        return {"percentiles": self.percentiles.tolist(), "fit": self.fit.tolist(), "engagement": self.engagement.tolist()}

    @classmethod
    def from_dict(cls, saved: dict[str, Sequence[Any]]) -> Reference:
        return cls(np.array(saved["percentiles"]), np.array(saved["fit"]), np.array(saved["engagement"]))


_LETTERS, _NUMBERS = "CBA", "321"
