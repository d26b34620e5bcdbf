"""Backtest of the hand-over policy, week by week: contacts, customers, profit, who was touched too early and too late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.common.clock import NEVER, WEEK
from models.common.types import Flags, Floats
from models.decision.recommend import Policy, Previous, best_line, decide
from training.policy.weekly import Ints, Weekly

MODEL, RULES, RULES_FITTED, AS_IT_WAS = "model", "rules", "rules, capacity filled", "as it was"

NO, IF_ROOM, YES = 0, 1, 2  # hand over?

Wants = Callable[[int, Previous | None], int]  # (look, what was recommended before) → one of these


@dataclass(frozen=True)
class Tally:
    """What one way of handing over did in the weeks judged, for the leads that are held out.

    `contacts`: leads handed over; `customers` of them became customers within the horizon and brought `revenue`.
    `too_early`: did not even reach the lead stage of sales within its horizon. `too_late`: leads that sales found in fact
    and that became customers, but which this way had not handed over by then; they brought `missed`. `per_week` (weeks,):
    contacts, scaled up to all leads. `changes`: how often a lead that was to be handed over was not a week later, if
    nobody took it.
    """

    name: str
    contacts: int
    customers: int
    revenue: float
    cost: float
    too_early: int
    too_late: int
    missed: float
    per_week: Floats
    changes: int | None

    @property
    def profit(self) -> float:
        return self.revenue - self.cost

    @property
    def wasted(self) -> float:
        """What the contacts that came too early cost."""
        return self.cost * self.too_early / max(self.contacts, 1)


@dataclass(frozen=True)
class Backtest:
    """Ways of handing over, on the same held-out leads, weeks and capacity.

    The lines were chosen in the `chosen_in` weeks before the `weeks` judged, without looking at what became of the leads.
    `came`: leads that sales found in these weeks in fact and that became customers.
    """

    policy: Policy
    tallies: tuple[Tally, ...]
    weeks: int
    chosen_in: int
    came: int

    def of(self, name: str) -> Tally:
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
                "cost": round(t.cost, 2), "profit": round(t.profit, 2), "too_early": t.too_early,
                "too_early_cost": round(t.wasted, 2), "too_late": t.too_late, "too_late_worth": round(t.missed, 2),
                "changes_of_mind": t.changes,
            }
            for t in self.tallies
        ])  # fmt: skip

    def metrics(self) -> dict[str, float]:
        """As MLflow takes it."""
        names = {MODEL: "model", RULES: "rules", RULES_FITTED: "rules_fitted", AS_IT_WAS: "as_it_was"}
        return {
            f"backtest.{names[t.name]}.{key}": float(value)
            for t in self.tallies
            for key, value in (("contacts", t.contacts), ("customers", t.customers), ("profit", t.profit))
        }


def weeks_to_choose_in(past: Weekly) -> int:
    """The first half of the weeks."""
    return len(past.at) // 2


def backtest(policy: Policy, past: Weekly, rules_line: float | None) -> Backtest:
    """Replay the weeks after those in which the lines of `policy` were chosen.

    `rules_line`: the points from which the rules hand over; None where they have no such threshold.
    """
    first = weeks_to_choose_in(past)
    points = past.found.parts.points.points
    gain = past.found.gain(policy)[0]
    fitted = _rules_line(policy, past, first)
    ways: list[tuple[str, Floats, Wants]] = [(MODEL, gain, lambda i, before: _wants(policy, past, i, before))]
    if rules_line is not None:
        ways.append((RULES, points, lambda i, _: YES if points[i] >= rules_line else NO))
    ways.append((RULES_FITTED, past.rules_chance, lambda i, _: YES if past.rules_chance[i] >= fitted else NO))
    judged = past.week >= first
    tallies = [_replay(name, rank, wants, policy, past, judged) for name, rank, wants in ways]
    return Backtest(
        policy,
        (*tallies, _as_it_was(policy, past, first)),
        weeks=len(past.at) - first,
        chosen_in=first,
        came=len(found_by_sales(past, judged)),
    )


def _wants(policy: Policy, past: Weekly, look: int, before: Previous | None) -> int:
    """Sure hand-overs first; whoever's interval straddles the line where sales has room left, as the work list ranks them."""
    decision = decide(policy, past.situations[look]._replace(previous=before))
    if decision.uncertain or decision.action == "hold":
        return IF_ROOM
    return YES if decision.action == "hand_over" else NO


def _rules_line(policy: Policy, past: Weekly, first: int) -> float:
    """No line where a capacity says how many are taken; else the chance by the rules that as many leads
    reached in the weeks before as reached the model's line."""
    if policy.capacity_per_week is not None:
        return -np.inf
    inside = np.flatnonzero(past.week < first)
    leads = past.looks.lead[inside]
    size = int(leads.max()) + 1 if len(leads) else 0
    best, sure = np.full(size, -np.inf), np.full(size, -np.inf)
    np.maximum.at(best, leads, past.rules_chance[inside])
    np.maximum.at(sure, leads, past.found.gain(policy)[1][inside])
    ranked = best[np.isfinite(best)]
    return best_line(ranked, np.ones(len(ranked)), float((sure >= policy.line).sum()))[0]


