"""The linear learner: regularised logistic regression on scaled columns, with a column of its own for "missing"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from models.types import Examples, Flags, Floats, Log, Matrix

STRENGTHS = (0.001, 0.005, 0.03, 0.2)  # inverse regularisation of standardised columns, tried from strong to weak
CLIP = 6.0  # standard deviations; beyond it a value says no more
SMALLEST = 1e-9


def _along(values: Floats, y: Flags) -> float:
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
    def fit(cls, x: Matrix, y: Flags) -> Scaler:
        """Learn from x (n, features) and the outcome y (n,). A constant column gets an endless deviation: it never counts.

        A non-negative column is taken as log(1 + x) where that goes along with the outcome more closely than x itself.
        """
        columns = x.shape[1]
        log_scale, mean, deviation, missing = (
            np.zeros(columns, bool),
            np.zeros(columns),
            np.full(columns, np.inf),
            np.zeros(columns),
        )
        for i in range(columns):
            column = np.asarray(x[:, i], np.float64)
            known = ~np.isnan(column)
            missing[i] = 1 - known.mean() if len(known) else 0.0
            there = column[known]
            if not len(there) or there.max() - there.min() < SMALLEST:
                continue
            if there.min() >= 0 and there.max() > 1:
                logs = np.log1p(there)
                log_scale[i] = _along(logs, y[known]) > _along(there, y[known])
                there = logs if log_scale[i] else there
            mean[i], deviation[i] = there.mean(), there.std()
        return cls(log_scale, mean, deviation, missing)

    @property
    def indicated(self) -> npt.NDArray[np.intp]:
        """Columns with a "missing" indicator."""
        return np.flatnonzero((self.missing > 0.001) & (self.missing < 0.999))

    def transform(self, x: Matrix) -> Matrix:
        """x (n, features) → float32 (n, features + indicators)."""
        shown = self.indicated
        out = np.empty((x.shape[0], x.shape[1] + len(shown)), np.float32, order="F")
        z = out[:, : x.shape[1]]
        z[:] = x
        gaps = np.isnan(z)
        out[:, x.shape[1] :] = gaps[:, shown] - self.missing[shown]
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
        return np.asarray(self.scaler.transform(x) @ self.coefficient + self.intercept, np.float64)

    def contributions(self, x: Matrix) -> Floats:
        parts = self.scaler.transform(x) * self.coefficient
        out = np.empty((x.shape[0], x.shape[1] + 1))
        out[:, :-1] = parts[:, : x.shape[1]]
        out[:, self.scaler.indicated] += parts[:, x.shape[1] :]
        out[:, -1] = self.intercept
        return out

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


def linear_learner(train: Examples, strength: float) -> Linear:
    """Fit on all rows of `train` with inverse regularisation `strength`."""
    return linear_path(train, [strength])[0]


def linear_path(train: Examples, strengths: Sequence[float] = STRENGTHS) -> list[Linear]:
    """One fitted learner per strength, each warmed up by the one before.

    Source: L2-penalised maximum likelihood, LBFGS (scikit-learn). Regularisation is per row weight, so a strength means the
    same for few rows as for many.
    """
    scaler = Scaler.fit(train.x, train.y)
    z = scaler.transform(train.x)
    weight = train.weight / train.weight.mean()
    if train.y.all() or not train.y.any():
        rate = (float(train.y.sum()) + 0.5) / (len(train) + 1)
        return [Linear(scaler, np.zeros(z.shape[1]), float(np.log(rate / (1 - rate)))) for _ in strengths]
    model = LogisticRegression(solver="lbfgs", max_iter=300, tol=1e-4, warm_start=True)
    fitted = []
    for strength in strengths:
        model.set_params(C=strength)
        model.fit(z, train.y, sample_weight=weight)
        log = {"learner": "linear", "strength": strength, "rows": len(train), "positives": int(train.y.sum())}
        fitted.append(Linear(scaler, np.asarray(model.coef_[0], np.float64), float(model.intercept_[0]), log))
    return fitted
