"""The LightGBM learner: regularised gradient boosting with early stopping."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.common.types import Examples, Floats, Log, Matrix, Signs
from models.learners.tree_shap import Shapley
from models.learners.trees import Trees

if TYPE_CHECKING:
    import lightgbm as lgb

DEFAULTS: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.06,
    "num_leaves": 15,
    "min_data_in_leaf": 40,
    "lambda_l2": 10.0,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "path_smooth": 10.0,
    "max_bin": 63,
    "verbosity": -1,
    "seed": 7,
    "deterministic": True,
    "force_col_wise": True,
    "feature_pre_filter": False,
}
MOST_TREES = 400
PATIENCE = 30  # trees without progress on later rows
# holds whatever the tree looks like: the two sides of a split on such a column are kept apart for good
MONOTONE_METHOD = "basic"


@dataclass(frozen=True)
class Gbm:
    """A fitted LightGBM model, or its text: a server reads the trees from it and most often never needs LightGBM itself."""

    source: lgb.Booster | str
    log: Log = field(default_factory=dict)

    @cached_property
    def booster(self) -> lgb.Booster:
        """LightGBM's own object."""
        if not isinstance(self.source, str):
            return self.source
        import lightgbm as lgb

        return lgb.Booster(model_str=self.source)

    @cached_property
    def trees(self) -> int:
        return self.source.count("\nTree=") if isinstance(self.source, str) else int(self.source.num_trees())

    def margin(self, x: Matrix) -> Floats:
        if not self.trees:
            return np.zeros(len(x))
        return np.asarray(self.booster.predict(_rows(x), raw_score=True, num_threads=_threads(x)), np.float64)

    @cached_property
    def shapley(self) -> Shapley | None:
        """The booster's trees made ready, read when they are first needed; None where only LightGBM knows them."""
        trees = Trees.read(self.source if isinstance(self.source, str) else self.source.model_to_string())
        return Shapley.from_trees(trees) if trees else None

    def truncate(self, trees: int) -> Gbm:
        """Only the first so many trees; the log stays. A booster that was cut keeps what it has."""
        if trees >= self.booster.num_trees():
            return self
        import lightgbm as lgb

        return Gbm(lgb.Booster(model_str=self.booster.model_to_string(num_iteration=max(trees, 1))), self.log)

    def contributions(self, x: Matrix) -> Floats:
        """Exact Shapley contributions (n, features + 1) as LightGBM gives them, from our own compiled kernel where it can."""
        if not self.trees:
            return np.zeros((len(x), x.shape[1] + 1))
        if self.shapley:
            return self.shapley.contributions(x)
        return np.asarray(self.booster.predict(_rows(x), pred_contrib=True, num_threads=_threads(x)), np.float64)

    def save(self, folder: Path, name: str = "gbm") -> None:
        self.booster.save_model(str(folder / f"{name}.txt"))

    @classmethod
    def load(cls, folder: Path, name: str = "gbm") -> Gbm:
        return cls((folder / f"{name}.txt").read_text(encoding="utf-8"))


def _rows(x: Matrix) -> Matrix:
    return np.ascontiguousarray(x)


def _threads(x: Matrix) -> int:
    return 1 if len(x) < 64 else allowed()  # waking other cores costs more than a few rows


def allowed() -> int:
    """Threads for LightGBM: as OMP_NUM_THREADS says now, else 0, all processors.

    LightGBM itself reads it only when it is loaded, which in a worker of many is too early; threads of several processes that
    wait for each other on the same processors take many times as long.
    """
    text = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return int(text) if text.isdigit() else 0


def sign_params(signs: Signs | None) -> dict[str, Any]:
    """LightGBM's parameters by which trees keep to the signs of columns (features,)."""
    if signs is None:
        return {}
    return {"monotone_constraints": signs.tolist(), "monotone_constraints_method": MONOTONE_METHOD}


def defaults() -> dict[str, Any]:
    """The hyperparameters of `DEFAULTS`, with the number of threads where it is limited."""
    return {**DEFAULTS, "num_threads": allowed()} if allowed() else DEFAULTS


class BinnedExamples:
    """Rows to grow trees on, and those to stop by, as LightGBM takes them: values cut into bins.

    Cutting takes a third of a fit, and depends on none of the hyperparameters that are searched: it is done once for all
    boosters of the same rows.
    """

    def __init__(self, train: Examples, validation: Examples | None = None) -> None:
        self.train, self.validation = train, validation

    @cached_property
    def datasets(self) -> tuple[lgb.Dataset, lgb.Dataset | None]:
        import lightgbm as lgb

        train, validation = self.train, self.validation
        data = lgb.Dataset(_rows(train.x), label=train.y, weight=train.weight, params=defaults()).construct()
        if validation is None:
            return data, None
        later = data.create_valid(_rows(validation.x), label=validation.y, weight=validation.weight, params=defaults())
        return data, later.construct()


def gbm_learner(
    rows: BinnedExamples,
    params: Mapping[str, Any],
    *,
    trees: int = MOST_TREES,
) -> Gbm:
    """Grow at most `trees` trees; where there are rows to stop by, stop once their log loss has not improved for `PATIENCE`
    trees (early stopping).

    The log has the loss after each tree. `params` are hyperparameters of trees, not of the bins.
    """
    import lightgbm as lgb

    settings = {**defaults(), **params, **sign_params(rows.train.signs)}
    data, validation = rows.datasets
    history: dict[str, dict[str, list[float]]] = {}
    callbacks: list[Any] = []
    if validation is not None:
        callbacks = [lgb.early_stopping(PATIENCE, verbose=False), lgb.record_evaluation(history)]
    sets = [] if validation is None else [validation]
    booster = lgb.train(settings, data, num_boost_round=max(trees, 1), valid_sets=sets, callbacks=callbacks)
    best = booster.best_iteration if validation is not None else booster.num_trees()
    losses = next(iter(history["valid_0"].values())) if history else []
    train = rows.train
    log = {"learner": "gbm", "trees": best, "losses": losses, "rows": len(train), "positives": int(train.y.sum()), **params}
    return Gbm(booster, log).truncate(best)
