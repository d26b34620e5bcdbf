"""Contributions of trees are Shapley's, and LightGBM's."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.common.compiled import part
from features.common.threads import MIN_ROWS
from models.common.types import Floats, Matrix
from models.learners.forest import SMALL
from models.learners.gbm import Gbm
from models.learners.tree_shap import Shapley
from models.learners.trees import Trees
from tests.models.learners.boosters import fitted, ready, rows, sums


def strange(x: Matrix) -> Matrix:
    """What no training row was: endless, tiny, zero, minus zero, all missing."""
    odd = np.array([np.inf, -np.inf, 1e-36, -0.0, 0.0, np.nan, 3e38], np.float32)
    return np.vstack([x, np.repeat(odd[:, None], x.shape[1], axis=1)])


@pytest.mark.parametrize("leaves", [2, 7, SMALL + 1, 15, 40])
def test_margin_and_contributions_are_lightgbms(leaves: int) -> None:
    x, y = rows(3_000, 12)
    booster = fitted(x, y, num_leaves=leaves)
    _, made = ready(booster)
    asked = strange(x)
    expected = booster.predict(asked, pred_contrib=True)
    assert np.array_equal(sums(made, asked), booster.predict(asked, raw_score=True))
    np.testing.assert_allclose(made.contributions(asked), expected, atol=1e-12, rtol=0)


def test_what_was_never_missing_in_training_is_taken_as_zero() -> None:
    """One booster knows gaps in a column and another does not."""
    x, y = rows(3_000, 6)
    for seen in (x, np.nan_to_num(x)):
        booster = fitted(seen, y, num_leaves=15)
        _, made = ready(booster)
        asked = strange(x)
        assert np.array_equal(sums(made, asked), booster.predict(asked, raw_score=True))
        np.testing.assert_allclose(made.contributions(asked), booster.predict(asked, pred_contrib=True), atol=1e-12, rtol=0)


def test_a_split_may_tell_only_what_is_missing() -> None:
    """Its threshold is endless, and no value lies above it; whichever is usual."""
    for share in (0.2, 0.8):
        x, _ = rows(3_000, 3)
        x[:, 0] = np.where(np.random.default_rng(2).random(len(x)) < share, np.nan, x[:, 1])
        booster = fitted(x, np.isnan(x[:, 0]).astype(float), 5, num_leaves=3)
        trees, made = ready(booster)
        assert np.isinf(trees.nodes.threshold).any()
        asked = strange(x)
        assert np.array_equal(sums(made, asked), booster.predict(asked, raw_score=True))
        np.testing.assert_allclose(made.contributions(asked), booster.predict(asked, pred_contrib=True), atol=1e-12, rtol=0)


def test_a_feature_that_comes_again_on_the_way_counts_once() -> None:
    """Two features and deep trees: every way asks the same feature several times."""
    x, y = rows(3_000, 2)
    booster = fitted(x, y, num_leaves=31, min_data_in_leaf=2)
    _, made = ready(booster)
    np.testing.assert_allclose(made.contributions(x), booster.predict(x, pred_contrib=True), atol=1e-12, rtol=0)


def test_a_way_of_more_features_than_one_round_of_points_serves() -> None:
    """A chain: every split cuts one small leaf off, so that the last hangs on thirty features."""
    rng = np.random.default_rng(3)
    x = (rng.random((6_000, 30)) < 0.02).astype(np.float32)
    y = (x * np.arange(1, 31)).sum(axis=1)
    booster = fitted(x, y, 3, objective="regression", num_leaves=31, min_data_in_leaf=2, min_gain_to_split=0)
    _, made = ready(booster)
    assert part(made.integers, 2).max() >= 2
    np.testing.assert_allclose(made.contributions(x), booster.predict(x, pred_contrib=True), atol=1e-9, rtol=0)
    np.testing.assert_allclose(made.contributions(x[:40]), booster.predict(x[:40], pred_contrib=True), atol=1e-9, rtol=0)


def test_threads_change_nothing() -> None:
    x, y = rows(9 * MIN_ROWS + 7, 6)
    _, made = ready(fitted(x, y, num_leaves=15))
    whole = made.contributions(x)
    parts = [made.contributions(x[a : a + 50]) for a in range(0, len(x), 50)]
    assert np.array_equal(whole, np.vstack(parts))


@given(st.integers(0, 10_000), st.integers(2, 20), st.integers(1, 6), st.sampled_from([0.3, 1.0]))
def test_whatever_the_trees(seed: int, leaves: int, features: int, fraction: float) -> None:
    x, y = rows(300, features, seed) if features > 1 else rows(300, 2, seed)
    booster = fitted(x, y, 6, num_leaves=leaves, feature_fraction=fraction, seed=seed)
    _, made = ready(booster)
    margin = booster.predict(x, raw_score=True)
    assert np.array_equal(sums(made, x), margin)
    np.testing.assert_allclose(made.contributions(x), booster.predict(x, pred_contrib=True), atol=1e-12, rtol=0)
    np.testing.assert_allclose(made.contributions(x).sum(axis=1), margin, atol=1e-12, rtol=0)


def test_one_tree_by_the_definition() -> None:
    """Shapley's own sum over all coalitions, with a tree that asks one feature twice."""
    x, y = rows(2_000, 4)
    trees, made = ready(fitted(x, y, 1, num_leaves=8))
    nodes, links = trees.nodes, trees.links

    def worth(row: Floats, known: frozenset[int], node: int) -> float:
        if node < 0:
            return float(links.value[~node])
        feature = int(nodes.feature[node])
        children = (int(links.left_child[node]), int(links.right_child[node]))
        if feature in known:
            value = row[feature]
            left = bool(nodes.absent_left[node]) if np.isnan(value) else value <= nodes.threshold[node]
            return worth(row, known, children[0] if left else children[1])
        share = [float((trees.rows[~c] if c < 0 else trees.count[c]) / trees.count[node]) for c in children]
        return sum(s * worth(row, known, c) for s, c in zip(share, children, strict=True))

    for row in x[:20]:
        expected = np.zeros(5)
        expected[-1] = worth(row, frozenset(), 0)
        for i in range(4):
            others = [j for j in range(4) if j != i]
            for size in range(4):
                weight = factorial(size) * factorial(3 - size) / factorial(4)
                for chosen in combinations(others, size):
                    with_i = worth(row, frozenset({*chosen, i}), 0)
                    expected[i] += weight * (with_i - worth(row, frozenset(chosen), 0))
        np.testing.assert_allclose(made.contributions(row[None]), expected[None], atol=1e-12, rtol=0)


def test_trees_too_large_for_a_pattern_are_left_to_lightgbm() -> None:
    x, y = rows(5_000, 6)
    booster = fitted(x, y, 2, num_leaves=90, min_data_in_leaf=2)
    trees = Trees.read(booster.model_to_string())
    assert trees is not None
    assert Shapley.from_trees(trees) is None
    gbm = Gbm(booster)
    assert np.array_equal(gbm.margin(x[:9]), booster.predict(x[:9], raw_score=True))
    assert np.array_equal(gbm.contributions(x[:9]), booster.predict(x[:9], pred_contrib=True))
