"""The form of a rules file: what is wrong is named with its place, and a flag is asked for by any word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic.fields import FieldInfo

from features.common.errors import ConfigError
from models.rules.rules import Rules
from models.rules.schema import CONDITIONS, BehaviourRule, FitRule, condition_functions


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


def test_a_condition_without_what_it_asks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a rule could name it, and fail at the first lead."""
    monkeypatch.setitem(FitRule.model_fields, "contains", FieldInfo(annotation=str))
    with pytest.raises(TypeError, match="'contains'"):
        condition_functions()


def test_the_page_on_rules_names_every_condition() -> None:
    page = (Path(__file__).parents[3] / "docs" / "rules.md").read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if line.startswith("| `attribute` |"))
    assert [name for name in CONDITIONS if f"`{name}`" not in row] == []


def test_a_flag_is_asked_for_by_any_word_for_yes() -> None:
    """A column of yes and no is read as a flag; rules may still say "Yes"."""
    yes = FitRule(attribute="lead.do_not_email", equals="Yes", points=-20)
    assert (yes.holds(True), yes.holds(False), yes.holds("yes"), yes.holds(None)) == (True, False, True, False)
    assert FitRule(attribute="lead.do_not_email", equals=["nein"], points=1).holds(np.False_)
    assert BehaviourRule(interaction="unsubscribed", points=-30, at_most=30).max_points == 0
