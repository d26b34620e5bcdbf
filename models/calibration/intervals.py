"""Intervals: where the rate among leads scored alike lies next time, from how far it lay off on later rows, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.common.compiled import compiled, inlined
from models.common.log_odds import logit_of, sigmoid_of
from models.common.types import Flags, Floats, logit, sigmoid

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
        bin_of, block_of = equal_parts(margin, bins), equal_parts(as_of.astype(np.float64), blocks)
        bins, blocks = int(bin_of.max()) + 1, int(block_of.max()) + 1
        effect = design_effect(y, bin_of * blocks + block_of, account)
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

    def to_dict(self) -> dict[str, Any]:
        return {"centre": self.centre, "spread": self.spread}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Interval:
        return cls(tuple(saved["centre"]), tuple(saved["spread"]))


@inlined
def interval_bounds(p: Any, curve: Any) -> Any:
    """The 90 % interval (low, high) around one probability; low ≤ p ≤ high. `curve`: centres and spreads of an `Interval`."""
    centre, spread = curve
    margin = logit_of(p)
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
    return min(sigmoid_of(low), p), max(sigmoid_of(high), p)


@inlined
def chain_bounds(p: Any, reached: Any, curve: Any, low_variance: Any, high_variance: Any) -> Any:
    """The 90 % interval of `reached`, the product of the steps up to one with probability p, and the two variances after it.

    The doubts of the steps are independent, so their squares add up in logarithms: `low_variance` and `high_variance` have
    those of the steps before.
    """
    lower, upper = interval_bounds(p, curve)
    low_variance += np.log(p / lower) ** 2
    high_variance += np.log(upper / p) ** 2
    low, high = reached * np.exp(-np.sqrt(low_variance)), min(reached * np.exp(np.sqrt(high_variance)), 1.0)
    return low, high, low_variance, high_variance


def chain_intervals(steps: Sequence[Interval], conditional: Floats, reached: Floats) -> tuple[Floats, Floats]:
    """90 % intervals (n, targets) of `reached`, both arguments as `models.calibration.chain.chain` gives them."""
    low_variance, high_variance = np.zeros(len(conditional)), np.zeros(len(conditional))
    low, high = np.full_like(conditional, np.nan), np.full_like(conditional, np.nan)
    for target, step in enumerate(steps):
        curve = np.array(step.centre), np.array(step.spread)
        _chain_target(conditional, reached, target, curve, low_variance, high_variance, low, high)
    return low, high


@compiled
def _chain_target(
    conditional: Any, reached: Any, target: int, curve: Any, low_variance: Any, high_variance: Any, low: Any, high: Any
) -> None:
    """The intervals of one target; `low_variance` and `high_variance` (n,) gather the squares of the steps so far."""
    for i in range(len(conditional)):
        p = conditional[i, target]
        if not np.isnan(p):
            low[i, target], high[i, target], low_variance[i], high_variance[i] = chain_bounds(
                p, reached[i, target], curve, low_variance[i], high_variance[i]
            )


def equal_parts(values: Floats, parts: int) -> npt.NDArray[np.int64]:
    """The part (n,) of each value when they are cut into parts of equal size; ties stay together, so there may be fewer."""
    edges = np.quantile(values, np.linspace(0, 1, parts + 1)[1:-1])
    return np.unique(np.searchsorted(edges, values, side="right"), return_inverse=True)[1]


def design_effect(y: Flags, group: npt.NDArray[np.integer], account: npt.NDArray[np.int64]) -> float:
    """How many times wider chance spreads because rows (n,) of one account hang together (Kish 1965); at least 1.

    Rows of one `group` were scored alike; what hangs together are their residuals from the group's own rate. From what was said
    of them they would all lie on one side where a model is wrong as a whole, and that would be read as hanging together.
    """
    _, code = np.unique(group, return_inverse=True)
    residual = y - (np.bincount(code, weights=y) / np.bincount(code))[code]
    _, cluster = np.unique(account, return_inverse=True)
    variance = float((residual**2).sum())
    return max(1.0, float((np.bincount(cluster, weights=residual) ** 2).sum()) / variance) if variance else 1.0


def _excess_variance(margin: Floats, y: Flags, effect: float) -> float:
    """Squared log-odds by which the rate of a cell lies off, less what chance does; may be negative."""
    p = sigmoid(margin)
    information = float((p * (1 - p)).sum()) + 0.25
    deviation = (float(logit((y.sum() + 0.5) / (len(y) + 1)))) - float(logit((p.sum() + 0.5) / (len(y) + 1)))
    return float(np.clip(deviation**2 - effect / information, -4.0, 4.0))
