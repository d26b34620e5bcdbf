"""Intervals: how sure a probability is, from how often leads scored alike came true on rows the learner never saw."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import beta

from models.types import Flags, Floats, logit, sigmoid

LEVEL = 0.9
MIN_BIN = 50  # rows
MOST_BINS = 20


@dataclass(frozen=True)
class Interval:
    """For probabilities near `centre`, the log-odds by which the 90 % interval lies below and above."""

    centre: tuple[float, ...] = (0.0,)
    below: tuple[float, ...] = (3.0,)
    above: tuple[float, ...] = (3.0,)

    @classmethod
    def fit(cls, probability: Floats, y: Flags) -> Interval:
        """Learn from held-out calibrated probabilities (n,): equal-sized bins of neighbours, Jeffreys interval in each.

        Source: Brown, Cai and DasGupta 2001, doi:10.1214/ss/1009213286. It covers the doubt about the rate among leads scored
        alike, not the doubt about whether next quarter is like the last. Without rows the interval is wide: ± 3 in log-odds.
        """
        bins = int(min(MOST_BINS, len(y) // MIN_BIN))
        if bins < 1:
            return cls()
        parts = np.array_split(np.argsort(probability, kind="stable"), bins)
        centre, below, above = [], [], []
        for rows in parts:
            hits, misses = float(y[rows].sum()), float((~y[rows]).sum())
            low, high = beta.ppf([(1 - LEVEL) / 2, (1 + LEVEL) / 2], hits + 0.5, misses + 0.5)
            middle = float(logit((hits + 0.5) / (hits + misses + 1)))
            centre.append(float(logit(probability[rows].mean())))
            below.append(middle - float(logit(low)))
            above.append(float(logit(high)) - middle)
        return cls(tuple(np.maximum.accumulate(centre).tolist()), tuple(below), tuple(above))

    def around(self, probability: Floats) -> tuple[Floats, Floats]:
        """(low, high) around probabilities (n,); low ≤ probability ≤ high."""
        m = logit(probability)
        low = sigmoid(m - np.interp(m, self.centre, self.below))
        high = sigmoid(m + np.interp(m, self.centre, self.above))
        return np.minimum(low, probability), np.maximum(high, probability)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Interval:
        return cls(tuple(saved["centre"]), tuple(saved["below"]), tuple(saved["above"]))