def _replay(name: str, rank: Floats, wants: Wants, policy: Policy, past: Weekly, judged: Flags) -> Tally:
    """Week by week: whoever is wanted is taken, the sure ones first and the highest of each, up to the capacity; the others
    wait. Without a capacity only the sure ones are."""
    handed: dict[int, int] = {}
    before: dict[int, Previous] = {}
    changes, room = 0, 0.0
    for week in range(len(past.at)):
        rows = np.flatnonzero(past.week == week)
        wanted = []
        for i in rows.tolist():
            lead = int(past.looks.lead[i])
            was = before.get(lead)
            how = wants(i, was)
            changes += bool(was and was.action == "hand_over" and how != YES and judged[i])
            before[lead] = Previous("hand_over" if how == YES else "nurture", 7.0)
            if how > (NO if policy.capacity_per_week is not None else IF_ROOM) and lead not in handed:
                wanted.append((how, i))
        room = room % 1 + (np.inf if policy.capacity_per_week is None else policy.capacity_per_week * past.share[week])
        wanted.sort(key=lambda one: (-one[0], -rank[one[1]]))
        taken = [i for _, i in (wanted if np.isinf(room) else wanted[: int(room)])]
        room = 0.0 if np.isinf(room) else room - len(taken)
        handed |= {int(past.looks.lead[i]): i for i in taken}
    looks = np.array(sorted(handed.values()), np.intp)
    looks = looks[judged[looks]]
    late = np.array([i for lead, i in found_by_sales(past, judged).items() if lead not in handed], np.intp)
    return Tally(
        name,
        contacts=len(looks),
        customers=int(past.customer[looks].sum()),
        revenue=float(past.brought[looks].sum()),
        cost=len(looks) * (policy.cost_per_contact or 0.0),
        too_early=int((~past.with_sales[looks]).sum()),
        too_late=len(late),
        missed=float(past.brought[late].sum()),
        per_week=_per_week(past, past.week[looks], judged),
        changes=changes,
    )


def found_by_sales(past: Weekly, judged: Flags) -> dict[int, int]:
    """Leads that came to sales in the weeks judged and became customers → their last look before."""
    reached = past.reached[past.looks.lead]
    weeks = past.week[judged]
    begin, end = (past.at[weeks.min()], past.at[weeks.max()] + WEEK) if len(weeks) else (0, 0)
    rows = np.flatnonzero(judged & past.customer & (reached >= begin) & (reached < end))
    return {int(past.looks.lead[i]): int(i) for i in rows}  # looks are sorted by lead and week: the last one stays


def _per_week(past: Weekly, week: Ints, judged: Flags) -> Floats:
    weeks = np.unique(past.week[judged])
    counts = np.bincount(week, minlength=len(past.at))[weeks]
    return np.asarray(counts / np.maximum(past.share[weeks], 1e-9), np.float64)


def _as_it_was(policy: Policy, past: Weekly, first: int) -> Tally:
    """What was done in fact: the leads that came to sales in these weeks, looked at in the week before."""
    end = past.at[-1] + WEEK
    reached = past.reached[past.looks.lead]
    week_end = past.at[past.week] + WEEK
    last = (past.week >= first) & (reached != NEVER) & (reached >= past.at[past.week]) & (reached < np.minimum(week_end, end))
    looks = np.flatnonzero(last)
    return Tally(
        AS_IT_WAS,
        contacts=len(looks),
        customers=int(past.customer[looks].sum()),
        revenue=float(past.brought[looks].sum()),
        cost=len(looks) * (policy.cost_per_contact or 0.0),
        too_early=0,
        too_late=0,
        missed=0.0,
        per_week=_per_week(past, past.week[looks], past.week >= first),
        changes=None,
    )


def in_words(found: Backtest, share: float) -> list[str]:
    """What the marketer should know of it; `share`: of all leads that are held out."""
    model, rules = found.of(MODEL), found.best_rules
    first = (
        f"The hand-over policy on {found.weeks} later weeks of the {share:.0%} of leads held out: {_told(found, model)}; "
        f"the {rules.name}: {_told(found, rules)}."
    )
    second = (
        f"Of the model's hand-overs {model.too_early:,} never reached {found.policy.stage} in time (too early); of "
        f"{found.came:,} customers that sales found in these weeks it had not handed over {model.too_late:,} by then (too "
        f"late); the rules: {rules.too_early:,} and {rules.too_late:,}."
    )
    return [first, second]


def _told(found: Backtest, t: Tally) -> str:
    counts = f"{t.contacts:,} contacts, {t.customers:,} customers"
    if not found.money:
        return counts
    return f"{counts}, {t.profit:,.0f} {found.policy.currency} after the cost of contacts"
