"""Everything the report tells, as numbers and tables: computed once, said in any language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.common.clock import DAY, NO_MOMENT, timestamps
from features.common.words import Language
from features.dataset.data_report import DataReport
from models.decision.next_steps import NextSteps
from models.decision.recommend import Policy
from training.common.config import Config
from training.data.prepare import Prepared
from training.evaluation.capacity import capacity_share, capture_difference
from training.evaluation.gate import Difference, rules_serve
from training.evaluation.holdout import Holdout
from training.evaluation.summary import Results
from training.policy.backtest import Backtest
from training.policy.handover import Handover
from training.pool.words import pool_notes
from training.report.drivers import TOP_DRIVERS, disagreements, drift, drivers
from training.report.measures import (
    calibration,
    capacity_curves,
    contact_curve,
    final_probabilities,
    final_rows,
    migration,
    segment_gains,
)
from training.report.survival import time_in_stage

YEAR = 365.25


@dataclass(frozen=True)
class ReportFacts:
    """What the report tells. `capacity`: % of the leads that sales can take, `caught`: the share of all later customers that
    the model meets there minus that of the rules, with a 90 % interval. `unused_capacity`: leads a week that sales could take,
    where nobody knows of how many. `customers_per_year`: customers a year in these data. `learned_worse`: by how much what was
    learned is worse than the rules, where these serve. `contacts` and `backtest` are None, and other tables empty, where the
    data allow none."""

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
    unused_capacity: float | None
    caught: Difference
    customers_per_year: float | None
    curves: pd.DataFrame
    contacts: pd.DataFrame | None
    backtest: Backtest | None
    policy: Policy
    migration: pd.DataFrame
    calibration: pd.DataFrame
    results: Results
    segments: pd.DataFrame
    time_in_stage: pd.DataFrame
    worth: pd.DataFrame
    drivers: pd.DataFrame
    drift: pd.DataFrame
    disagreements: list[dict[str, Any]]
    steps: NextSteps
    notes: tuple[str, ...]
    blocked_columns: tuple[str, ...]
    learned_worse: Difference | None = None


@dataclass(frozen=True)
class Findings:
    """What a training has found besides: what leads are worth, and next steps."""

    worth: pd.DataFrame
    steps: NextSteps


def gather(
    config: Config,
    report: DataReport,
    prepared: Prepared,
    holdout: Holdout,
    handover: Handover,
    findings: Findings,
    language: Language,
) -> ReportFacts:
    """Compute all facts of a training; `language` is that of the features' labels."""
    rows, y = final_rows(prepared, holdout)
    probabilities, capacity = final_probabilities(prepared, holdout), capacity_share(prepared, config)
    account = prepared.account[holdout.rows[rows]]
    driver_table = drivers(prepared, holdout, handover.cut, language)
    strongest = driver_table.drop_duplicates("label").sort_values("strength", ascending=False).head(TOP_DRIVERS)
    drift_table = drift(prepared, holdout, strongest["column"].tolist()).assign(label=strongest["label"].to_numpy())
    return ReportFacts(
        name=config.name,
        final=prepared.funnel.final,
        stages=prepared.funnel.stages,
        horizons=dict(prepared.funnel.horizons),
        leads=len(prepared.histories),
        interactions=len(prepared.histories.people.history),
        held_customers=int(y.sum()),
        held_leads=len(np.unique(prepared.looks.lead[holdout.rows])),
        period=report.period if prepared.dated else None,
        cut=timestamps(np.array([holdout.cut]))[0].strftime("%Y-%m-%d") if prepared.dated else None,
        capacity=capacity,
        capacity_per_week=handover.policy.capacity_per_week,
        unused_capacity=None if handover.policy.capacity_per_week else config.sales.capacity_per_week,
        caught=capture_difference(y, probabilities["model"], probabilities["rules"], capacity, account),
        customers_per_year=_customers_per_year(prepared),
        curves=capacity_curves(prepared, holdout),
        contacts=contact_curve(handover.past, handover.policy) if handover.past else None,
        backtest=handover.backtest_result,
        policy=handover.policy,
        migration=migration(prepared, holdout),
        calibration=calibration(prepared, holdout),
        results=holdout.results,
        segments=segment_gains(prepared, holdout, capacity),
        time_in_stage=time_in_stage(prepared),
        worth=findings.worth,
        drivers=driver_table,
        drift=drift_table.sort_values("psi", ascending=False, ignore_index=True),
        disagreements=disagreements(prepared, holdout, handover.cut, language),
        steps=findings.steps,
        notes=(
            *rules_serve(holdout.learned_worse),
            *report.lines(),
            *pool_notes(config, prepared.pool, () if holdout.learned_worse else holdout.fit.transitions),
            *prepared.notes,
            *handover.policy.notes,
        ),
        blocked_columns=prepared.audit.blocked,
        learned_worse=holdout.learned_worse,
    )


def _customers_per_year(prepared: Prepared) -> float | None:
    """Customers a year, over the span of the data; None without dates."""
    if not prepared.dated:
        return None
    reached_at = prepared.path.first_reached[:, -1]
    days = (prepared.extracted_at - int(prepared.histories.created.min())) / DAY
    return float((reached_at < NO_MOMENT).sum() / max(days, 1.0) * YEAR)
