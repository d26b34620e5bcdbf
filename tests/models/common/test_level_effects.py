"""Numbers in the place of levels: of a level that is known, of one that is new, of none."""

from __future__ import annotations

import json

import numpy as np

from models.common.level_effects import NO_LEVELS, LevelEffects, hidden_levels

EFFECTS = LevelEffects({1: np.array([0.5, -0.25, 0.1])}, (2,))
X = np.array([[7, 0, 0], [7, 1, 1], [7, 2, 2], [7, 3, 3], [7, 90_000, 0], [7, np.nan, np.nan]], np.float32)


def test_a_level_has_its_number_a_new_one_that_of_all_leads_and_a_missing_one_none() -> None:
    found = EFFECTS.apply(X)
    np.testing.assert_array_equal(found[:, 1], np.array([0.5, -0.25, 0.1, 0, 0, np.nan], np.float32))
    assert not found[:, 2].any()
    assert (found[:, 0] == 7).all()
    assert X[0, 1] == 0


def test_where_no_column_has_levels_nothing_is_copied() -> None:
    assert NO_LEVELS.apply(X) is X
    assert hidden_levels(None) is NO_LEVELS


def test_learners_without_levels_see_none_of_them() -> None:
    assert not hidden_levels(np.array([0, 1, -1], np.int8)).apply(X)[:, 1:].any()


def test_tables_survive_json_to_the_last_bit() -> None:
    again = LevelEffects.from_dict(json.loads(json.dumps(EFFECTS.to_dict())))
    np.testing.assert_array_equal(again.apply(X), EFFECTS.apply(X))


def test_several_targets_are_one_each_column_as_its_target_has_it() -> None:
    other = LevelEffects({2: np.array([1.0, 2.0])}, (1,))
    found = LevelEffects.merged([EFFECTS, other]).apply(X)
    np.testing.assert_array_equal(found[:, 1], EFFECTS.apply(X)[:, 1])
    np.testing.assert_array_equal(found[:, 2], other.apply(X)[:, 2])
