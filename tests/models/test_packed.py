"""A model made ready although its trees are unlike most: the numbers are the same."""

from __future__ import annotations

import numpy as np
import pytest

from features.common.compiled import part
from models.learners.gbm import Gbm
from models.score import numbers
from tests.models.looks import NEAR, seen
from tests.tiny import tiny_model


def test_boosters_that_only_lightgbm_can_ask_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Categorical splits, zeros as missing, leaves that no row reached: no tables can be made of them."""
    looked = seen(tiny_model(), 20)
    wanted = numbers(tiny_model(), looked, 3)
    monkeypatch.setattr(Gbm, "shapley", property(lambda self: None))
    model = tiny_model()
    assert model.packed.external_boosters
    found = numbers(model, looked, 3)
    np.testing.assert_allclose(found.row, wanted.row, **NEAR)
    np.testing.assert_allclose(found.contributions, wanted.contributions, **NEAR)


def test_trees_of_many_leaves_are_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    from models.learners import tree_shap

    looked = seen(tiny_model(), 20)
    wanted = numbers(tiny_model(), looked, 3)
    monkeypatch.setattr(tree_shap, "SMALL", 1)
    model = tiny_model()
    found = numbers(model, looked, 3)
    assert (part(model.packed.forest.integers, 6) < 0).any()
    np.testing.assert_allclose(found.row, wanted.row, **NEAR)
