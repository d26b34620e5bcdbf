"""Refit on everything known today, choosing anew; this model is saved, logged and registered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime

import numpy as np

from models.calibration.chain import chain
from models.calibration.drift import Drift
from models.calibration.reference import Reference
from models.decision.recommend import Policy
from models.decision.value import Value
from models.model import FunnelModel
from models.score import next_contributions, part_sums
from training.common.config import Config
from training.common.progress import Steps
from training.data.prepare import Prepared
from training.evaluation.gate import rules_serve
from training.evaluation.holdout import Holdout
from training.fit.funnel_fit import Fit, fit_funnel, ticks
from training.fit.next_steps import next_steps
from training.fit.rules_fit import fit_rules
from training.fit.transition_fit import search_notes
from training.fit.value_fit import WonDeals, fit_value, lifetime, value_notes
from training.pool.words import pool_notes


def final_model(
    prepared: Prepared,
    config: Config,
    holdout: Holdout,
    policy: Policy,
    steps: Steps,
    extend_fit: Callable[[Fit], Fit] | None = None,
) -> FunnelModel:
    """Fit on everything known today; references come from held-out leads.

    How strongly to regularise, how fast rows fade, how many trees and what each learner weighs is chosen anew, as at the cut,
    by later rows: more is known by now. The held-out figures are of that way of choosing, not of what it chose.

    `extend_fit` goes on from there where `prepared` is a part of what is known. Where what was learned is worse than the rules,
    it is the rules alone that are fitted.
    """
    all_rows = np.ones(len(prepared.looks), bool)
    earlier = None if holdout.learned_worse else holdout.fit.settings
    tick = steps.counter("Fitting on all data", ticks(prepared.funnel.targets, config.search.trials, earlier))
    if holdout.learned_worse:
        fit = fit_rules(prepared, prepared.extracted_at, all_rows, config.search, config.seed, tick)
    else:
        fit = fit_funnel(prepared, prepared.extracted_at, all_rows, config.search, config.seed, earlier=earlier, tick=tick)
        fit = extend_fit(fit) if extend_fit else fit
    won = WonDeals.from_landmarks(prepared, prepared.deals, all_rows, prepared.extracted_at)
    value = fit_value(won, prepared.deals.currency, lifetime(config, prepared.deals), config.seed)
    draft = replace(
        _assemble(prepared, config, fit, value, policy),
        trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
        metrics={
            "held_out": holdout.results,
            "coverage": {name: asdict(coverage) for name, coverage in holdout.coverage.items()},
            "cut": holdout.cut,
            "known_at": prepared.extracted_at,
            "value": holdout.value.metrics() if holdout.value else {},
            "logs": [t.log for t in fit.transitions],
        },
        notes=(
            *rules_serve(holdout.learned_worse),
            *prepared.notes,
            *value_notes(value, prepared.deals),
            *policy.notes,
            *(f"{t.target}: {t.log['regime']}" for t in fit.transitions),
            *search_notes((*holdout.fit.transitions, *fit.transitions)),
            *pool_notes(config, prepared.pool, () if holdout.learned_worse else fit.transitions),
        ),
    )
    draft = replace(draft, next_steps=next_steps(prepared, config, draft))
    return _with_reference(draft, prepared, holdout)


def as_of_cut(prepared: Prepared, config: Config, holdout: Holdout, policy: Policy) -> FunnelModel:
    """The model as it was fitted at the cut, for looking at held-out leads with the code that serves.

    Its hand-over line is endless where the policy has none yet.
    """
    lines = policy.lines or {policy.stage: np.inf}
    return _assemble(prepared, config, holdout.fit, holdout.amounts, replace(policy, lines=lines))


def _assemble(prepared: Prepared, config: Config, fit: Fit, value: Value | None, policy: Policy) -> FunnelModel:
    return FunnelModel(
        name=config.name,
        funnel=prepared.funnel,
        feature_set=prepared.feature_set,
        transitions=fit.transitions,
        rules=prepared.rules,
        rule_odds=fit.rule_odds,
        timings=fit.timings,
        reference=Reference(np.linspace(0.01, 0.99, 99), np.zeros((1, 2)), np.zeros((1, 2))),
        policy=policy,
        value=value,
        dated=prepared.dated,
    )


def _with_reference(model: FunnelModel, prepared: Prepared, holdout: Holdout) -> FunnelModel:
    x, stage = prepared.x(holdout.rows), prepared.looks.stage[holdout.rows]
    final = chain(model.transitions, x, stage)[1][:, -1]
    contributions = next_contributions(model, x, stage)
    fit, engagement = part_sums(model, contributions)
    return replace(
        model,
        reference=Reference.learn(final, fit, engagement, stage, len(model.transitions)),
        drift=Drift.learn(model.levels.apply(x), contributions, model.names),  # as scoring sees them
    )
