"""Choose the policy: the decision thresholds of hand-over and nurturing that bring most under what sales and marketing take."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from features.common.clock import WEEK
from features.dataset.funnel import Funnel
from models.batch import scoring_input
from models.common.types import Floats
from models.decision.recommend import QUIET_DAYS, Policy, best_line
from models.model import LAST_INTERACTION, FunnelModel
from models.score import predict
from training.common.config import Config
from training.data.prepare import Prepared
from training.evaluation.capacity import leads_per_week
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
    """The policy before its lines are known. `lifetime`: what a customer is worth as a multiple of its deal, if known.

    A capacity a week is a share of the leads; where nobody knows how many come in a week it is none, and a note says so.
    """
    capacity, volume = config.sales.capacity_per_week, leads_per_week(prepared, config)
    unused = (
        f"hand-over: `sales: capacity_per_week: {capacity or 0:g}` is not used: the data do not say how many leads come in a "
        "week, so nobody knows which share of them that is. `sales: {leads_per_week: ...}` says it"
    )
    deal_value = float(prepared.deals.amount.mean()) * lifetime if lifetime is not None else None
    return Policy(
        sales_stage(config, prepared.funnel),
        {},
        money=deal_value is not None,
        capacity_per_week=None if volume is None else capacity,
        leads_per_week=volume,
        cost_per_contact=config.sales.cost_per_contact,
        deal_value=deal_value,
        currency=prepared.deals.currency,
        notes=(unused,) if capacity is not None and volume is None else (),
    )


def choose_policy(
    bare: Policy, prepared: Prepared, config: Config, holdout: Holdout, cut: FunnelModel, past: Weekly | None, weeks: slice
) -> Policy:
    """Lines from the `weeks` of the past, or, where there are none, from the held-out landmarks; labels are not looked at.
    `cut`: the model as it was fitted at the cut.

    The hand-over line is laid on the low ends of the intervals, because that is what has to reach it.
    """
    if past is None:
        line, without = _without_weeks(bare, prepared, holdout, cut)
        lines = {bare.stage: line}
    else:
        lines, without = {}, ()
        for stage in reversed(prepared.funnel.targets[: prepared.funnel.position(bare.stage)]):
            line = _line(bare, _candidates(bare, stage, prepared, config, past, weeks))
            lines = {stage: min([line, *lines.values()]), **lines}
    quiet, note = quiet_days(prepared, prepared.funnel.position(bare.stage))
    return replace(bare, lines=lines, quiet_days=quiet, notes=(*bare.notes, *without, *note))


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
    best = rows[_best_looks(past.looks.lead[rows], low[rows])]
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


def _best_looks(lead: npt.NDArray[np.intp], gain: Floats) -> npt.NDArray[np.intp]:
    """Of looks (n,) the best one of each lead."""
    order = np.lexsort((gain, lead))
    return order[np.append(lead[order][:-1] != lead[order][1:], True)] if len(order) else order


def _weekly_entries(prepared: Prepared, position: int, past: Weekly) -> float:
    """How many leads a week reached this lead stage in these weeks."""
    reached_at = prepared.path.reached[:, position]
    return float(((reached_at >= past.moments[0]) & (reached_at < past.moments[-1] + WEEK)).sum() / len(past.moments))


def _without_weeks(bare: Policy, prepared: Prepared, holdout: Holdout, cut: FunnelModel) -> tuple[float, tuple[str, ...]]:
    """The line for data without weeks to look back on, and what there is to say of it.

    With a capacity the share of the held-out leads reaches it that sales takes of those that come; without one it is what a
    contact costs, or twice the base rate.
    """
    if bare.capacity_per_week is None or bare.leads_per_week is None:
        return _usual_line(bare, holdout), ()
    looks = prepared.looks.take(holdout.rows[prepared.looks.stage[holdout.rows] < prepared.funnel.position(bare.stage)])
    gain, low, _ = predict(cut, scoring_input(cut, prepared.histories, looks)).gain(bare)
    best = _best_looks(looks.lead, low)
    share = min(bare.capacity_per_week / bare.leads_per_week, 1.0)
    cost = (bare.cost_per_contact or 0.0) if bare.money else 0.0
    note = (
        f"hand-over: sales takes {bare.capacity_per_week:g} of the {bare.leads_per_week:,.0f} leads that come in a week, "
        f"{share:.1%}: the line lies where no more of the held-out leads reach it"
    )
    return _line(bare, LineCandidates(low[best], gain[best] - cost, max(share * len(best), 1.0), cost)), (note,)


def _usual_line(bare: Policy, holdout: Holdout) -> float:
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
