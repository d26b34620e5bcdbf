"""Libraries that are fitted in one call: scikit-learn's histogram boosting, and FLAML for as long as our own fit took."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from models.common.types import TINY, Examples, Floats, Matrix
from training.fit.baselines import Baseline, Rate

KNOWN = 10  # rows; scikit-learn's boosting stops with an error at a column without a value, and it keeps a tenth of them aside


@dataclass(frozen=True)
class Some:
    """A fitted classifier that sees some of the columns; fits `models.calibration.chain.Conditional`."""

    classifier: Baseline
    columns: npt.NDArray[np.intp]

    def probability(self, x: Matrix) -> Floats:
        return self.classifier.probability(x[:, self.columns])


@dataclass(frozen=True)
class Framed:
    """A fitted classifier that wants a data frame; fits `models.calibration.chain.Conditional`."""

    classifier: Any

    def probability(self, x: Matrix) -> Floats:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of FLAML and the libraries it calls, about each other's versions
            found = self.classifier.predict_proba(frame(x))
        return np.clip(np.asarray(found, np.float64)[:, 1], TINY, 1 - TINY)


def frame(x: Matrix) -> pd.DataFrame:
    """Rows (n, columns) as FLAML wants them: only in a frame does it fill in what is missing, where a learner needs that."""
    return pd.DataFrame(np.asarray(x, np.float64), columns=[f"x{i}" for i in range(x.shape[1])])


def fit_boosting(train: Examples, seed: int) -> Some | Rate:
    """`HistGradientBoostingClassifier`: defaults with early stopping on a tenth of the rows."""
    if train.y.all() or not train.y.any():
        return _rate(train)
    columns = np.flatnonzero((~np.isnan(train.x)).sum(axis=0) >= KNOWN)
    rarer = min(int(train.y.sum()), int((~train.y).sum()))
    classifier = HistGradientBoostingClassifier(early_stopping=rarer > 1, random_state=seed)
    return Some(Baseline(classifier.fit(np.ascontiguousarray(train.x[:, columns]), train.y)), columns)


def fit_flaml(train: Examples, seed: int, seconds: float, *, in_time: bool) -> Framed | Rate:
    """FLAML's defaults for so many seconds, judged by log loss; with `in_time` it is told that rows are in order of time.

    Without it FLAML judges its learners on rows drawn at random, with it on later ones.
    """
    from flaml import AutoML

    if train.y.all() or not train.y.any():
        return _rate(train)
    ordered = train.select(np.argsort(train.as_of, kind="stable")) if in_time else train
    automl = AutoML()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # see above
        automl.fit(
            frame(ordered.x),
            ordered.y,
            task="classification",
            metric="log_loss",
            time_budget=seconds,
            split_type="time" if in_time else "auto",
            seed=seed,
            verbose=0,
            mlflow_logging=False,
        )
    return Framed(automl)


def _rate(train: Examples) -> Rate:
    return Rate(float(np.clip(train.y.mean(), TINY, 1 - TINY)))
