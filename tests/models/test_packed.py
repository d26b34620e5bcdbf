"""A model made ready although its trees are unlike most: the numbers are the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.common.compiled import part
from models.common.level_effects import LevelEffects
from models.learners.gbm import Gbm
from models.score import numbers, split
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


def test_numbers_stand_in_the_place_of_levels_as_the_transitions_have_them(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model()
    columns = [
        model.names.index(name) for name in ("lead.job_title.seniority", "company.listed", "lead.email_domain.free_mail")
    ]
    tables = [np.linspace(-2, 2, 5), np.array([0.7]), np.zeros(0)]
    with_levels = replace(
        model,
        transitions=tuple(
            replace(t, levels=LevelEffects({column: table}))
            for t, column, table in zip(model.transitions, columns, tables, strict=True)
        ),
    )
    looked = seen(with_levels, 200)
    x = split(with_levels, looked).x
    assert all(len(np.unique(x[:, column])) > 1 for column in columns)
    found = numbers(with_levels, looked, 3)
    np.testing.assert_array_equal(found.x, with_levels.levels.apply(x))
    conditional = found.row[:, with_levels.packed.columns["conditional"]]
    for target, transition in enumerate(with_levels.transitions):
        ahead = looked.stage <= target
        own = LevelEffects(dict(zip(columns, tables, strict=True)))
        wanted = replace(transition, levels=own).probability(x[ahead])
        np.testing.assert_allclose(conditional[ahead, target], wanted, **NEAR)
    monkeypatch.setattr(Gbm, "shapley", property(lambda self: None))
    external = numbers(replace(with_levels, version="external"), looked, 3)
    np.testing.assert_allclose(external.row, found.row, **NEAR)
