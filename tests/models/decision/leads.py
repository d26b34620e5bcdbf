"""Leads in a situation, and a policy for them."""

from __future__ import annotations

from hypothesis import strategies as st

from models.decision.recommend import Policy, Situation

POLICY = Policy("sql", {"mql": 0.05, "sql": 0.2}, quiet_days=60, cost_per_contact=10, deal_value=100)
NEVER = float("nan")


def lead(low: float, gain: float, high: float, **changes: object) -> Situation:
    usual = Situation(
        stage="mql", recommended=None, with_sales=False, gain=gain, low=low, high=high, chance=gain, chance_low=low,
        chance_high=high, quiet_days=1.0, age_days=10.0, rules_hand_over=False,
    )  # fmt: skip
    return usual._replace(**changes)


levels = st.floats(0.001, 0.999)
