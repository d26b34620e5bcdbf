"""Intervals: where the rate among leads scored alike lies next time, from how far it lay off on later rows, block by block."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from features.common.compiled import inlined
from models.common.types import TINY, Flags, Floats, logit, sigmoid

QUANTILE = 1.6449  # of the normal distribution, for an interval of 90 %
PER_CELL = 12  # of the rarer outcome
MOST_BLOCKS, MOST_BINS = 8, 8
PRIOR_DEVIATION = 0.25  # standard deviation, in log-odds, by which a rate lies off next time, before anything is known …
PRIOR_WEIGHT = 4.0  # … as much as so many cells say
SMALL_SAMPLE_VARIANCE = 4.0  # variance times outcomes: what few outcomes leave open


@dataclass(frozen=True)
class Interval:
    """For log-odds near `centre` (ascending), the standard deviation `spread` of the rate's log-odds around what was said."""

    centre: tuple[float, ...] = (0.0,)
    spread: tuple[float, ...] = (2.0,)

    @classmethod
    def fit(cls, margin: Floats, y: Flags, as_of: npt.NDArray[np.int64], account: npt.NDArray[np.int64]) -> Interval:
        """Learn from log-odds (n,) of rows that the learners had not seen, all later than what they had.

        Rows are cut into blocks of time and, in each, bins of neighbours. By how much the rate of a cell lies off in log-odds,
        less what chance alone does (accounts hang together: the design effect of Kish 1965), is what drift and misfit do: a
        random effect, its variance by the method of moments (DerSimonian and Laird 1986), pulled towards that of all cells
        (shrinkage).
        """
        rarer = int(min(y.sum(), (~y).sum()))
        prior = PRIOR_DEVIATION**2 + SMALL_SAMPLE_VARIANCE / (rarer + 1)
        blocks = int(np.clip(np.sqrt(rarer / PER_CELL), 1, MOST_BLOCKS))
        bins = int(np.clip(rarer / PER_CELL / blocks, 1, MOST_BINS))
        if not len(y):
            return cls()
        p = sigmoid(margin)
        effect = design_effect(y - p, p * (1 - p), account)
        bin_of, block_of = equal_parts(margin, bins), equal_parts(as_of.astype(np.float64), blocks)
        bins, blocks = int(bin_of.max()) + 1, int(block_of.max()) + 1
        excess = np.full((bins, blocks), np.nan)
        for b in range(bins):
            for t in range(blocks):
                rows = np.flatnonzero((bin_of == b) & (block_of == t))
                if len(rows):
                    excess[b, t] = _excess_variance(margin[rows], y[rows], effect)
        present = ~np.isnan(excess)
        overall = (np.nansum(excess) + PRIOR_WEIGHT * prior) / (present.sum() + PRIOR_WEIGHT)
        per_bin = (np.nansum(excess, axis=1) + PRIOR_WEIGHT * overall) / (present.sum(axis=1) + PRIOR_WEIGHT)
        centre = [float(np.median(margin[bin_of == b])) for b in range(bins)]
        floor = effect / max(float((p * (1 - p)).sum()) / bins, 1.0)  # no bin's rate is known better than this
        spread = np.sqrt(np.maximum(per_bin, floor))
        return cls(tuple(np.maximum.accumulate(centre).tolist()), tuple(spread.tolist()))

    def _spread(self, margin: Floats) -> Floats:
        """Standard deviation (n,) in log-odds at these log-odds (n,)."""
        return np.asarray(np.interp(margin, *self.curve), np.float64)

    @cached_property
    def curve(self) -> tuple[Floats, Floats]:
        """Centres and spreads as arrays."""
        return np.array(self.centre), np.array(self.spread)

    def bounds(self, probability: Floats) -> tuple[Floats, Floats]:
        """The 90 % interval (low, high) around probabilities (n,); low ≤ probability ≤ high."""
        m = logit(probability)
        width = QUANTILE * self._spread(m)
        return np.minimum(sigmoid(m - width), probability), np.maximum(sigmoid(m + width), probability)

    def to_dict(self) -> dict[str, Any]:
        return {"centre": self.centre, "spread": self.spread}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Interval:
        return cls(tuple(saved["centre"]), tuple(saved["spread"]))


@inlined
def interval_bounds(p: Any, curve: Any) -> Any:
    """As `Interval.bounds` for one probability, within compiled code; `curve` as `Interval.curve`."""
    centre, spread = curve
    q = min(max(p, TINY), 1 - TINY)
    margin = np.log(q) - np.log1p(-q)
    k = 0
    while k < len(centre) and centre[k] <= margin:
        k += 1
    if k == 0:
        wide = spread[0]
    elif k == len(centre):
        wide = spread[-1]
    else:
        wide = spread[k - 1] + (margin - centre[k - 1]) * (spread[k] - spread[k - 1]) / (centre[k] - centre[k - 1])
    low, high = margin - QUANTILE * wide, margin + QUANTILE * wide
    return min(0.5 * (1 + np.tanh(0.5 * low)), p), max(0.5 * (1 + np.tanh(0.5 * high)), p)


def equal_parts(values: Floats, parts: int) -> npt.NDArray[np.int64]:
    """The part (n,) of each value when they are cut into parts of equal size; ties stay together, so there may be fewer."""
    edges = np.quantile(values, np.linspace(0, 1, parts + 1)[1:-1])
    return np.unique(np.searchsorted(edges, values, side="right"), return_inverse=True)[1]


def design_effect(residual: Floats, variance: Floats, account: npt.NDArray[np.int64]) -> float:
    """How many times wider chance spreads because rows of one account hang together; at least 1."""
    _, code = np.unique(account, return_inverse=True)
    return max(1.0, float((np.bincount(code, weights=residual) ** 2).sum() / max(variance.sum(), 1e-9)))


def _excess_variance(margin: Floats, y: Flags, effect: float) -> float:
    """Squared log-odds by which the rate of a cell lies off, less what chance does; may be negative."""
    p = sigmoid(margin)
    information = float((p * (1 - p)).sum()) + 0.25
    deviation = (float(logit((y.sum() + 0.5) / (len(y) + 1)))) - float(logit((p.sum() + 0.5) / (len(y) + 1)))
    return float(np.clip(deviation**2 - effect / information, -4.0, 4.0))
