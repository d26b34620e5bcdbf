"""What to do with a lead: hand over to sales, nurture, hold, recycle or disqualify, and why in a sentence.

The hand-over line is the higher of two: the probability at which a contact pays for itself (cost over deal value), and the
one that fills, and does not overfill, what sales can take in a week.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from models.types import Floats, logit

QUIET_DAYS = 60.0  # without any interaction a lead already with sales is offered back for nurturing
HOPELESS = 0.1  # of the hand-over line; below it and older than `OLD_DAYS`, a lead is not worth nurturing
OLD_DAYS = 365.0
WIDE = 1.5  # log-odds from the low to the high end: beyond it the interval leaves the decision to the rules

ACTIONS = ("hand_over", "nurture", "hold", "recycle", "disqualify")


@dataclass(frozen=True)
class Policy:
    """`line`: P(final lead stage) from which a lead is handed over; `stage`: the lead stage it then gets and sales works.

    `capacity_per_week` leads, `cost_per_contact` and `deal_value` in `currency`; what is not known is None.
    """

    stage: str
    line: float
    capacity_per_week: float | None = None
    cost_per_contact: float | None = None
    deal_value: float | None = None
    currency: str | None = None

    @classmethod
    def choose(
        cls,
        stage: str,
        best_per_lead: Floats,
        weeks: float,
        *,
        base_rate: float,
        capacity_per_week: float | None,
        cost_per_contact: float | None,
        deal_value: float | None,
        currency: str | None,
    ) -> Policy:
        """The line from held-out history: `best_per_lead` is each lead's highest P(final) in `weeks` weeks before hand-over.

        Without capacity and without deal value the line is twice the base rate.
        """
        line = 0.0
        if capacity_per_week and len(best_per_lead):
            room = capacity_per_week * weeks / len(best_per_lead)
            line = float(np.quantile(best_per_lead, 1 - min(room, 1.0)))
        if cost_per_contact and deal_value:
            line = max(line, cost_per_contact / deal_value)
        if line <= 0:
            line = min(2 * base_rate, 0.5)
        return cls(stage, line, capacity_per_week, cost_per_contact, deal_value, currency)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Advice:
    """One lead's recommendation. `uncertain`: the model cannot decide, the rules did."""

    action: str
    lead_stage: str
    why: str
    expected_profit: float | None
    uncertain: bool = False


def advise(
    policy: Policy,
    stage: str,
    *,
    with_sales: bool,
    probability: float,
    low: float,
    high: float,
    quiet_days: float,
    age_days: float,
    worth: float | None,
    rules_hand_over: bool,
) -> Advice:
    """The recommendation for one lead from P(final) and its interval; days may be NaN where nothing ever happened.

    `worth` is the lead's expected value. Where the interval straddles the line it is held, or, if the interval is wide, left to
    the rules (`rules_hand_over`).
    """
    profit = None
    if worth is not None and policy.cost_per_contact is not None:
        profit = worth - policy.cost_per_contact
    chance, line = f"{probability:.0%}" if probability >= 0.1 else f"{probability:.1%}", f"{policy.line:.1%}"
    quiet = quiet_days >= QUIET_DAYS or (np.isnan(quiet_days) and age_days >= QUIET_DAYS)
    if with_sales:
        if quiet and probability < policy.line:
            silence = "ever" if np.isnan(quiet_days) else f"for {quiet_days:.0f} days"
            why = f"Nothing has happened {silence} and the chance of {chance} is below the line of {line}: warm it up again."
            return Advice("recycle", stage, why, profit)
        return Advice("hand_over", stage, f"Already with sales, with a chance of {chance}: keep working it.", profit)
    if low >= policy.line:
        why = f"A chance of {chance} is above the hand-over line of {line}, even at the low end of its interval."
        return Advice("hand_over", policy.stage, why, profit)
    if high >= policy.line:
        return _undecided(policy, stage, low, high, rules_hand_over, profit)
    if probability < HOPELESS * policy.line and age_days > OLD_DAYS:
        why = f"After {age_days:.0f} days the chance is {chance}, far below the line of {line}."
        return Advice("disqualify", stage, why, profit)
    return Advice("nurture", stage, f"A chance of {chance} is below the hand-over line of {line}: keep nurturing.", profit)


def _undecided(policy: Policy, stage: str, low: float, high: float, rules_hand_over: bool, profit: float | None) -> Advice:
    """The interval straddles the line: hold, or leave it to the rules where the interval is wide."""
    fact = f"The interval {low:.1%} to {high:.1%} straddles the hand-over line of {policy.line:.1%}"
    if float(logit(high) - logit(low)) <= WIDE:
        return Advice("hold", stage, f"{fact}: a close call, wait for the next sign.", profit)
    if rules_hand_over:
        return Advice("hand_over", policy.stage, f"{fact}, too wide to decide; the rules would hand it over.", profit, True)
    return Advice("nurture", stage, f"{fact}, too wide to decide; the rules would keep nurturing.", profit, True)
