"""A rules file that is wrong or hardly meant: the line, and a sentence a marketer understands."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from features.common.errors import ConfigError
from features.turning_away import TurningAway
from models.rules.check import doubts, max_points, read_with_lines
from models.rules.rules import DEFAULT_RULES, Rules
from models.rules.schema import BehaviourRule

STAGES = ("lead", "mql", "sql", "customer")
TYPES = ("page_view", "trial_requested", "meeting")
COLUMNS = ("lead.country", "company.employees")


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def said(tmp_path: Path, text: str) -> list[str]:
    return [str(doubt) for doubt in doubts(*read_with_lines(write(tmp_path, text)), STAGES, TYPES, COLUMNS)]


def test_the_default_rules_leave_nothing_to_complain_about() -> None:
    assert doubts(*read_with_lines(DEFAULT_RULES), STAGES) == []


def test_wrong_keys_and_values_come_with_their_lines(tmp_path: Path) -> None:
    text = "version: 1\nbehaviour:\n  - {interaction: page_view, point: 3}\n  - {interaction: meeting, points: many}\n"
    with pytest.raises(ConfigError, match=r"lines 3, 4 has 3 problems(?s:.*)did you mean 'points'\?(?s:.*)'many'"):
        read_with_lines(write(tmp_path, text))


def test_what_is_no_yaml_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"not valid YAML(?s:.*)line 3"):
        read_with_lines(write(tmp_path, "version: 1\nbehaviour:\n  - {interaction: [page_view\n"))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_with_lines(tmp_path / "none.yaml")


def test_points_for_turning_away_are_told_with_what_the_model_makes_of_them(tmp_path: Path) -> None:
    text = (
        "behaviour:\n  - {interaction: meeting, points: 9, at_most: 9}\n  - {interaction: [page_view, Abmeldung], points: 4}\n"
    )
    rules, lines = read_with_lines(write(tmp_path, text))
    (found,) = [str(d) for d in doubts(rules, lines, STAGES)]
    assert found == (
        "line 3: 'Abmeldung' is turning away, and this rule gives points for it: did you mean -4? The rules count it as "
        "written, the model does not learn from it"
    )
    assert doubts(rules, lines, STAGES, turning_away=TurningAway((), ("Abmeldung",))) == []
    assert len(doubts(rules, lines, STAGES, turning_away=TurningAway(("meeting",)))) == 2


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("interaction: meting, points: 5", "no interaction 'meting' in the data: did you mean 'meeting'?"),
        ("interaction: page_view, points: 5, at_most: 50", "this rule may give 50 points, its whole group no more than 40"),
        ("interaction: trial_requested, points: 9", "the same condition as in line 3: both give their points"),
    ],
)
def test_doubts_about_behaviour(tmp_path: Path, rule: str, problem: str) -> None:
    first = "caps: {engagement: 40}\nbehaviour:\n  - {interaction: trial_requested, points: 40, at_most: 40}\n"
    assert f"line 4: {problem}" in said(tmp_path, f"{first}  - {{{rule}}}\n")


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("attribute: lead.contry, equals: DE", "no attribute 'lead.contry' in the data: did you mean 'lead.country'?"),
        (
            "attribute: company.employees, at_least: 50, at_most: 99",
            "this band overlaps that of line 2: 50 gets the points of both",
        ),
        ("attribute: company.employees, at_least: 99, at_most: 60", "nobody is at least 99 and at most 60"),
        ("attribute: company.employees, at_least: 10, at_most: 50", "the same condition as in line 2: both give their points"),
    ],
)
def test_doubts_about_fit(tmp_path: Path, rule: str, problem: str) -> None:
    first = "fit:\n  - {attribute: company.employees, at_least: 10, at_most: 50, points: 5}\n"
    assert f"line 3: {problem}" in said(tmp_path, f"{first}  - {{{rule}, points: 7}}\n")


def test_a_threshold_nobody_reaches(tmp_path: Path) -> None:
    text = "thresholds: {mql: 10, sql: 90}\nbehaviour:\n  - {interaction: meeting, points: 5, at_most: 40}\n"
    (problem,) = said(tmp_path, text)
    assert problem.startswith(
        "line 1: nobody can become sql with 90 points: all rules together give at most 40 (40 for engagement"
    )


def test_points_from_another_funnel(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"threshold for 'demo': (?s:.*)'mql'"):
        said(tmp_path, "thresholds: {demo: 10}\nbehaviour:\n  - {interaction: meeting, points: 50}\n")


def test_the_most_that_can_be_had_heeds_caps_and_windows(tmp_path: Path) -> None:
    text = """
