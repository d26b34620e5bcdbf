"""Paired differences of log loss, and how far they are certain when leads of one account and of one week hang together.

Crossed (two-way) bootstrap by reweighting: accounts are drawn with replacement, weeks too, apart from them, and each landmark
counts as often as its account times as often as its week was drawn. Owen (2007), The pigeonhole bootstrap,
doi:10.1214/07-AOAS122; Owen and Eckles (2012), Bootstrapping data arrays of arbitrary order, doi:10.1214/12-AOAS547. It errs on
the side of caution: where neither accounts nor weeks matter, its variance is up to three times that of the rows alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models.common.types import TINY, Flags, Floats
from training.evaluation.gate import Difference

DRAWS = 2_000
LEVEL = 0.9
WEEK = 7 * 86_400_000_000
BLOCKS = 20  # of equal numbers of rows, where the data have no dates
AT_ONCE = 200  # draws

Ints = npt.NDArray[np.int64]


def losses(y: Flags, p: Floats) -> Floats:
    """Log loss of each landmark (n,)."""
    kept = np.clip(p, TINY, 1 - TINY)
    return np.asarray(-np.where(y, np.log(kept), np.log1p(-kept)), np.float64)


def weeks(as_of: Ints, dated: bool) -> Ints:
    """The week (n,) of each landmark; without dates, blocks of neighbours in the order of time."""
    if dated:
        return as_of // WEEK
    order = np.argsort(np.argsort(as_of, kind="stable"), kind="stable")
    return np.asarray(order * BLOCKS // max(len(order), 1), np.int64)


def differences(each: Floats, groups: Sequence[Ints], seed: int = 7, draws: int = DRAWS) -> list[Difference]:
    """Differences of each landmark (n, peers) → their means and intervals; every peer is judged on the same draws.

    `groups`: codes (n,) of what is drawn as a whole, such as accounts and weeks; one alone gives the usual bootstrap.
    """
    codes = [np.unique(group, return_inverse=True)[1] for group in groups]
    random = np.random.default_rng(seed)
    means = []
    for begin in range(0, draws, AT_ONCE):
        weight = np.ones((min(AT_ONCE, draws - begin), len(each)))
        for code in codes:
            weight *= _drawn(random, len(weight), int(code.max()) + 1)[:, code]
        total = weight.sum(axis=1)
        means.append((weight @ each)[total > 0] / total[total > 0, None])
    low, high = np.quantile(np.concatenate(means), [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return [Difference(*map(float, row)) for row in zip(each.mean(axis=0), low, high, strict=True)]


def _drawn(random: np.random.Generator, draws: int, groups: int) -> Floats:
    """How often each group is drawn (draws, groups)."""
    return random.multinomial(groups, np.full(groups, 1 / groups), size=draws).astype(np.float64)
