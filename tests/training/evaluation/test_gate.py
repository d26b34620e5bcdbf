"""The gate: who is better beyond noise, and who becomes champion."""

from __future__ import annotations

import numpy as np
import pytest

from models.common.types import sigmoid
from training.evaluation.gate import Difference, compare, judge, rules_serve


def test_the_better_of_two_is_told_apart_and_equals_are_not() -> None:
    random = np.random.default_rng(0)
    margin = random.normal(-1, 1, 4_000)
    y = random.random(4_000) < sigmoid(margin)
    account = np.repeat(np.arange(1_000), 4)
    assert compare(y, sigmoid(margin), np.full(4_000, y.mean()), account).better
    same = compare(y, sigmoid(margin), sigmoid(margin), account)
    assert (same.mean, same.better) == (0.0, False)


GOOD, BAD = Difference(-0.05, -0.06, -0.04), Difference(0.0, -0.01, 0.01)


@pytest.mark.parametrize(
    ("champion", "rules", "newer", "promote", "why"),
    [
        (None, GOOD, None, True, "There was no champion"),
        (None, BAD, None, True, "does not clearly beat the rules yet"),
        ("3", BAD, GOOD, False, "does not clearly beat the rules"),
        ("3", GOOD, None, False, "no lead has matured since"),
        ("3", GOOD, BAD, False, "Version 3 stays: on newer leads"),
        ("3", GOOD, GOOD, True, "beats version 3"),
    ],
)
def test_the_gate(champion: str | None, rules: Difference, newer: Difference | None, promote: bool, why: str) -> None:
    verdict = judge(champion, rules, newer)
    assert verdict.promote is promote
    assert why in verdict.reason


def test_the_rules_become_champion_in_place_of_what_is_worse_and_all_are_told() -> None:
    worse = Difference(0.08, 0.022, 0.14)
    verdict = judge(None, BAD, None, worse)
    assert verdict.promote
    assert "the rules serve" in verdict.reason
    assert judge("3", BAD, GOOD, worse).promote, "the champion is worse than the rules"
    assert not judge("3", BAD, BAD, worse).promote
    assert not judge("3", BAD, None, worse).promote
    (sentence,) = rules_serve(worse)
    assert "higher by 0.0800 (90 % interval 0.0220 to 0.1400)" in sentence
    assert rules_serve(None) == []


@pytest.mark.parametrize(("low", "high", "verdict"), [(-2, -1, "better"), (-1, 1, "tied"), (1, 2, "worse"), (-1, 0, "tied")])
def test_verdicts(low: float, high: float, verdict: str) -> None:
    assert Difference((low + high) / 2, low, high).verdict == verdict
