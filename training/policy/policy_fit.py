"""Choose the policy: the decision thresholds of hand-over and nurturing that bring most under what sales and marketing take."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from features.common.clock import WEEK
from features.dataset.funnel import Funnel
from models.common.types import Floats
from models.decision.recommend import QUIET_DAYS, Policy, best_line
from models.model import LAST_INTERACTION
from training.common.config import Config
from training.data.prepare import Prepared
from training.evaluation.holdout import Holdout
from training.policy.weekly import Weekly

SILENCES = (14.0, 21.0, 30.0, 45.0, 60.0, 90.0)  # days
SILENT_RATIO = 0.5  # as likely to become a customer as the leads that were not silent
MIN_LEADS = 50  # leads


@dataclass(frozen=True)
class LineCandidates:
    """What the choice of one line needs: per lead the best gain (m,) seen before its lead stage, the profit (m,) expected from
    acting on it, at most how many of them can be taken (None for any number), and what acting costs."""

    gain: Floats
    profit: Floats
    capacity: float | None
    floor: float = 0.0


def sales_stage(config: Config, funnel: Funnel) -> str:
    """The lead stage in which sales takes over."""
    return config.sales.hand_over or ("sql" if "sql" in funnel.targets else funnel.final)


def bare_policy(config: Config, prepared: Prepared, lifetime: float | None) -> Policy:
    """The policy before its lines are known. `lifetime`: what a customer is worth as a multiple of its deal, if known."""
    deal_value = float(prepared.deals.amount.mean()) * lifetime if lifetime is not None else None
    return Policy(
        sales_stage(config, prepared.funnel),
        {},
        money=deal_value is not None,
        capacity_per_week=config.sales.capacity_per_week if prepared.dated else None,
        cost_per_contact=config.sales.cost_per_contact,
        deal_value=deal_value,
        currency=prepared.deals.currency,
    )


def choose_policy(
    bare: Policy, prepared: Prepared, config: Config, holdout: Holdout, past: Weekly | None, weeks: slice
) -> Policy:
    """Lines from the `weeks` of the past, or, where there are none, from the held-out landmarks; labels are not looked at.

    The hand-over line is laid on the low ends of the intervals, because that is what has to reach it.
    """
    if past is None:
        lines = {bare.stage: _without_history(bare, holdout)}
    else:
        lines = {}
        for stage in reversed(prepared.funnel.targets[: prepared.funnel.position(bare.stage)]):
            line = _line(bare, _candidates(bare, stage, prepared, config, past, weeks))
            lines = {stage: min([line, *lines.values()]), **lines}
    quiet, note = quiet_days(prepared, prepared.funnel.position(bare.stage))
    return replace(bare, lines=lines, quiet_days=quiet, notes=(*bare.notes, *note))


def _line(bare: Policy, candidates: LineCandidates) -> float:
    """The best line; twice the usual gain where neither capacity nor cost says anything."""
    if candidates.capacity is None and (candidates.profit >= candidates.gain).all():
        return 2 * float(candidates.gain.mean()) if len(candidates.gain) else 0.0
    return max(best_line(candidates.gain, candidates.profit, candidates.capacity)[0], candidates.floor)


def _candidates(bare: Policy, stage: str, prepared: Prepared, config: Config, past: Weekly, weeks: slice) -> LineCandidates:
    funnel = prepared.funnel
    week_mask = np.isin(past.week, np.arange(len(past.moments))[weeks])
    rows = np.flatnonzero(week_mask & (past.looks.stage < funnel.position(stage)))
    gain, low, _ = past.predictions.gain(bare)
    order = rows[np.lexsort((low[rows], past.looks.lead[rows]))]
    lead = past.looks.lead[order]
    best = order[np.append(lead[:-1] != lead[1:], True)] if len(order) else order
    contact_cost = (bare.cost_per_contact or 0.0) if bare.money else 0.0
    room = past.share[weeks].sum()
    if stage == bare.stage:
        capacity = None if bare.capacity_per_week is None else bare.capacity_per_week * room
        return LineCandidates(low[best], gain[best] - contact_cost, capacity, contact_cost)
    nurturing_cost = (config.nurturing.cost or 0.0) if bare.money else 0.0
    to_sales = past.predictions.probability[best, funnel.position(bare.stage) - 1]
    per_week = config.nurturing.per_week
    if per_week is None and config.nurturing.cost is None:
        per_week = _weekly_entries(prepared, funnel.position(stage), past)
    profit = gain[best] - to_sales * contact_cost - nurturing_cost
    return LineCandidates(low[best], profit, None if per_week is None else per_week * room, nurturing_cost)


def _weekly_entries(prepared: Prepared, position: int, past: Weekly) -> float:
    """How many leads a week reached this lead stage in these weeks."""
    reached_at = prepared.path.reached[:, position]
    return float(((reached_at >= past.moments[0]) & (reached_at < past.moments[-1] + WEEK)).sum() / len(past.moments))


def _without_history(bare: Policy, holdout: Holdout) -> float:
    """The line for data without weeks to look back on: what a contact costs, or twice the base rate."""
    matured = holdout.labels.matured[:, -1]
    default_chance = min(2 * float(holdout.labels.reached[matured, -1].mean()), 0.5)
    if bare.money and bare.deal_value:
        return bare.cost_per_contact or default_chance * bare.deal_value
    return default_chance


def quiet_days(prepared: Prepared, sales_from: int) -> tuple[float, tuple[str, ...]]:
    """The shortest silence after which leads with sales became customers less than half as often as the others.

    Without one, or with too few leads, it is `QUIET_DAYS`.
    """
    labels = prepared.labels(prepared.extracted_at)
    rows = np.flatnonzero((prepared.looks.stage >= sales_from) & labels.matured[:, -1])
    feature_index = {f.name: i for i, f in enumerate(prepared.feature_set.features)}.get(LAST_INTERACTION.name)
    if feature_index is None or not len(rows):
        return QUIET_DAYS, ()
    silent = prepared.rows[prepared.feature_set.attribute_columns + feature_index, rows]
    y, lead = labels.reached[rows, -1], prepared.looks.lead[rows]
    for days in SILENCES:
        long = silent >= days
        if len(np.unique(lead[long])) < MIN_LEADS or len(np.unique(lead[~long])) < MIN_LEADS:
            continue
        if y[long].mean() < SILENT_RATIO * y[~long].mean():
            note = (
                f"recycle: leads with sales that were silent for {days:g} days became {prepared.funnel.final} in "
                f"{y[long].mean():.1%} of cases, the others in {y[~long].mean():.1%}"
            )
            return days, (note,)
    return QUIET_DAYS, ()
