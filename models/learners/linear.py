"""The linear learner: regularised logistic regression on scaled columns, with a column of its own for "missing"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from features.common.compiled import compiled, inlined
from models.common.pooled_prior import Pooled
from models.common.types import Examples, Flags, Floats, Log, Matrix, Signs, sigmoid
from models.learners.penalised import Penalised

STRENGTHS = (0.001, 0.005, 0.03, 0.2)  # the hyperparameter: inverse regularisation of standardised columns, from strong to weak
PRIOR_SLOPE = 0.5  # log-odds per standard deviation of points, and how far that may be off
LEAST_POINTS = 10.0  # points differ by at least so much, where few rows say that they are all alike
CLIP = 6.0  # standard deviations; beyond it a value says no more
SMALLEST = 1e-9


def _correlation(values: Floats, y: Flags) -> float:
    """|covariance with the outcome| over the deviation: the correlation, but for a factor that is the same for all columns."""
    return abs(float(values @ (y - y.mean()))) / max(float(values.std()), SMALLEST)


@dataclass(frozen=True)
class Scaler:
    """Columns (features,) → standardised ones: log(1 + x) where that serves, minus mean, over deviation, clipped; missing → 0.

    `missing` (features,) is the share of missing values in training; columns with some get an indicator.
    """

    log_scale: Flags
    mean: Floats
    deviation: Floats
    missing: Floats

    @classmethod
    def fit(cls, x: Matrix, y: Flags, points: int | None = None, log: Flags | None = None) -> Scaler:
        """Learn from x (n, features) and the outcome y (n,). A constant column gets an endless deviation: it never counts.

        A non-negative column is taken as log(1 + x) where that goes along with the outcome more closely than x itself; not
        so the column of the rules' `points`, which say themselves how much one is worth against another. `log` (features,)
        says it beforehand for every column, whatever the outcome.
        """
        width = x.shape[1]
        log_scale, mean, deviation, missing = (
            np.zeros(width, bool),
            np.zeros(width),
            np.full(width, np.inf),
            np.zeros(width),
        )
        for i in range(width):
            column = np.asarray(x[:, i], np.float64)
            present = ~np.isnan(column)
            missing[i] = 1 - present.mean() if len(present) else 0.0
            values = column[present]
            if not len(values) or values.max() - values.min() < SMALLEST:
                continue
            if (i != points and values.min() >= 0 and values.max() > 1) if log is None else log[i]:
                logs = np.log1p(np.maximum(values, 0))
                log_scale[i] = log is not None or _correlation(logs, y[present]) > _correlation(values, y[present])
                values = logs if log_scale[i] else values
            mean[i], deviation[i] = values.mean(), max(values.std(), LEAST_POINTS if i == points else 0.0)
        return cls(log_scale, mean, deviation, missing)

    def with_pooled(self, pooled: Pooled) -> Scaler:
        """The same with the columns that others share scaled as there."""
        own_arrays, pooled_arrays = vars(self), vars(pooled)
        return Scaler(**{name: np.where(pooled.shared, pooled_arrays[name], values) for name, values in own_arrays.items()})

    @property
    def indicated(self) -> npt.NDArray[np.intp]:
        """Columns with a "missing" indicator."""
        return np.flatnonzero((self.missing > 0.001) & (self.missing < 0.999))

    def transform(self, x: Matrix) -> Matrix:
        """x (n, features) → float32 (n, features + indicators)."""
        indicators = self.indicated
        out = np.empty((x.shape[0], x.shape[1] + len(indicators)), np.float32, order="F")
        z = out[:, : x.shape[1]]
        z[:] = x
        gaps = np.isnan(z)
        out[:, x.shape[1] :] = gaps[:, indicators] - self.missing[indicators]
        z[:, self.log_scale] = np.log1p(np.maximum(z[:, self.log_scale], 0))
        with np.errstate(over="ignore"):  # a number far out is clipped next
            z -= self.mean
            z /= self.deviation
        np.clip(z, -CLIP, CLIP, out=z)
        z[gaps] = 0
        return out


@dataclass(frozen=True)
class Linear:
    """A fitted linear learner. `coefficient` (features + indicators,)."""

    scaler: Scaler
    coefficient: Floats
    intercept: float
    log: Log = field(default_factory=dict)

    def margin(self, x: Matrix) -> Floats:
        out = np.full(len(x), self.intercept)
        _add_margins(x, self.scaler.log_scale, self.block, out)
        return out

    def contributions(self, x: Matrix) -> Floats:
        out = np.empty((x.shape[0], x.shape[1] + 1))
        _each_row(x, self.scaler.log_scale, self.block, out)
        out[:, -1] = self.intercept
        return out

    @cached_property
    def block(self) -> Floats:
        """One after the other, (features,) each: mean, deviation, coefficient, and what the indicator adds where the value is
        there and where it is missing."""
        s, width = self.scaler, len(self.scaler.mean)
        missing = np.zeros((2, width))
        indicator_coefficient = self.coefficient[width:]
        share = s.missing[s.indicated].astype(np.float32)
        missing[0, s.indicated] = (np.float32(0) - share) * indicator_coefficient
        missing[1, s.indicated] = (np.float32(1) - share) * indicator_coefficient
        mean, deviation = s.mean.astype(np.float32), s.deviation.astype(np.float32)
        return np.concatenate((mean, deviation, self.coefficient[:width], *missing), dtype=np.float64)

    def save(self, folder: Path) -> None:
        s = self.scaler
        np.savez(
            folder / "linear.npz",
            log_scale=s.log_scale,
            mean=s.mean,
            deviation=s.deviation,
            missing=s.missing,
            coefficient=self.coefficient,
            intercept=self.intercept,
        )

    @classmethod
    def load(cls, folder: Path) -> Linear:
        with np.load(folder / "linear.npz", allow_pickle=False) as saved:
            scaler = Scaler(saved["log_scale"], saved["mean"], saved["deviation"], saved["missing"])
            return cls(scaler, saved["coefficient"], float(saved["intercept"]))


@compiled
def take_logs(x: Any, logged: Any, logs: Any) -> None:
    """log(1 + x) of the columns `logged` of one row, where it is above 0, into `logs` (features,): most are 0, and what is
    missing counts nowhere."""
    for k in range(len(logged)):
        value = np.float32(x[logged[k]])
        logs[logged[k]] = np.log1p(value) if value > 0 else np.float32(0)


@inlined
def add_columns(x: Any, logs: Any, is_logged: Any, block: Any, added: Any) -> Any:
    """What each column of a row adds to the log-odds, into `added`, and their sum: as `Scaler.transform` times the
    coefficients, without the matrix in between. `is_logged` says which columns are logarithms, `block` is a `Linear`'s.

    What is asked of a column is cut out beforehand, since only indices that are counted up from 0 let a loop become vectors.
    """
    width, clip = len(is_logged), np.float32(CLIP)
    mean, deviation, coefficient = block[:width], block[width : 2 * width], block[2 * width : 3 * width]
    present, absent = block[3 * width : 4 * width], block[4 * width :]
    total = 0.0
    for j in range(width):
        raw, logarithm = x[j], logs[j]
        value = logarithm if is_logged[j] else np.float32(raw)
        z = min(max((value - np.float32(mean[j])) / np.float32(deviation[j]), -clip), clip)
        contribution, missing = z * coefficient[j] + present[j], absent[j]
        added[j] = missing if np.isnan(raw) else contribution
        total += added[j]
    return total


@compiled
def _each_row(x: Any, is_logged: Any, block: Any, added: Any) -> None:
    """Rows x (n, features) → what each column adds (n, features)."""
    logged, logs = np.flatnonzero(is_logged), np.zeros(len(is_logged), np.float32)
    for i in range(len(x)):
        take_logs(x[i], logged, logs)
        add_columns(x[i], logs, is_logged, block, added[i])


@compiled
def _add_margins(x: Any, is_logged: Any, block: Any, out: Any) -> None:
    """The same, summed in their order (n,); without a matrix, since rows are many."""
    logged, logs, added = np.flatnonzero(is_logged), np.zeros(len(is_logged), np.float32), np.empty(len(is_logged))
    for i in range(len(x)):
        take_logs(x[i], logged, logs)
        add_columns(x[i], logs, is_logged, block, added)
        out[i] += added.sum()


def mixture(learners: Sequence[Linear], shares: Sequence[float]) -> Linear:
    """Linear learners of the same rows added up by their shares, which is one linear learner again. Their columns are scaled
    alike: how rows are weighed or regularised has no part in that."""
    coefficient = sum((share * learner.coefficient for learner, share in zip(learners, shares, strict=True)), np.zeros(1))
    intercept = sum(share * learner.intercept for learner, share in zip(learners, shares, strict=True))
    return Linear(learners[0].scaler, coefficient, float(intercept), {**learners[0].log, "learners": len(learners)})


def linear_paths(train: Examples, weighings: Sequence[tuple[Floats, Sequence[float]]]) -> list[list[Linear]]:
    """For each of the rows' weights (n,) one fitted learner per strength that stands beside them, each warmed up by the one
    before. Columns are scaled once for all: weights have no part in that.

    A learner starts from what the rules say (`rules_prior`) and learns how far to depart from it: L2-penalised maximum
    likelihood of what is added to that start. So with few rows, or a strong regularisation, it is the calibrated rules.
    Regularisation is per row weight, so a strength means the same for few rows as for many. The start is of as many pieces of
    evidence as there are accounts.

    With `train.pooled` it starts from what other businesses say: with a strong regularisation it is their coefficients and its
    own base rate, with a weak one it has forgotten them. The points then begin with no slope, because the coefficients already
    tell what they tell.

    A column that may only lower the chance (`train.signs`) has no coefficient above 0, one that may only raise it none below:
    all that is done to a value before is monotone, so that is enough. What others say beyond that is taken as 0.
    """
    pooled = train.pooled
    scaler = Scaler.fit(train.x, train.y, train.points)
    scaler = scaler if pooled is None else scaler.with_pooled(pooled)
    z = scaler.transform(train.x)
    low, high = coefficient_limits(train.signs, z.shape[1])
    toward, spread = pooled.prior(scaler.indicated) if pooled else (np.zeros(z.shape[1]), np.ones(z.shape[1]))
    toward = np.clip(toward, low, high)
    pooled_margin = (z @ toward.astype(z.dtype)).astype(np.float64) if pooled else np.zeros(len(z))
    points = np.zeros(len(z)) if train.points is None else z[:, train.points].astype(np.float64)
    if pooled:
        z *= spread.astype(z.dtype)  # the penalty is on departures in units of the spread
    rising = train.points is not None and low[train.points] == 0
    accounts_per_row = len(np.unique(train.account)) / max(len(train), 1)
    paths = []
    for row_weight, strengths in weighings:
        weight = row_weight / row_weight.mean()
        middle = float(np.average(pooled_margin, weights=weight))
        base, slope = rules_prior(points, train.y, weight * accounts_per_row, pooled, pooled_margin - middle, rising=rising)
        start = toward.copy()
        if train.points is not None:
            start[train.points] += slope
        margin = base + slope * points + pooled_margin - middle
        departures = Penalised(z, train.y, weight, margin, ((low - start) / spread, (high - start) / spread))
        path, solution = [], np.zeros(z.shape[1] + 1)
        for strength in strengths:
            solution = departures.solve(strength, solution)
            coefficient = np.clip(start + spread * solution[:-1], low, high)
            log = {"learner": "linear", "strength": strength, "rows": len(train), "positives": int(train.y.sum())}
            path.append(Linear(scaler, coefficient, base - middle + float(solution[-1]), log))
        paths.append(path)
    return paths


def coefficient_limits(signs: Signs | None, columns: int) -> tuple[Floats, Floats]:
    """The lowest and the highest coefficient (columns,) of scaled columns; indicators of missing values may have any."""
    low, high = np.full(columns, -np.inf), np.full(columns, np.inf)
    if signs is not None:
        low[: len(signs)][signs > 0] = 0.0
        high[: len(signs)][signs < 0] = 0.0
    return low, high


def rules_prior(
    points: Floats,
    y: Flags,
    weight: Floats,
    pooled: Pooled | None = None,
    pooled_margin: Floats | float = 0.0,
    *,
    rising: bool = False,
) -> tuple[float, float]:
    """(constant, slope) of the log-odds along standardised `points` (n,): the rules, calibrated.

    Before any outcome the slope is believed to be `PRIOR_SLOPE` ± `PRIOR_SLOPE`, and half an outcome of each kind is added; so
    this is defined from no outcome on, and what is believed fades as outcomes come. Constant points leave only the constant.
    Where other businesses say something, log-odds `pooled_margin` (n,) with mean 0, the slope is believed to be 0 ±
    `PRIOR_SLOPE` and the constant what theirs is. With `rising` the slope is at least 0.
    """
    from scipy.optimize import minimize  # a server never fits

    informative = float(points.std()) > SMALLEST and pooled is None

    def loss(v: Floats) -> tuple[float, Floats]:
        margin = v[0] + v[1] * points + pooled_margin
        losses = np.logaddexp(0.0, np.where(y, -margin, margin))
        residual = weight * (sigmoid(margin) - y)
        if pooled is None:
            prior_loss, prior_gradient, half = 0.5 * (np.logaddexp(0, v[0]) + np.logaddexp(0, -v[0])), float(sigmoid(v[0])), 0.5
        else:
            prior_gradient, half = (v[0] - pooled.base) / pooled.base_deviation**2, 0.0
            prior_loss = 0.5 * prior_gradient * (v[0] - pooled.base)
        pull = (v[1] - PRIOR_SLOPE * informative) / PRIOR_SLOPE**2
        value = float(weight @ losses) + float(prior_loss) + 0.5 * pull * (v[1] - PRIOR_SLOPE * informative)
        return value, np.array([residual.sum() + prior_gradient - half, residual @ points + pull])

    bounds = [(None, None), (0.0, None)] if rising else None
    solution = minimize(loss, np.array([0.0, PRIOR_SLOPE * informative]), jac=True, method="L-BFGS-B", bounds=bounds)
    return float(solution.x[0]), float(solution.x[1])
