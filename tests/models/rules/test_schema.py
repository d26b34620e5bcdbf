"""The form of a rules file: what is wrong is named with its place, and a flag is asked for by any word."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from features.common.errors import ConfigError
from models.rules.rules import Rules
from models.rules.schema import BehaviourRule, FitRule


@pytest.mark.parametrize(
    ("book", "message"),
    [
        ({"behavior": []}, "did you mean 'behaviour'"),
        ({}, "there is no rule in it"),
        ({"behaviour": [{"interaction": "a"}]}, r"behaviour\[0\].points"),
        ({"behaviour": [{"interaction": "a", "points": 1, "days": 0}]}, r"behaviour\[0\].days"),
        ({"behaviour": [{"interaction": "a", "points": 1, "days": 7, "half_life": 7}]}, "either `days` or `half_life`"),
        ({"fit": [{"attribute": "employees", "points": 1, "at_least": 1}]}, r"fit\[0\].attribute"),
        ({"fit": [{"attribute": "lead.x", "points": 1}]}, "needs a condition"),
    ],
)
def test_a_wrong_book_says_where(book: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Rules.from_dict(book)


def test_a_flag_is_asked_for_by_any_word_for_yes() -> None:
    """A column of yes and no is read as a flag; rules may still say "Yes"."""
    yes = FitRule(attribute="lead.do_not_email", equals="Yes", points=-20)
    assert (yes.holds(True), yes.holds(False), yes.holds("yes"), yes.holds(None)) == (True, False, True, False)
    assert FitRule(attribute="lead.do_not_email", equals=["nein"], points=1).holds(np.False_)
    assert BehaviourRule(interaction="unsubscribed", points=-30, at_most=30).max_points == 0
