"""Backtest of the hand-over policy, week by week: contacts, customers, profit, who was touched too early and too late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.common.clock import NO_MOMENT, WEEK
from models.common.types import Flags, Floats
from models.decision.recommend import Policy, PreviousAdvice, best_line, decide
from training.policy.weekly import Ints, Weekly

MODEL, RULES, RULES_FITTED, HISTORICAL = "model", "rules", "rules, capacity filled", "as it was"

NO_HANDOVER, IF_ROOM, HANDOVER = 0, 1, 2  # hand over?

Wants = Callable[[int, PreviousAdvice | None], int]  # (look, what was recommended before) → one of these


@dataclass(frozen=True)
class Tally:
    """What one way of handing over did in the weeks judged, for the leads that are held out.

    `contacts`: leads handed over; `customers` of them became customers within the horizon and brought `revenue`.
    `early_contacts`: did not even reach the lead stage of sales within its horizon. `late_customers`: leads that sales found in
    fact and that became customers, but which this way had not handed over by then; they brought `missed_revenue`. `per_week`
    (weeks,): contacts, scaled up to all leads. `changes`: how often a lead that was to be handed over was not a week later, if
    nobody took it.
    """

    name: str
    contacts: int
    customers: int
    revenue: float
    cost: float
    early_contacts: int
    late_customers: int
    missed_revenue: float
    per_week: Floats
    changes: int | None

    @property
    def profit(self) -> float:
        return self.revenue - self.cost

    @property
    def early_cost(self) -> float:
        """What the contacts that came too early cost."""
        return self.cost * self.early_contacts / max(self.contacts, 1)


@dataclass(frozen=True)
class Backtest:
    """Ways of handing over, on the same held-out leads, weeks and capacity.

    The lines were chosen in the `selection_weeks` weeks before the `weeks` judged, without looking at what became of the leads.
    `sales_customers`: leads that sales found in these weeks in fact and that became customers.
    """

    policy: Policy
    tallies: tuple[Tally, ...]
    weeks: int
    selection_weeks: int
    sales_customers: int

    def tally(self, name: str) -> Tally:
        return next(t for t in self.tallies if t.name == name)

    @property
    def best_rules(self) -> Tally:
        """The rules at their own threshold or at the line that fills the capacity, whichever did better."""
        return max((t for t in self.tallies if t.name in (RULES, RULES_FITTED)), key=lambda t: (t.profit, t.customers))

    @property
    def money(self) -> bool:
        """Whether profit can be told."""
        return self.policy.money and self.policy.cost_per_contact is not None

    def table(self) -> pd.DataFrame:
        """One row per way of handing over; see `Tally`."""
        return pd.DataFrame([
            {
                "way": t.name, "contacts": t.contacts, "contacts_per_week_of_all_leads": round(float(t.per_week.mean()), 1),
                "busiest_week": round(float(t.per_week.max()), 1), "customers": t.customers, "revenue": round(t.revenue, 2),
                "cost": round(t.cost, 2), "profit": round(t.profit, 2), "too_early": t.early_contacts,
                "too_early_cost": round(t.early_cost, 2), "too_late": t.late_customers,
                "too_late_worth": round(t.missed_revenue, 2), "changes_of_mind": t.changes,
            }
            for t in self.tallies
        ])  # fmt: skip

    def metrics(self) -> dict[str, float]:
        """As MLflow takes it."""
        names = {MODEL: "model", RULES: "rules", RULES_FITTED: "rules_fitted", HISTORICAL: "as_it_was"}
        return {
            f"backtest.{names[t.name]}.{key}": float(value)
            for t in self.tallies
            for key, value in (("contacts", t.contacts), ("customers", t.customers), ("profit", t.profit))
        }


def selection_week_count(past: Weekly) -> int:
    """The first half of the weeks."""
    return len(past.moments) // 2


def backtest(policy: Policy, past: Weekly, rules_line: float | None) -> Backtest:
    """Replay the weeks after those in which the lines of `policy` were chosen.

    `rules_line`: the points from which the rules hand over; None where they have no such threshold.
    """
    first_week = selection_week_count(past)
    points = past.predictions.inputs.points.points
    gain = past.predictions.gain(policy)[0]
    fitted = _rules_line(policy, past, first_week)
    ways: list[tuple[str, Floats, Wants]] = [(MODEL, gain, lambda i, previous_advice: _wants(policy, past, i, previous_advice))]
    if rules_line is not None:
        ways.append((RULES, points, lambda i, _: HANDOVER if points[i] >= rules_line else NO_HANDOVER))
    ways.append((RULES_FITTED, past.rules_chance, lambda i, _: HANDOVER if past.rules_chance[i] >= fitted else NO_HANDOVER))
    test_looks = past.week >= first_week
    tallies = [_replay(name, rank, wants, policy, past, test_looks) for name, rank, wants in ways]
    return Backtest(
        policy,
        (*tallies, _historical_tally(policy, past, first_week)),
        weeks=len(past.moments) - first_week,
        selection_weeks=first_week,
        sales_customers=len(sales_conversions(past, test_looks)),
    )


def _wants(policy: Policy, past: Weekly, look: int, previous_advice: PreviousAdvice | None) -> int:
    """Sure hand-overs first; whoever's interval straddles the line where sales has room left, as the work list ranks them."""
    decision = decide(policy, past.situations[look]._replace(previous=previous_advice))
    if decision.uncertain or decision.action == "hold":
        return IF_ROOM
    return HANDOVER if decision.action == "hand_over" else NO_HANDOVER


