"""What to do with a lead: hand over to sales, nurture, hold, recycle or disqualify.

A lead's *gain* is its expected value where amounts are known, else P(final lead stage). Each lead stage up to the one in which
sales takes over has a line, the gain from which it is recommended. Lines are the cut-offs that bring most, see `best_line`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np

from models.common.types import TINY, Floats

QUIET_DAYS = 60.0  # without any interaction a lead already with sales is offered back, where history gives no other number
HOPELESS = 0.1  # of the hand-over line; below it and older than `OLD_DAYS`, a lead is not worth nurturing
OLD_DAYS = 365.0
WIDE = 1.5  # log-odds from the low to the high end: beyond it the interval leaves the decision to the rules

Action = Literal["hand_over", "nurture", "hold", "recycle", "disqualify"]
ACTIONS: tuple[Action, ...] = ("hand_over", "nurture", "hold", "recycle", "disqualify")

Rationale = Literal[
    "with_sales", "went_quiet", "still_quiet", "still_below", "came_back", "above", "still_above", "close_call",
    "rules_yes", "rules_no", "hopeless", "below", "between",
]  # fmt: skip


@dataclass(frozen=True)
class Policy:
    """`stage`: the lead stage in which sales takes over. `lines`: lead stage → gain from which it is recommended, rising.

    With `money` gains are expected values in `currency`, else P(final lead stage). `quiet_days`: the silence after which a lead
    with sales is recycled. `capacity_per_week` of the `leads_per_week` that come, `cost_per_contact` and `deal_value` (of a
    usual customer) in `currency`; what is not known is None.
    """

    stage: str
    lines: Mapping[str, float]
    money: bool = False
    quiet_days: float = QUIET_DAYS
    capacity_per_week: float | None = None
    leads_per_week: float | None = None
    cost_per_contact: float | None = None
    deal_value: float | None = None
    currency: str | None = None
    notes: tuple[str, ...] = field(default=())

    @cached_property
    def line(self) -> float:
        """The hand-over line."""
        return self.lines[self.stage]

    @cached_property
    def sentences(self) -> dict[tuple[Rationale, str, str], tuple[str, tuple[str, ...]]]:
        """Where `models.decision.advice` keeps sentences as far as they are the same for all leads, by case, lead stage and
        language."""
        return {}

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "lines": dict(self.lines), "notes": list(self.notes)}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Policy:
        return cls(**{**saved, "notes": tuple(saved["notes"])})


# NamedTuples: a batch makes one of each a lead, and they take a third of the time of frozen dataclasses
class PreviousAdvice(NamedTuple):
    """What was recommended before, and so many days ago."""

    action: Action
    days: float


class Situation(NamedTuple):
    """One lead as the policy sees it. Days may be NaN where nothing ever happened.

    `gain` with its interval `low` … `high` is in the units of the policy; `chance_low` … `chance_high` is that of P(final).
    `recommended` is the highest lead stage whose line the low end has reached, if it lies ahead of `stage`. `rules_hand_over`:
    what the rules would do.
    """

    stage: str
    recommended: str | None
    with_sales: bool
    gain: float
    low: float
    high: float
    chance: float
    chance_low: float
    chance_high: float
    quiet_days: float
    age_days: float
    rules_hand_over: bool
    previous: PreviousAdvice | None = None

    @property
    def interval_width(self) -> float:
        """The width of the interval of P(final), in log-odds."""
        low, high = max(self.chance_low, TINY), min(self.chance_high, 1 - TINY)
        return math.log(high / (1 - high)) - math.log(low / (1 - low))


class Decision(NamedTuple):
    """What to do, the lead stage the lead should then have, and the case that applied."""

    action: Action
    lead_stage: str
    rationale: Rationale

    @property
    def uncertain(self) -> bool:
        """The model cannot decide, the rules did."""
        return self.rationale in ("rules_yes", "rules_no")


def decide(policy: Policy, lead: Situation) -> Decision:
    """The recommendation for one lead.

    A lead is handed over when even the low end of its interval has reached the line, and taken back only when even the
    high end has fallen below it (hysteresis as wide as the doubt), so that noise alone moves nobody to and fro. What
    sales gave back returns only once it has moved again and its low end has reached the line.
    """
    if lead.previous and lead.previous.action == "recycle":
        if not lead.quiet_days < max(lead.previous.days, policy.quiet_days):
            return Decision("recycle", lead.stage, "still_quiet")
        if lead.low >= policy.line:
            return Decision("hand_over", lead.stage if lead.with_sales else policy.stage, "came_back")
        if lead.with_sales:
            return Decision("recycle", lead.stage, "still_below")
    return _with_sales(policy, lead) if lead.with_sales else _before_sales(policy, lead)


def _with_sales(policy: Policy, lead: Situation) -> Decision:
    silence = lead.age_days if math.isnan(lead.quiet_days) else lead.quiet_days
    if silence >= policy.quiet_days and lead.gain < policy.line:
        return Decision("recycle", lead.stage, "went_quiet")
    return Decision("hand_over", lead.stage, "with_sales")


def _before_sales(policy: Policy, lead: Situation) -> Decision:
    if lead.low >= policy.line:
        return Decision("hand_over", policy.stage, "above")
    if lead.high >= policy.line:
        return _straddling(policy, lead)
    if lead.gain < HOPELESS * policy.line and lead.age_days > OLD_DAYS:
        return Decision("disqualify", lead.stage, "hopeless")
    return Decision("nurture", lead.recommended or lead.stage, "between" if lead.recommended else "below")


def _straddling(policy: Policy, lead: Situation) -> Decision:
    """The interval holds the line: as before, a close call, or, where it is wide, as the rules would have it."""
    if lead.previous and lead.previous.action == "hand_over":
        return Decision("hand_over", policy.stage, "still_above")
    if lead.interval_width <= WIDE:
        return Decision("hold", lead.recommended or lead.stage, "close_call")
    if lead.rules_hand_over:
        return Decision("hand_over", policy.stage, "rules_yes")
    return Decision("nurture", lead.recommended or lead.stage, "rules_no")


def best_line(gain: Floats, profit: Floats, capacity: float | None) -> tuple[float, float]:
    """The cut-off on `gain` (n,) with the highest sum of `profit` (n,) among at most `capacity` leads at or above it.

    → the line, and that sum. It lies halfway between the last lead taken and the next. Where taking nobody is best, the line is
    just above everybody.
    """
    order = np.argsort(-gain, kind="stable")
    ranked = gain[order]
    room = len(gain) if capacity is None else int(min(len(gain), np.floor(capacity)))
    total = np.concatenate([[0.0], np.cumsum(profit[order])])[: room + 1]
    ends = np.append(ranked[:-1] != ranked[1:], True) if len(ranked) else np.zeros(0, bool)
    total[1:][~ends[:room]] = -np.inf  # equal gains are taken together or not at all
    best_count = int(np.argmax(total))
    if not len(ranked):
        return 0.0, 0.0
    if best_count == 0:
        return float(np.nextafter(ranked[0], np.inf)), 0.0
    if best_count == len(ranked):
        return float(ranked[-1]), float(total[best_count])
    return float((ranked[best_count - 1] + ranked[best_count]) / 2), float(total[best_count])
