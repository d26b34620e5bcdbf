"""Rules read every value as it is, whatever values stand beside it."""

from __future__ import annotations

import numpy as np
import pytest

from models.rules import Rules


def fit_points(condition: dict[str, object], values: list[object]) -> list[float]:
    book = Rules.from_dict({"fit": [{"attribute": "lead.x", "points": 5, **condition}]})
    return book.points(np.zeros((0, len(values))), lambda _entity, _column: values).points.tolist()


@pytest.mark.parametrize("values", [[True, 1, 1.0], [1, True, 1.0], [1.0, 1, True]])
def test_true_and_one_are_told_apart_in_any_order(values: list[object]) -> None:
    """They are one key of a dictionary; the points of a lead must not hang on who is scored beside it."""
    assert fit_points({"equals": "true"}, values) == [5.0 * (value is True) for value in values]


def test_a_number_without_end_gives_no_points() -> None:
    assert fit_points({"at_least": 3}, [10**4000, 4]) == [0, 5]