def _rules_line(policy: Policy, past: Weekly, first_week: int) -> float:
    """No line where a capacity says how many are taken; else the chance by the rules that as many leads
    reached in the weeks before as reached the model's line."""
    if policy.capacity_per_week is not None:
        return -np.inf
    early_rows = np.flatnonzero(past.week < first_week)
    leads = past.looks.lead[early_rows]
    size = int(leads.max()) + 1 if len(leads) else 0
    best, sure = np.full(size, -np.inf), np.full(size, -np.inf)
    np.maximum.at(best, leads, past.rules_chance[early_rows])
    np.maximum.at(sure, leads, past.predictions.gain(policy)[1][early_rows])
    ranked = best[np.isfinite(best)]
    return best_line(ranked, np.ones(len(ranked)), float((sure >= policy.line).sum()))[0]


def _replay(name: str, rank: Floats, wants: Wants, policy: Policy, past: Weekly, test_looks: Flags) -> Tally:
    """Week by week: whoever is wanted is taken, the sure ones first and the highest of each, up to the capacity; the others
    wait. Without a capacity only the sure ones are."""
    capacity = policy.capacity_per_week
    decisions, changes = _decisions(wants, past, test_looks)
    hand_overs: dict[int, int] = {}
    room = 0.0
    for week in range(len(past.moments)):
        candidates = [
            (-decisions[i], -rank[i], i)
            for i in np.flatnonzero(past.week == week).tolist()
            if decisions[i] > (IF_ROOM if capacity is None else NO_HANDOVER) and int(past.looks.lead[i]) not in hand_overs
        ]
        taken_rows = [i for _, _, i in sorted(candidates)]
        if capacity is not None and np.isfinite(capacity):
            room = room % 1 + capacity * past.share[week]
            taken_rows = taken_rows[: int(room)]
            room -= len(taken_rows)
        hand_overs |= {int(past.looks.lead[i]): i for i in taken_rows}
    looks = np.array(sorted(hand_overs.values()), np.intp)
    looks = looks[test_looks[looks]]
    late_rows = np.array([i for lead, i in sales_conversions(past, test_looks).items() if lead not in hand_overs], np.intp)
    return Tally(
        name,
        contacts=len(looks),
        customers=int(past.customer[looks].sum()),
        revenue=float(past.revenue[looks].sum()),
        cost=len(looks) * (policy.cost_per_contact or 0.0),
        early_contacts=int((~past.with_sales[looks]).sum()),
        late_customers=len(late_rows),
        missed_revenue=float(past.revenue[late_rows].sum()),
        per_week=_per_week(past, past.week[looks], test_looks),
        changes=changes,
    )


