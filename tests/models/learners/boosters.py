"""Boosters of LightGBM over counts, real numbers and gaps."""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np

from features.common.compiled import compiled
from models.common.types import Floats, Matrix
from models.learners.forest import add_up, unpacked
from models.learners.switches import turn
from models.learners.tree_shap import Shapley
from models.learners.trees import Trees


def rows(count: int, features: int, seed: int = 1) -> tuple[Matrix, Floats]:
    """Counts, real numbers and gaps, and an outcome that hangs on some of them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, features)).astype(np.float32)
    x[:, ::2] = np.round(np.maximum(x[:, ::2], 0) * 2)
    x[rng.random(x.shape) < 0.1] = np.nan
    seen = np.nan_to_num(x)
    return x, (seen[:, 0] * seen[:, 1] + seen.sum(axis=1) / features + rng.normal(size=count) > 0.3).astype(float)


def fitted(x: Matrix, y: Floats, trees: int = 20, **params: Any) -> lgb.Booster:
    settled = {"objective": "binary", "verbosity": -1, "min_data_in_leaf": 5, "num_threads": 1, "seed": 1, **params}
    return lgb.train(settled, lgb.Dataset(x, y, params=settled), trees)


def sums(made: Shapley, x: Matrix) -> Floats:
    """The sum of all trees (n,) as the packed model asks for it."""
    out = np.empty(len(x))
    _add_up_each(np.ascontiguousarray(x), made.integers, made.reals, out)
    return out


@compiled
def _add_up_each(x: Any, integers: Any, reals: Any, out: Any) -> None:
    forest, switches = unpacked(integers, reals)
    words = np.empty(len(forest.rounds), np.uint64)
    for i in range(len(x)):
        turn(x[i], switches, words)
        out[i] = add_up(0, forest, words)


def ready(booster: lgb.Booster) -> tuple[Trees, Shapley]:
    trees = Trees.read(booster.model_to_string())
    assert trees is not None
    made = Shapley.from_trees(trees)
    assert made is not None
    return trees, made
