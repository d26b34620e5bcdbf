"""Rules read every value as it is, whatever values stand beside it."""

from __future__ import annotations

import numpy as np
import pytest

from models.rules.rules import Column, Rules
from models.rules.schema import FitRule


def fit_points(condition: dict[str, object], values: list[object]) -> list[float]:
    book = Rules.from_dict({"fit": [{"attribute": "lead.x", "points": 5, **condition}]})
    return book.points(np.zeros((0, len(values))), lambda _entity, _column: values).points.tolist()


@pytest.mark.parametrize("values", [[True, 1, 1.0], [1, True, 1.0], [1.0, 1, True]])
def test_true_and_one_are_told_apart_in_any_order(values: list[object]) -> None:
    """They are one key of a dictionary; the points of a lead must not hang on who is scored beside it."""
    assert fit_points({"equals": "true"}, values) == [5.0 * (value is True) for value in values]


def test_a_number_without_end_gives_no_points() -> None:
    assert fit_points({"at_least": 3}, [10**4000, 4]) == [0, 5]


@pytest.mark.parametrize("kind", ["text", "number", "flag", "mixed"])
def test_many_values_are_judged_as_each_alone(kind: str) -> None:
    """The quick way over many values of one type gives what one by one gives."""
    some = {
        "text": ["DE", None, "at", " DE "], "number": [10.0, 50.0, float("nan"), 99.0],
        "flag": [True, False, None], "mixed": [1, True, "1", 1.0, None],
    }[kind]  # fmt: skip
    rules = [
        FitRule(attribute="lead.a", points=1, equals=["DE", "yes", "1"]), FitRule(attribute="lead.a", points=1, at_least=50)
    ]  # fmt: skip
    for rule in rules:
        many = some * 500
        assert Column.from_values(many).holds(rule).tolist() == [float(rule.holds(v)) for v in many]