def _decisions(wants: Wants, past: Weekly, test_looks: Flags) -> tuple[list[int], int]:
    """What is wanted of each look (n,), the advice of the week before in mind, and how often a hand-over was taken back."""
    advice_by_lead: dict[int, PreviousAdvice] = {}
    decisions, changes = [], 0
    for i, lead in enumerate(past.looks.lead.tolist()):
        previous_advice = advice_by_lead.get(lead)
        decision = wants(i, previous_advice)
        if previous_advice and previous_advice.action == "hand_over" and decision != HANDOVER and test_looks[i]:
            changes += 1
        advice_by_lead[lead] = PreviousAdvice("hand_over" if decision == HANDOVER else "nurture", 7.0)
        decisions.append(decision)
    return decisions, changes


def sales_conversions(past: Weekly, test_looks: Flags) -> dict[int, int]:
    """Leads that came to sales in the weeks judged and became customers → their last look before."""
    reached = past.reached
    weeks = past.week[test_looks]
    begin, end = (past.moments[weeks.min()], past.moments[weeks.max()] + WEEK) if len(weeks) else (0, 0)
    rows = np.flatnonzero(test_looks & past.customer & (reached >= begin) & (reached < end))
    return {int(past.looks.lead[i]): int(i) for i in rows}  # looks are sorted by lead and week: the last one stays


def _per_week(past: Weekly, week: Ints, test_looks: Flags) -> Floats:
    weeks = np.unique(past.week[test_looks])
    counts = np.bincount(week, minlength=len(past.moments))[weeks]
    return np.asarray(counts / np.maximum(past.share[weeks], 1e-9), np.float64)


def _historical_tally(policy: Policy, past: Weekly, first_week: int) -> Tally:
    """What was done in fact: the leads that came to sales in these weeks, looked at in the week before."""
    end = past.moments[-1] + WEEK
    reached = past.reached
    week_end = past.moments[past.week] + WEEK
    last_looks = (
        (past.week >= first_week)
        & (reached != NO_MOMENT)
        & (reached >= past.moments[past.week])
        & (reached < np.minimum(week_end, end))
    )
    looks = np.flatnonzero(last_looks)
    return Tally(
        HISTORICAL,
        contacts=len(looks),
        customers=int(past.customer[looks].sum()),
        revenue=float(past.revenue[looks].sum()),
        cost=len(looks) * (policy.cost_per_contact or 0.0),
        early_contacts=0,
        late_customers=0,
        missed_revenue=0.0,
        per_week=_per_week(past, past.week[looks], past.week >= first_week),
        changes=None,
    )


def in_words(result: Backtest, share: float) -> list[str]:
    """What the marketer should know of it; `share`: of all leads that are held out."""
    model, rules = result.tally(MODEL), result.best_rules
    summary_line = (
        f"The hand-over policy on {result.weeks} later weeks of the {share:.0%} of leads held out: "
        f"{_tally_text(result, model)}; the {rules.name}: {_tally_text(result, rules)}."
    )
    timing_line = (
        f"Of the model's hand-overs {model.early_contacts:,} never reached {result.policy.stage} in time (too early); of "
        f"{result.sales_customers:,} customers that sales found in these weeks it had not handed over "
        f"{model.late_customers:,} by then (too late); the rules: {rules.early_contacts:,} and {rules.late_customers:,}."
    )
    return [summary_line, timing_line]


def _tally_text(result: Backtest, t: Tally) -> str:
    counts = f"{t.contacts:,} contacts, {t.customers:,} customers"
    if not result.money:
        return counts
    return f"{counts}, {t.profit:,.0f} {result.policy.currency} after the cost of contacts"
