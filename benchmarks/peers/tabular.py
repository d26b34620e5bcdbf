"""Peers that a data scientist makes in an afternoon: logistic regression and LightGBM.

Rows are (n, columns); the first columns are codes of categories, as many levels as `sizes` says, NaN where missing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from models.calibration.chain import Conditional
from models.common.types import TINY, Examples, Flags, Floats, Matrix
from models.learners.gbm import allowed
from training.fit.baselines import Rate

RARE = 10  # rows; levels of fewer share an indicator
NEWEST = 0.2  # of the rows say when to stop
FEWEST = 5  # of the rarer outcome, among the newest too: else the trees are `FALLBACK`
FALLBACK, MOST_TREES, PATIENCE = 60, 2_000, 100
REGULARISED: dict[str, Any] = {
    "objective": "binary", "learning_rate": 0.03, "num_leaves": 15, "min_data_in_leaf": 40, "lambda_l2": 10.0,
    "feature_fraction": 0.7, "bagging_fraction": 0.8, "bagging_freq": 1, "cat_smooth": 20.0, "verbosity": -1,
}  # fmt: skip

Sizes = tuple[int, ...]


def floats(x: Matrix) -> Floats:
    """The rows as they are."""
    return np.asarray(x, np.float64)


@dataclass(frozen=True)
class Seen:
    """A fitted classifier in scikit-learn's manner and how it sees rows; fits `models.calibration.chain.Conditional`."""

    classifier: Any
    view: Callable[[Matrix], Any]

    def probability(self, x: Matrix) -> Floats:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of levels that are new, and of libraries about each other's versions
            found = self.classifier.predict_proba(self.view(x))
        return np.clip(np.asarray(found, np.float64)[:, 1], TINY, 1 - TINY)


def rate_alone(train: Examples) -> Rate | None:
    """The base rate, where there is one outcome only and nothing can be fitted."""
    if train.y.any() and not train.y.all():
        return None
    return Rate(float(np.clip((train.y.sum() + 0.5) / (len(train) + 1), TINY, 1 - TINY)))


def newest_part(train: Examples) -> tuple[Flags, bool]:
    """Which rows (n,) are the newest fifth in time, and whether both parts hold enough outcomes to stop by."""
    edge = np.quantile(train.as_of, 1 - NEWEST, method="higher")
    newest = train.as_of >= edge
    counts = [int(side.sum()) for part in (newest, ~newest) for side in (train.y[part], ~train.y[part])]
    return newest, min(counts) >= FEWEST


def fit_logistic(train: Examples, sizes: Sizes) -> Conditional:
    """One indicator per level of a category (rare ones share one), numbers imputed with their mean and scaled; L2, C = 1."""
    if rate := rate_alone(train):
        return rate
    first, width = len(sizes), train.x.shape[1]
    numbers = make_pipeline(SimpleImputer(add_indicator=True, keep_empty_features=True), StandardScaler())
    one_hot = OneHotEncoder(min_frequency=RARE, handle_unknown="infrequent_if_exist")
    columns = ColumnTransformer([("levels", one_hot, list(range(first))), ("numbers", numbers, list(range(first, width)))])
    classifier = make_pipeline(columns, LogisticRegression(max_iter=1_000))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return Seen(classifier.fit(train.x, train.y), floats)


@dataclass(frozen=True)
class Trees:
    """A LightGBM booster; fits `models.calibration.chain.Conditional`."""

    booster: lgb.Booster

    def probability(self, x: Matrix) -> Floats:
        return np.clip(np.asarray(self.booster.predict(floats(x)), np.float64), TINY, 1 - TINY)


def fit_lightgbm(train: Examples, sizes: Sizes, seed: int, *, defaults: bool = False) -> Conditional:
    """LightGBM with its own treatment of categories: regularised and stopped early by the newest fifth, then fitted to all rows
    with so many trees; or with `defaults`, a hundred trees."""
    if rate := rate_alone(train):
        return rate
    own: dict[str, Any] = {"objective": "binary", "verbosity": -1} if defaults else REGULARISED
    params = {**own, "seed": seed, "num_threads": allowed() or 0, "deterministic": True}
    trees = 100 if defaults else _trees(train, sizes, params)
    return Trees(lgb.train(params, _rows(train, sizes), trees))


def _trees(train: Examples, sizes: Sizes, params: dict[str, Any]) -> int:
    """The number of trees with the lowest loss on the newest part."""
    newest, enough = newest_part(train)
    if not enough:
        return FALLBACK
    early, late = (_rows(train.select(np.flatnonzero(part)), sizes) for part in (~newest, newest))
    stop = lgb.early_stopping(PATIENCE, verbose=False)
    return max(int(lgb.train(params, early, MOST_TREES, valid_sets=[late], callbacks=[stop]).best_iteration), 1)


def _rows(examples: Examples, sizes: Sizes) -> lgb.Dataset:
    return lgb.Dataset(floats(examples.x), examples.y.astype(np.float64), categorical_feature=list(range(len(sizes))))
