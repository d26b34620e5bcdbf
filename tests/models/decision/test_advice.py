"""Advice in words: whole sentences in both languages, with each lead's own numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decision.advice import advise, percent
from models.decision.recommend import ACTIONS, Policy
from tests.models.decision.leads import NEVER, POLICY, lead, levels


@pytest.mark.parametrize(("rules", "action", "stage"), [(True, "hand_over", "sql"), (False, "nurture", "mql")])
def test_a_wide_interval_leaves_it_to_the_rules(rules: bool, action: str, stage: str) -> None:
    """Between 4 % and 70 % the model has nothing to say about a line of 20 %; it says so and what the rules would do."""
    advice = advise(POLICY, lead(0.04, 0.2, 0.7, rules_hand_over=rules), None)
    assert (advice.action, advice.lead_stage, advice.uncertain) == (action, stage, True)
    assert "the rules would" in advice.why


@given(levels, levels, levels, st.booleans(), st.booleans(), st.one_of(st.just(NEVER), st.floats(0, 500)), st.floats(0, 900))
def test_every_situation_has_one_action_and_a_whole_sentence(
    a: float, b: float, c: float, with_sales: bool, rules: bool, quiet: float, age: float
) -> None:
    low, gain, high = sorted((a, b, c))
    situation = lead(low, gain, high, with_sales=with_sales, rules_hand_over=rules, quiet_days=quiet, age_days=age)
    for language in ("en", "de"):
        advice = advise(POLICY, situation, 100 * gain, language)  # type: ignore[arg-type]
        assert advice.action in ACTIONS
        assert advice.why.endswith(".")
        assert "{" not in advice.why
        assert "nan" not in advice.why
        assert advice.expected_profit == pytest.approx(100 * gain - 10)


def test_amounts_are_said_in_the_currency_and_the_language() -> None:
    policy = replace(POLICY, lines={"sql": 1250.0}, money=True, currency="EUR")
    situation = lead(1300.0, 2000.0, 3000.0, chance=0.1, chance_low=0.08, chance_high=0.12)
    assert "expected value of 2,000 EUR is above the hand-over line of 1,250 EUR" in advise(policy, situation, 2000.0).why
    assert "Erwartungswert von 2.000 EUR liegt über" in advise(policy, situation, 2000.0, "de").why
    assert percent(0.0312, "de") == "3,1 %"


def test_each_lead_fills_in_its_own_numbers_whatever_a_lead_stage_is_called() -> None:
    """What is the same for all leads is put in once; a brace in a name is no gap."""
    policy = Policy("sales {gain}", {"sales {gain}": 0.2, "{}": 0.05})
    situation = lead(0.06, 0.1, 0.15, stage="lead", recommended="{}")
    told = [advise(policy, situation._replace(gain=gain), None).why for gain in (0.1, 0.12)]
    assert told == [
        f"A chance of {gain} % is above the {{}} line of 5.0 %, below the hand-over line of 20 %: nurture as {{}}."
        for gain in (10, 12)
    ]