caps: {fit: 8}
behaviour:
  - {interaction: meeting, points: 5, times: 3, days: 7}
  - {interaction: page_view, points: -4}
"""
    rules, _ = read_with_lines(write(tmp_path, text + "fit:\n  - {attribute: lead.country, equals: DE, points: 20}\n"))
    assert max_points(rules) == (5, 8)


def test_the_example_of_the_documentation_is_valid(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "rules.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    rules, lines = read_with_lines(write(tmp_path, example))
    assert doubts(rules, lines, STAGES) == []
    assert (rules.book.status, rules.book.author) == ("draft", "Jo")


def test_so_many_times_in_a_window_give_points_once() -> None:
    rules = Rules.from_dict(
        {"version": 1, "behaviour": [{"interaction": "pricing_page_view", "points": 15, "times": 3, "days": 7}]}
    )
    assert rules.points(np.array([[0.0, 2, 3, 9]]), lambda _entity, _column: []).points.tolist() == [0, 0, 15, 15]
    with pytest.raises(ValueError, match="either `times` or `half_life`"):
        BehaviourRule(interaction="pricing_page_view", points=15, times=3, half_life=7)


GRADES = "version: 1\ncaps: {fit: 15}\ngrades:\n  fit: {A: %s, B: 10}\n  engagement: {1: 60, 2: 25}\n"
RULES = "behaviour:\n  - {interaction: page_view, points: 10}\nfit:\n  - {attribute: lead.country, equals: DE, points: 30}\n"


def test_a_grade_nobody_can_be_given_is_said_with_its_line(tmp_path: Path) -> None:
    doubt, *_ = said(tmp_path, GRADES % 20 + RULES)
    assert doubt == "line 4: nobody can be graded A with 20 points of fit: they are at most 15"


def test_grades_whose_bands_overlap_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the bands of `fit` overlap: A needs more points than B, not 5 against 10"):
        read_with_lines(write(tmp_path, GRADES % 5 + RULES))
    with pytest.raises(ConfigError, match="give `engagement` both edges"):
        read_with_lines(write(tmp_path, "version: 1\ngrades: {fit: {A: 5, B: 1}, engagement: {1: 5}}\n" + RULES))


def test_a_rule_that_no_value_of_the_data_fulfils_is_doubtful(tmp_path: Path) -> None:
    text = """version: 1
fit:
  - {attribute: lead.country, equals: Germany, points: 3}
  - {attribute: lead.country, equals: [FR, Frnce], points: 3}
  - {attribute: company.employees, at_least: 5000, points: 3}
  - {attribute: company.employees, at_least: 50, points: 3}
"""
    values = {"lead.country": ["DE", "FR", "France", None], "company.employees": [10.0, 400.0, float("nan")]}
    sentences = [str(d) for d in doubts(*read_with_lines(write(tmp_path, text)), STAGES, TYPES, COLUMNS, values=values)]
    assert [s for s in sentences if "in the data" in s] == [
        "line 3: no 'lead.country' in the data is 'Germany': did you mean 'DE'?",
        "line 4: no 'lead.country' in the data is 'Frnce': did you mean 'France'?",
        "line 5: nobody in the data fulfils this rule: 'company.employees' holds 10 to 400",
    ]
