"""Trees as arrays say what LightGBM says; what they cannot hold is left to it."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np

from models.learners.gbm import Gbm
from models.learners.trees import Trees
from tests.models.learners.boosters import fitted, ready, rows, sums


def test_a_tree_without_a_split_is_its_constant() -> None:
    """Nothing to learn: LightGBM writes trees of one leaf."""
    x = np.zeros((100, 3), np.float32)
    booster = fitted(x, np.r_[np.ones(30), np.zeros(70)], 3)
    _, made = ready(booster)
    assert np.array_equal(sums(made, x), booster.predict(x, raw_score=True))
    np.testing.assert_allclose(made.contributions(x), booster.predict(x, pred_contrib=True), atol=1e-12, rtol=0)


def test_zeros_as_missing_are_left_to_lightgbm() -> None:
    x, y = rows(500, 6)
    booster = fitted(x, y, 5, zero_as_missing=True)
    assert Trees.read(booster.model_to_string()) is None
    assert np.array_equal(Gbm(booster).contributions(x), booster.predict(x, pred_contrib=True))


def test_what_these_arrays_cannot_hold_is_left_to_lightgbm() -> None:
    rng = np.random.default_rng(1)
    x = np.c_[rng.integers(0, 6, 500), rng.normal(size=500)].astype(np.float32)
    y = (np.isin(x[:, 0], [1, 4]) ^ (x[:, 1] > 0.5)).astype(float)
    settled = {"objective": "binary", "verbosity": -1, "min_data_per_group": 1, "cat_smooth": 1, "max_cat_to_onehot": 1}
    booster = lgb.train(settled, lgb.Dataset(x, y, categorical_feature=[0], params=settled), 5)
    assert Trees.read(booster.model_to_string()) is None
    gbm = Gbm(booster)
    assert np.array_equal(gbm.margin(x[:9]), booster.predict(x[:9], raw_score=True))
    assert np.array_equal(gbm.contributions(x[:9]), booster.predict(x[:9], pred_contrib=True))
