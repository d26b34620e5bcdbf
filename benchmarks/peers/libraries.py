"""Libraries that are fitted in one call, with what each has for categories and for stopping early.

Rows are (n, columns); the first columns are codes of categories, as many levels as `sizes` says, NaN where missing.
"""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from benchmarks.peers.tabular import FALLBACK, Seen, Sizes, floats, newest_part, rate_alone
from models.calibration.chain import Conditional
from models.common.types import Examples, Floats, Matrix
from models.learners.gbm import allowed

KNOWN = 10  # rows; scikit-learn's boosting stops with an error at a column without a value, and it keeps a tenth of them aside
MOST_LEVELS = 250  # that scikit-learn's boosting and the EBM take of a category; what is rarer shares one
BAGS, PAIRS = 4, 10  # of the EBM: less than its defaults, as it takes longest of all
PLAIN = 15  # of the rarer outcome: with fewer the EBM has no pairs and keeps nothing aside


def common_levels(x: Matrix, sizes: Sizes) -> Floats:
    """The same rows with the commonest levels of each category, the others as one; codes are in order of frequency."""
    out, first = np.array(x, np.float64), len(sizes)
    out[:, :first] = np.minimum(out[:, :first], MOST_LEVELS)  # NaN stays
    return out


def frame(x: Matrix, sizes: Sizes) -> pd.DataFrame:
    """Rows (n, columns) as a data frame whose categories are texts, empty where missing."""
    columns: dict[str, Any] = {}
    for number, column in enumerate(floats(x).T):
        if number < len(sizes):
            levels = ["", *(f"c{level}" for level in range(sizes[number]))]
            codes = np.where(np.isnan(column), 0, column + 1).astype(np.int64)
            columns[f"x{number}"] = pd.Categorical.from_codes(codes, categories=pd.Index(levels, dtype="object"))
        else:
            columns[f"x{number}"] = column
    return pd.DataFrame(columns)


def whole_numbers(x: Matrix, sizes: Sizes) -> pd.DataFrame:
    """Rows (n, columns) as a data frame whose categories are whole numbers, -1 where missing."""
    values, first = floats(x), len(sizes)
    codes = np.where(np.isnan(values[:, :first]), -1, values[:, :first]).astype(np.int64)
    return pd.DataFrame({i: codes[:, i] if i < first else values[:, i] for i in range(values.shape[1])})


def fit_boosting(train: Examples, sizes: Sizes, seed: int) -> Conditional:
    """`HistGradientBoostingClassifier`: defaults with categories as such and early stopping on a tenth of the rows."""
    if rate := rate_alone(train):
        return rate
    columns = np.flatnonzero((~np.isnan(train.x)).sum(axis=0) >= KNOWN)

    def view(x: Matrix) -> Floats:
        return np.ascontiguousarray(common_levels(x, sizes)[:, columns])

    rarer = min(int(train.y.sum()), int((~train.y).sum()))
    classifier = HistGradientBoostingClassifier(
        early_stopping=rarer > 1, random_state=seed, categorical_features=columns < len(sizes)
    )
    return Seen(classifier.fit(view(train.x), train.y), view)


def fit_flaml(train: Examples, sizes: Sizes, seed: int, seconds: float) -> Conditional:
    """FLAML's defaults for so many seconds, judged by log loss on later rows: it is told that rows are in order of time."""
    from flaml import AutoML

    if rate := rate_alone(train):
        return rate
    ordered = _in_time(train)
    automl = AutoML()
    while getattr(automl, "model", None) is None:  # on a busy machine it may finish nothing in its time: it gets twice as much
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the libraries it calls
            automl.fit(
                frame(ordered.x, sizes),
                ordered.y,
                task="classification",
                metric="log_loss",
                time_budget=seconds,
                split_type="time",
                seed=seed,
                n_jobs=allowed() or -1,
                verbose=0,
                mlflow_logging=False,
            )
        seconds *= 2
    return Seen(automl, partial(frame, sizes=sizes))


def fit_catboost(train: Examples, sizes: Sizes, seed: int) -> Conditional:
    """CatBoost's defaults with its own statistics of categories, stopped by the newest fifth, then fitted to all rows."""
    from catboost import CatBoostClassifier

    if rate := rate_alone(train):
        return rate
    ordered, view = _in_time(train), partial(whole_numbers, sizes=sizes)
    fixed: dict[str, Any] = {
        "cat_features": list(range(len(sizes))), "random_seed": seed, "verbose": False, "allow_writing_files": False,
        "thread_count": allowed() or -1, "has_time": True,
    }  # fmt: skip
    newest, enough = newest_part(ordered)
    trees = FALLBACK
    if enough:
        early, late = (ordered.select(np.flatnonzero(part)) for part in (~newest, newest))
        tried = CatBoostClassifier(iterations=1_000, early_stopping_rounds=50, **fixed)
        tried.fit(view(early.x), early.y, eval_set=(view(late.x), late.y))
        trees = int(tried.get_best_iteration()) + 1
        fixed["learning_rate"] = tried.get_all_params()["learning_rate"]
    return Seen(CatBoostClassifier(iterations=trees, **fixed).fit(view(ordered.x), ordered.y), view)


def fit_ebm(train: Examples, sizes: Sizes, seed: int) -> Conditional:
    """InterpretML's explainable boosting machine, its defaults with fewer bags and pairs; categories are such."""
    from interpret.glassbox import ExplainableBoostingClassifier

    if rate := rate_alone(train):
        return rate
    plain = min(int(train.y.sum()), int((~train.y).sum())) < PLAIN
    view = partial(common_levels, sizes=sizes)
    classifier = ExplainableBoostingClassifier(
        feature_types=["nominal" if i < len(sizes) else "continuous" for i in range(train.x.shape[1])],
        outer_bags=BAGS,
        interactions=0 if plain else PAIRS,
        validation_size=0 if plain else 0.15,
        random_state=seed,
        n_jobs=allowed() or -1,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of missing values, which it takes as a level of their own
        return Seen(classifier.fit(view(train.x), train.y), view)


def _in_time(train: Examples) -> Examples:
    return train.select(np.argsort(train.as_of, kind="stable"))
