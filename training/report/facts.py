"""Everything the report tells, as numbers and tables: computed once, said in any language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.common.clock import DAY, NEVER, timestamps
from features.common.words import Language
from features.dataset.data_report import DataReport
from models.decision.next_steps import NextSteps
from models.decision.recommend import Policy
from training.common.config import Config
from training.data.prepare import Prepared
from training.evaluation.capacity import capacity_share, caught_difference
from training.evaluation.gate import Difference
from training.evaluation.holdout import Held
from training.evaluation.summary import Results
from training.policy.backtest import Backtest
from training.policy.handover import Handover
from training.pool.words import pool_notes
from training.report.drivers import MOST, drift, drivers, leads_apart
from training.report.measures import (
    calibration,
    capacity_curves,
    contact_curve,
    finals,
    migration,
    ranks,
    segment_gains,
)
from training.report.survival import stays

YEAR = 365.25


@dataclass(frozen=True)
class Facts:
    """What the report tells. `capacity`: % of the leads that sales can take, `caught`: the share of all later customers that
    the model meets there minus that of the rules, with a 90 % interval. `a_year`: customers a year in these data.
    `contacts` and `tested` are None, and other tables empty, where the data allow none."""

    name: str
    final: str
    stages: tuple[str, ...]
    horizons: dict[str, float]
    leads: int
    interactions: int
    held_leads: int
    held_customers: int
    period: tuple[str, str] | None
    cut: str | None
    capacity: float
    capacity_per_week: float | None
    caught: Difference
    a_year: float | None
    curves: pd.DataFrame
    contacts: pd.DataFrame | None
    tested: Backtest | None
    policy: Policy
    migration: pd.DataFrame
    calibration: pd.DataFrame
    results: Results
    segments: pd.DataFrame
    stays: pd.DataFrame
    worth: pd.DataFrame
    drivers: pd.DataFrame
    drift: pd.DataFrame
    apart: list[dict[str, Any]]
    steps: NextSteps
    notes: tuple[str, ...]
    blocked: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """What a training has found besides: what leads are worth, and next steps."""

    worth: pd.DataFrame
    steps: NextSteps


def gather(
    config: Config,
    report: DataReport,
    prepared: Prepared,
    held: Held,
    handed: Handover,
    found: Found,
    language: Language,
) -> Facts:
    """Compute all facts of a training; `language` is that of the features' labels."""
    rows, y = finals(prepared, held)
    by, capacity = ranks(prepared, held), capacity_share(prepared, config)
    account = prepared.account[held.rows[rows]]
    moving = drivers(prepared, held, handed.cut, language)
    strongest = moving.drop_duplicates("label").sort_values("strength", ascending=False).head(MOST)
    drifted = drift(prepared, held, strongest["column"].tolist()).assign(label=strongest["label"].to_numpy())
    return Facts(
        name=config.name,
        final=prepared.funnel.final,
        stages=prepared.funnel.stages,
        horizons=dict(prepared.funnel.horizons),
        leads=len(prepared.histories),
        interactions=len(prepared.histories.people.history),
        held_customers=int(y.sum()),
        held_leads=len(np.unique(prepared.looks.lead[held.rows])),
        period=report.period if prepared.dated else None,
        cut=timestamps(np.array([held.cut]))[0].strftime("%Y-%m-%d") if prepared.dated else None,
        capacity=capacity,
        capacity_per_week=config.sales.capacity_per_week if prepared.dated else None,
        caught=caught_difference(y, by["model"], by["rules"], capacity, account),
        a_year=_a_year(prepared),
        curves=capacity_curves(prepared, held),
        contacts=contact_curve(handed.past, handed.policy) if handed.past else None,
        tested=handed.tested,
        policy=handed.policy,
        migration=migration(prepared, held),
        calibration=calibration(prepared, held),
        results=held.results,
        segments=segment_gains(prepared, held, capacity),
        stays=stays(prepared),
        worth=found.worth,
        drivers=moving,
        drift=drifted.sort_values("psi", ascending=False, ignore_index=True),
        apart=leads_apart(prepared, held, handed.cut, language),
        steps=found.steps,
        notes=(*report.lines(), *pool_notes(config, prepared.pool, held.fit.transitions), *prepared.notes),
        blocked=prepared.audit.blocked,
    )


def _a_year(prepared: Prepared) -> float | None:
    """Customers a year, over the span of the data; None without dates."""
    if not prepared.dated:
        return None
    became = prepared.path.reached[:, -1]
    days = (prepared.extracted_at - int(prepared.histories.created.min())) / DAY
    return float((became < NEVER).sum() / max(days, 1.0) * YEAR)
