"""The hand-over policy: what is decided in which situation, that noise moves nobody, and which line brings most."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decision.recommend import Policy, PreviousAdvice, Situation, best_line, decide
from tests.models.decision.leads import NEVER, POLICY, lead, levels


@pytest.mark.parametrize(
    ("situation", "action", "stage"),
    [
        (lead(0.25, 0.30, 0.35), "hand_over", "sql"),
        (lead(0.15, 0.25, 0.35), "hold", "mql"),
        (lead(0.05, 0.10, 0.15), "nurture", "mql"),
        (lead(0.06, 0.10, 0.15, stage="lead", recommended="mql"), "nurture", "mql"),
        (lead(0.001, 0.01, 0.02, age_days=400.0), "disqualify", "mql"),
        (lead(0.05, 0.10, 0.15, with_sales=True, stage="sql", quiet_days=90.0), "recycle", "sql"),
        (lead(0.05, 0.10, 0.15, with_sales=True, stage="sql", quiet_days=NEVER, age_days=200.0), "recycle", "sql"),
        (lead(0.05, 0.10, 0.15, with_sales=True, stage="sql"), "hand_over", "sql"),
        (lead(0.25, 0.30, 0.35, with_sales=True, stage="sql", quiet_days=90.0), "hand_over", "sql"),
    ],
)
def test_each_situation_has_its_action(situation: Situation, action: str, stage: str) -> None:
    decision = decide(POLICY, situation)
    assert (decision.action, decision.lead_stage) == (action, stage)
    assert not decision.uncertain


def test_a_lead_handed_over_stays_until_even_the_high_end_is_below_the_line() -> None:
    """Else a lead near the line would go to sales and back with every visit."""
    before = PreviousAdvice("hand_over", 7.0)
    assert decide(POLICY, lead(0.15, 0.18, 0.25, previous=before)).action == "hand_over"
    assert decide(POLICY, lead(0.10, 0.15, 0.19, previous=before)).action == "nurture"


def test_what_sales_gave_back_returns_only_after_it_moved_again() -> None:
    high = {"with_sales": True, "stage": "sql"}
    gone = lead(0.3, 0.4, 0.5, **high, previous=PreviousAdvice("recycle", 30.0), quiet_days=90.0)
    assert decide(POLICY, gone).rationale == "still_quiet"
    back = gone._replace(quiet_days=2.0)
    assert (decide(POLICY, back).action, decide(POLICY, back).rationale) == ("hand_over", "came_back")
    wavering = back._replace(low=0.15)
    assert (decide(POLICY, wavering).action, decide(POLICY, wavering).rationale) == ("recycle", "still_below")
    again = back._replace(quiet_days=10.0, previous=PreviousAdvice("recycle", 7.0))
    assert decide(POLICY, again).action == "hand_over", "it moved before the last scoring, which found it too low"
    never_seen = gone._replace(quiet_days=NEVER)
    assert decide(POLICY, never_seen).action == "recycle"


@given(st.lists(levels, min_size=1, max_size=30), st.floats(0.01, 0.3))
def test_noise_inside_the_interval_never_flips(gains: list[float], line: float) -> None:
    """However the estimate moves, a lead changes sides only when its whole interval has."""
    policy = replace(POLICY, lines={"sql": line})
    before: PreviousAdvice | None = None
    for gain in gains:
        low, high = gain * 0.7, min(gain * 1.4, 0.9999)
        decision = decide(policy, lead(low, gain, high, previous=before))
        if before and before.action == "hand_over" and decision.action != "hand_over":
            assert high < line
        if decision.action == "hand_over" and (before is None or before.action != "hand_over"):
            assert low >= line
        before = PreviousAdvice(decision.action, 7.0)


def test_the_line_fills_the_capacity_and_takes_nobody_who_costs_more_than_it_brings() -> None:
    gain = np.array([100.0, 80.0, 60.0, 40.0, 20.0])
    assert best_line(gain, gain - 30, capacity=2)[0] == pytest.approx(70.0), "sales can take two"
    line, profit = best_line(gain, gain - 30, capacity=None)
    assert (line, profit) == (pytest.approx(30.0), pytest.approx(70 + 50 + 30 + 10))
    assert best_line(gain, gain - 1000, capacity=3)[0] > 100.0, "no contact pays for itself"
    assert best_line(gain, gain, capacity=10)[0] == pytest.approx(20.0), "more room than leads"


def test_equal_gains_are_taken_together_or_not_at_all() -> None:
    """A line cannot tell them apart, and one more than fits would overfill sales."""
    gain = np.array([5.0, 3.0, 3.0, 3.0])
    assert best_line(gain, gain, capacity=2)[0] == pytest.approx(4.0)


@given(st.lists(st.integers(-20, 50), min_size=1, max_size=40), st.integers(0, 40))
def test_no_other_line_brings_more(gains: list[int], most: int) -> None:
    """Against every possible line, one by one."""
    gain = np.array(gains, np.float64)
    line, profit = best_line(gain, gain - 5, most)
    every = [(gain[gain >= t] - 5).sum() for t in [*gain, gain.max() + 1] if (gain >= t).sum() <= most]
    assert profit == pytest.approx(max(every))
    assert (gain >= line).sum() <= most
    assert (gain[gain >= line] - 5).sum() == pytest.approx(profit)


def test_a_policy_survives_json() -> None:
    import json

    assert Policy.from_dict(json.loads(json.dumps(POLICY.to_dict()))) == POLICY
