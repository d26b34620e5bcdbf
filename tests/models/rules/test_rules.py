"""Rules: points by the book, lines that sum, and a wrong file that says where."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.common.errors import ConfigError
from features.partitions.executor import run_all
from features.partitions.memory import Budget
from features.turning_away import TurningAway
from models.rules.rules import Column, Points, Rules, check_thresholds
from models.rules.schema import FitRule
from training.executors.local import LocalEngine


def rules(**book: Any) -> Rules:
    return Rules.from_dict(book)


def points(book: Rules, behaviour: list[list[float]], attributes: dict[str, list[object]] | None = None) -> Points:
    given = attributes or {}
    count = len(behaviour[0]) if behaviour else len(next(iter(given.values())))
    rows = np.array(behaviour, np.float32).reshape(len(behaviour), count)
    return book.points(rows, lambda entity, column: given.get(f"{entity}.{column}", [None] * count))


def test_the_default_rules_are_those_of_the_field() -> None:
    default = {r.interaction: r.points for r in Rules.read().book.behaviour}
    assert (default["product_video"], default["form_submitted"], default["trial_requested"]) == (10, 20, 40)
    assert default["unsubscribed"] < 0


def test_points_are_per_time_and_capped_per_rule() -> None:
    book = rules(behaviour=[{"interaction": "webinar", "points": 10, "at_most": 25}])
    assert points(book, [[0, 1, 2, 7]]).points.tolist() == [0, 10, 20, 25]


def test_negative_points_are_capped_too() -> None:
    book = rules(behaviour=[{"interaction": "unsubscribed", "points": -30, "at_most": 40}])
    assert points(book, [[1, 2]]).points.tolist() == [-30, -40]


def test_group_caps_take_and_say_so() -> None:
    book = rules(
        caps={"engagement": 30, "fit": 5},
        behaviour=[{"interaction": "a", "points": 20}, {"interaction": "b", "points": 20}],
        fit=[{"attribute": "company.employees", "at_least": 50, "points": 10}],
    )
    found = points(book, [[1], [1]], {"company.employees": [80]})
    assert found.points.tolist() == [35]
    assert found.lines.sum() + found.capped[0] == found.points[0]


def test_rules_that_were_asked_can_be_sent_to_another_process() -> None:
    """What they remember of being asked goes with them."""
    conditions = {"at_least": 1, "at_most": 9, "equals": "a", "seniority_at_least": 1, "seniority_at_most": 5,
                  "function": "sales", "free_mail": False}  # fmt: skip
    fit = [{"attribute": f"lead.{name}", name: wanted, "points": 5} for name, wanted in conditions.items()]
    book = rules(fit=fit)
    values = {f"lead.{name}": ["5"] for name in conditions}
    found = points(book, [], values)
    with LocalEngine(Budget(workers=2)) as engine:
        again = run_all(engine, partial(points, behaviour=[], attributes=values), [book, book], ["one", "other"])
    assert [one.points.tolist() for one in again] == [found.points.tolist()] * 2


def test_a_fading_point_uses_the_decayed_count_of_the_engine() -> None:
    book = rules(behaviour=[{"interaction": "a", "points": 10, "half_life": 14}])
    assert book.features[0].name == "a.decayed_14d"
    assert points(book, [[0.5]]).points.tolist() == [5]


@pytest.mark.parametrize(
    ("condition", "column", "value", "holds"),
    [
        ({"at_least": 50}, "company.employees", 50, True),
        ({"at_least": 50}, "company.employees", 49, False),
        ({"at_least": 50}, "company.employees", None, False),
        ({"at_least": 50}, "company.employees", "many", False),
        ({"at_least": 50, "at_most": 100}, "company.employees", 101, False),
        ({"equals": "Germany"}, "lead.country", " germany ", True),
        ({"equals": ["DE", "AT"]}, "lead.country", "CH", False),
        ({"seniority_at_least": 5}, "lead.job_title", "VP Sales", True),
        ({"seniority_at_least": 5}, "lead.job_title", "Werkstudent Marketing", False),
        ({"function": "sales"}, "lead.job_title", "Leiter Vertrieb", True),
        ({"free_mail": True}, "lead.email_domain", "gmail.com", True),
        ({"free_mail": True}, "lead.email_domain", "acme.com", False),
    ],
)
def test_fit_conditions(condition: dict[str, Any], column: str, value: object, holds: bool) -> None:
    book = rules(fit=[{"attribute": column, "points": 7, **condition}])
    assert points(book, [], {column: [value]}).points.tolist() == [7 if holds else 0]


def test_the_lead_stage_of_the_rules() -> None:
    book = rules(thresholds={"mql": 50, "sql": 100}, behaviour=[{"interaction": "a", "points": 1}])
    assert [book.lead_stage(p) for p in (49, 50, 100)] == [None, "mql", "sql"]


@pytest.mark.parametrize(
    ("content", "message"), [("behaviour: [", "not valid YAML"), (None, "cannot be read"), ("- 1", "Rules|rules|valid")]
)
def test_a_wrong_file_says_so(tmp_path: Path, content: str | None, message: str) -> None:
    file = tmp_path / "rules.yaml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match=message):
        Rules.read(file)


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [({"mqll": 50}, "did you mean 'mql'"), ({"mql": 100, "sql": 50}, "do not rise"), ({"lead": 1}, "threshold for 'lead'")],
)
def test_thresholds_must_fit_the_funnel(thresholds: dict[str, float], message: str) -> None:
    book = rules(thresholds=thresholds, behaviour=[{"interaction": "a", "points": 1}])
    with pytest.raises(ConfigError, match=message):
        check_thresholds(book, ["lead", "mql", "sql", "customer"])


def test_rules_that_can_give_nothing_are_named() -> None:
    book = rules(
        behaviour=[{"interaction": "webinars", "points": 1}], fit=[{"attribute": "lead.contry", "equals": "DE", "points": 1}]
    )
    first, second = book.idle({"webinar"}, {"lead.country"})
    assert "did you mean 'webinar'" in first
    assert "did you mean 'lead.country'" in second
    without_interactions, _ = book.idle(set(), {"lead.country"})
    assert "none of the 1 rules" in without_interactions


def test_round_trip() -> None:
    book = Rules.read()
    assert Rules.from_dict(book.to_dict()) == book


def test_grades_are_fit_by_engagement_after_caps() -> None:
    """A lead of the right kind that does nothing is A3; one that does much and is nobody we want is C1."""
    rules = Rules.from_dict({
        "caps": {"engagement": 70},
        "grades": {"fit": {"A": 20, "B": 10}, "engagement": {1: 60, 2: 25}},
        "behaviour": [{"interaction": "page_view", "points": 10}],
        "fit": [{"attribute": "lead.country", "equals": "DE", "points": 20}],
    })  # fmt: skip
    found = rules.points(np.array([[0.0, 3.0, 50.0]]), lambda entity, column: ["DE", "DE", "FR"])
    assert found.grade == ["A3", "A2", "C1"]
    assert found.points.tolist() == [20, 50, 70]
    assert Rules.from_dict(rules.to_dict()).points(np.array([[3.0]]), lambda e, c: ["DE"]).grade == ["A2"], "as saved"


def test_rules_without_grades_give_none() -> None:
    rules = Rules.from_dict({"behaviour": [{"interaction": "page_view", "points": 10}]})
    assert rules.points(np.array([[1.0]]), lambda e, c: [None]).grade is None


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


def test_no_model_learns_from_points_for_turning_away() -> None:
    """They are given as written; of the points that a model sees, caps are of those alone."""
    book = rules(
        behaviour=[
            {"interaction": "page_view", "points": 10},
            {"interaction": ["page_view", "unsubscribed"], "points": 7},
            {"interaction": "unsubscribed", "points": -30, "at_most": 40},
        ],
        caps={"engagement": 55},
    )
    counts = [[5.0, 5.0, 9.0], [5.0, 7.0, 9.0], [0.0, 2.0, 0.0]]
    bound = book.among(TurningAway(("unsubscribed",)))
    assert points(book, counts).points.tolist() == points(bound, counts).points.tolist() == [55.0, 55.0, 55.0]
    assert points(book, counts).learned_from.tolist() == [55.0, 55.0, 55.0]
    assert points(bound, counts).learned_from.tolist() == [50.0, 10.0, 55.0]
    assert (book.takes_for_turning_away, bound.takes_for_turning_away) == (False, True)
