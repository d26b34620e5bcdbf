"""How much one column alone says about an outcome, on accounts and in times it was not learned from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.attributes.values import distinct, is_missing
from features.common.clock import Moments
from features.leakage.outcomes import MIN_OUTCOMES

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BINS = 20  # of a number
NUMERIC_SHARE = 0.95  # of the distinct texts read as numbers for a column to be one
SMOOTH = 10.0  # rows at the base rate added to each level
DOUBT = 2.0  # standard errors on either side
EARLY_SHARE = 0.7  # of the rows in time teach what is judged on the rest


@dataclass(frozen=True)
class Strength:
    """What a column says alone.

    `auc` with its interval `low` … `high`; `gain`, the share of the outcome's entropy it removes (McFadden's R², 1 is all), and
    its lower end `gain_low`; `forward_auc`, the AUC on the newest rows learned from the earlier ones, and its lower end
    `forward_low` (None where there are too few). `odds` (n,): the log-odds it gives each row beyond the base rate, learned
    from other accounts.
    """

    auc: float
    low: float
    high: float
    gain: float
    gain_low: float
    forward_auc: float | None
    forward_low: float | None
    odds: Floats

    def __str__(self) -> str:
        forward_text = "" if self.forward_auc is None else f"; {self.forward_auc:.2f} on the newest leads"
        return f"AUC {self.auc:.2f} ({max(self.low, 0):.2f} to {min(self.high, 1):.2f}{forward_text})"


def strength(level: Ints, y: Flags, account: Ints, entered: Moments) -> Strength:
    """Twofold cross-validation by account: learn each level's rate on one half, judge on the other; then forward in time."""
    part = half(account)
    odds = np.zeros(len(y))
    for learn in (part, ~part):
        odds[~learn] = _level_odds(level, y, learn)[level[~learn]]
    gain, doubt = entropy_gain(odds, y)
    area, error = auc(odds, y, account)
    low, high = area - DOUBT * error, area + DOUBT * error
    forward = _forward(level, y, account, entered)
    if forward is None:
        return Strength(area, low, high, gain, gain - doubt, None, None, odds)
    return Strength(area, low, high, gain, gain - doubt, forward[0], forward[0] - DOUBT * forward[1], odds)


def _level_odds(level: Ints, y: Flags, learn: Flags) -> Floats:
    """Target encoding: log-odds of each level beyond the base rate of the rows it is learned from, so that halves compare."""
    base = float(np.clip(y[learn].mean(), 1e-6, 1 - 1e-6)) if learn.any() else 0.5
    hits = np.bincount(level[learn], weights=y[learn], minlength=int(level.max()) + 1)
    rows = np.bincount(level[learn], minlength=int(level.max()) + 1)
    rate = np.clip((hits + SMOOTH * base) / (rows + SMOOTH), 1e-6, 1 - 1e-6)
    return np.asarray(np.log(rate / (1 - rate)) - np.log(base / (1 - base)))


def _forward(level: Ints, y: Flags, account: Ints, entered: Moments) -> tuple[float, float] | None:
    """AUC and standard error on the newest rows; accounts among them teach nothing."""
    test = entered > np.quantile(entered, EARLY_SHARE)
    train = ~test & ~np.isin(account, account[test])
    if min(_rarer(y[test]), _rarer(y[train])) < MIN_OUTCOMES:
        return None
    return auc(_level_odds(level, y, train)[level[test]], y[test], account[test])


def _rarer(y: Flags) -> int:
    return min(int(y.sum()), int((~y).sum()))


def entropy_gain(odds: Floats, y: Flags) -> tuple[float, float]:
    """Log-odds beyond the base rate (n,) → the share of the entropy they remove, and `DOUBT` standard errors of it."""
    base = float(np.clip(y.mean(), 1e-6, 1 - 1e-6))
    margin = odds + np.log(base / (1 - base))
    better = np.where(y, -np.logaddexp(0, -margin) - np.log(base), -np.logaddexp(0, margin) - np.log1p(-base))
    entropy = -(base * np.log(base) + (1 - base) * np.log1p(-base))
    return float(better.mean() / entropy), float(DOUBT * better.std() / np.sqrt(len(y)) / entropy)


def auc(score: Floats, y: Flags, account: Ints) -> tuple[float, float]:
    """Area under the ROC curve, ties counting half, and its standard error (Hanley and McNeil 1982).

    The error counts accounts rather than rows: colleagues share their company and are hardly independent.
    """
    _, inverse, count = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[inverse]
    positives, negatives = int(y.sum()), int((~y).sum())
    area = float((rank[y].sum() - positives * (positives + 1) / 2) / (positives * negatives))
    m, n = len(np.unique(account[y])), len(np.unique(account[~y]))
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (m - 1) * (q1 - area**2) + (n - 1) * (q2 - area**2)
    return area, float(np.sqrt(max(spread, 0.0) / (m * n)))


def half(account: Ints) -> Flags:
    """Half of the accounts, always the same ones (a multiplicative hash, Knuth 6.4)."""
    mixed = account.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return np.asarray((mixed >> np.uint64(40)) % np.uint64(2) == 0)


def levels(values: pd.Series) -> Ints:
    """Codes of the levels (n,), numbers and times in up to `BINS` bins of equal size; missing is 0."""
    numbers = numbers_of(values)
    if numbers is not None:
        return _binned(numbers)
    codes, plain = distinct(values)
    is_filled = np.array([not is_missing(value) for value in plain])
    return np.where(is_filled, np.cumsum(is_filled), 0)[codes]


def numbers_of(values: pd.Series) -> pd.Series | None:
    """Numbers and times (n,) as numbers in their order, NaN where missing; None where values are neither."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return values.astype("int64").where(values.notna()).astype("float64")
    if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
        return values.astype("float64")
    codes, plain = distinct(values)
    is_filled = np.array([not is_missing(value) for value in plain])
    if is_filled.sum() <= BINS:
        return None
    numbers = pd.to_numeric(pd.Series(plain, dtype="object"), errors="coerce")  # numbers kept as text
    if numbers[is_filled].notna().mean() < NUMERIC_SHARE:
        return None
    return pd.Series(numbers.to_numpy(np.float64)[codes])


def _binned(numbers: pd.Series) -> Ints:
    if numbers.nunique() <= BINS:
        return np.asarray(pd.factorize(numbers)[0] + 1, np.int64)
    codes = pd.qcut(numbers.rank(method="average"), BINS, labels=False, duplicates="drop")
    return np.asarray(codes.fillna(-1).astype("int64") + 1, np.int64)
