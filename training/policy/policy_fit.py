"""Choose the policy: the decision thresholds of hand-over and nurturing that bring most under what sales and marketing take."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from features.common.clock import WEEK
from features.dataset.funnel import Funnel
from models.common.types import Floats
from models.decision.recommend import QUIET_DAYS, Policy, best_line
from models.model import LAST_SEEN
from training.common.config import Config
from training.data.prepare import Prepared
from training.evaluation.holdout import Held
from training.policy.weekly import Weekly

SILENCES = (14.0, 21.0, 30.0, 45.0, 60.0, 90.0)  # days
LESS = 0.5  # as likely to become a customer as the leads that were not silent
FEW = 50  # leads


@dataclass(frozen=True)
class Chosen:
    """What the choice of one line needs: per lead the best gain (m,) seen before its lead stage, the profit (m,) expected from
    acting on it, at most how many of them can be taken (None for any number), and what acting costs."""

    gain: Floats
    profit: Floats
    most: float | None
    floor: float = 0.0


def sales_stage(config: Config, funnel: Funnel) -> str:
    """The lead stage in which sales takes over."""
    return config.sales.hand_over or ("sql" if "sql" in funnel.targets else funnel.final)


def bare_policy(config: Config, prepared: Prepared, lifetime: float | None) -> Policy:
    """The policy before its lines are known. `lifetime`: what a customer is worth as a multiple of its deal, if known."""
    usual = float(prepared.deals.amount.mean()) * lifetime if lifetime is not None else None
    return Policy(
        sales_stage(config, prepared.funnel),
        {},
        money=usual is not None,
        capacity_per_week=config.sales.capacity_per_week if prepared.dated else None,
        cost_per_contact=config.sales.cost_per_contact,
        deal_value=usual,
        currency=prepared.deals.currency,
    )


def choose_policy(bare: Policy, prepared: Prepared, config: Config, held: Held, past: Weekly | None, weeks: slice) -> Policy:
    """Lines from the `weeks` of the past, or, where there are none, from the held-out landmarks; labels are not looked at.

    The hand-over line is laid on the low ends of the intervals, because that is what has to reach it.
    """
    if past is None:
        lines = {bare.stage: _without_history(bare, held)}
    else:
        lines = {}
        for stage in reversed(prepared.funnel.targets[: prepared.funnel.position(bare.stage)]):
            line = _line(bare, _candidates(bare, stage, prepared, config, past, weeks))
            lines = {stage: min([line, *lines.values()]), **lines}
    quiet, note = quiet_days(prepared, prepared.funnel.position(bare.stage))
    return replace(bare, lines=lines, quiet_days=quiet, notes=(*bare.notes, *note))


def _line(bare: Policy, found: Chosen) -> float:
    """The best line; twice the usual gain where neither capacity nor cost says anything."""
    if found.most is None and (found.profit >= found.gain).all():
        return 2 * float(found.gain.mean()) if len(found.gain) else 0.0
    return max(best_line(found.gain, found.profit, found.most)[0], found.floor)


def _candidates(bare: Policy, stage: str, prepared: Prepared, config: Config, past: Weekly, weeks: slice) -> Chosen:
    funnel = prepared.funnel
    inside = np.isin(past.week, np.arange(len(past.at))[weeks])
    rows = np.flatnonzero(inside & (past.looks.stage < funnel.position(stage)))
    gain, low, _ = past.found.gain(bare)
    order = rows[np.lexsort((low[rows], past.looks.lead[rows]))]
    lead = past.looks.lead[order]
    best = order[np.append(lead[:-1] != lead[1:], True)] if len(order) else order
    contact = (bare.cost_per_contact or 0.0) if bare.money else 0.0
    room = past.share[weeks].sum()
    if stage == bare.stage:
        most = None if bare.capacity_per_week is None else bare.capacity_per_week * room
        return Chosen(low[best], gain[best] - contact, most, contact)
    nurturing = (config.nurturing.cost or 0.0) if bare.money else 0.0
    to_sales = past.found.probability[best, funnel.position(bare.stage) - 1]
    per_week = config.nurturing.per_week
    if per_week is None and config.nurturing.cost is None:
        per_week = _as_now(prepared, funnel.position(stage), past)
    profit = gain[best] - to_sales * contact - nurturing
    return Chosen(low[best], profit, None if per_week is None else per_week * room, nurturing)


def _as_now(prepared: Prepared, position: int, past: Weekly) -> float:
    """How many leads a week reached this lead stage in these weeks."""
    at = prepared.path.reached[:, position]
    return float(((at >= past.at[0]) & (at < past.at[-1] + WEEK)).sum() / len(past.at))


def _without_history(bare: Policy, held: Held) -> float:
    """The line for data without weeks to look back on: what a contact costs, or twice the base rate."""
    matured = held.labels.matured[:, -1]
    usual = min(2 * float(held.labels.reached[matured, -1].mean()), 0.5)
    if bare.money and bare.deal_value:
        return bare.cost_per_contact or usual * bare.deal_value
    return usual


def quiet_days(prepared: Prepared, sales_from: int) -> tuple[float, tuple[str, ...]]:
    """The shortest silence after which leads with sales became customers less than half as often as the others.

    Without one, or with too few leads, it is `QUIET_DAYS`.
    """
    labels = prepared.labels(prepared.extracted_at)
    rows = np.flatnonzero((prepared.looks.stage >= sales_from) & labels.matured[:, -1])
    place = {f.name: i for i, f in enumerate(prepared.feature_set.features)}.get(LAST_SEEN.name)
    if place is None or not len(rows):
        return QUIET_DAYS, ()
    silent = prepared.rows[prepared.feature_set.attribute_columns + place, rows]
    y, lead = labels.reached[rows, -1], prepared.looks.lead[rows]
    for days in SILENCES:
        long = silent >= days
        if len(np.unique(lead[long])) < FEW or len(np.unique(lead[~long])) < FEW:
            continue
        if y[long].mean() < LESS * y[~long].mean():
            said = (
                f"recycle: leads with sales that were silent for {days:g} days became {prepared.funnel.final} in "
                f"{y[long].mean():.1%} of cases, the others in {y[~long].mean():.1%}"
            )
            return days, (said,)
    return QUIET_DAYS, ()
