"""Fit again on everything known today with the settings found at the cut; this model is saved, logged and registered."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime

import numpy as np

from models.chain import chain
from models.model import FunnelModel
from models.recommend import Policy
from models.reference import Reference
from models.scoring import next_contributions, parts
from models.value import Value
from training.config import Config
from training.funnel_fit import TICKS, fit_funnel
from training.held_out import Held
from training.prepare import Prepared
from training.progress import Steps
from training.value_fit import Won, fit_value, lifetime, value_notes

WEEK = 7 * 86_400_000_000


def final_model(prepared: Prepared, config: Config, held: Held, steps: Steps) -> FunnelModel:
    """Fit on everything known today with the settings found at the cut; references and policy come from held-out leads."""
    everyone = np.ones(len(prepared.looks), bool)
    tick = steps.counter("Fitting on all data", TICKS * len(prepared.funnel.targets))
    fit = fit_funnel(prepared, prepared.extracted_at, everyone, config.search, config.seed, known=held.fit.settings, tick=tick)
    won = Won.of(prepared, prepared.deals, everyone, prepared.extracted_at)
    value = fit_value(won, prepared.deals.currency, lifetime(config, prepared.deals), config.seed)
    draft = FunnelModel(
        name=config.name,
        funnel=prepared.funnel,
        feature_set=prepared.feature_set,
        transitions=fit.transitions,
        rules=prepared.rules,
        rule_odds=fit.rule_odds,
        timings=fit.timings,
        reference=Reference(np.linspace(0.01, 0.99, 99), np.zeros((1, 2)), np.zeros((1, 2))),
        policy=_policy(prepared, config, value, held),
        value=value,
        dated=prepared.dated,
        trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
        metrics={
            "held_out": held.results,
            "coverage": {name: asdict(found) for name, found in held.coverage.items()},
            "cut": held.cut,
            "known_at": prepared.extracted_at,
            "value": held.value.metrics() if held.value else {},
            "logs": [t.log for t in fit.transitions],
        },
        notes=(
            *prepared.notes,
            *value_notes(value, prepared.deals),
            *(f"{t.target}: {t.log['regime']}" for t in fit.transitions),
        ),
    )
    return _with_reference(draft, prepared, held)


def _with_reference(model: FunnelModel, prepared: Prepared, held: Held) -> FunnelModel:
    x, stage = prepared.x(held.rows), prepared.looks.stage[held.rows]
    final = chain(model.transitions, x, stage)[1][:, -1]
    fit, engagement = parts(model, next_contributions(model, x, stage))
    return replace(model, reference=Reference.learn(final, fit, engagement, stage, len(model.transitions)))


def _policy(prepared: Prepared, config: Config, value: Value | None, held: Held) -> Policy:
    """The hand-over line from held-out leads that sales did not have yet."""
    funnel = prepared.funnel
    stage = config.sales.hand_over or ("sql" if "sql" in funnel.targets else funnel.final)
    before = np.flatnonzero(prepared.looks.stage[held.rows] < funnel.position(stage))
    rows = held.rows[before]
    final = held.probability["model"][before, -1]
    lead = prepared.looks.lead[rows]
    best = np.zeros(len(prepared.histories))
    np.maximum.at(best, lead, final)
    as_of = prepared.looks.as_of[rows]
    customer = float(prepared.deals.amount.mean()) * value.lifetime if value else None
    matured = held.labels.matured[:, -1]
    return Policy.choose(
        stage,
        best[np.unique(lead)],
        max((int(as_of.max()) - int(as_of.min())) / WEEK, 1.0) if len(rows) else 1.0,
        base_rate=float(held.labels.reached[matured, -1].mean()),
        capacity_per_week=config.sales.capacity_per_week if prepared.dated else None,
        cost_per_contact=config.sales.cost_per_contact,
        deal_value=customer,
        currency=prepared.deals.currency,
    )
