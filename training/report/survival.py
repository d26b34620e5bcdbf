"""How long leads stay in a lead stage and what becomes of them, by the quarter in which they entered it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.common.clock import DAY, NO_MOMENT, Moments, timestamps
from models.common.types import Flags, Floats
from training.data.prepare import Prepared

MOST_COHORTS = 5  # the newest ones
LEAST_LEADS = 30  # leads
POINTS = 61  # of a curve
ALL_COHORT = "all"


def incidence(days: Floats, progressed: Flags, exited: Flags, grid: Floats) -> tuple[Floats, Floats]:
    """Cumulative incidence: the share that has progressed, and that has left, by each day of `grid`; the rest is still there.

    `days` (n,) until a lead progressed, left, or was seen last. Leads seen last before they did either are censored: they count
    only as long as they were seen, and who left can no longer progress (Aalen and Johansen 1978, competing risks).
    """
    event_days = np.unique(days[progressed | exited])
    if not len(event_days):
        return np.zeros(len(grid)), np.zeros(len(grid))
    ordered = np.sort(days)
    at_risk = len(days) - np.searchsorted(ordered, event_days, side="left")
    progressions = np.searchsorted(np.sort(days[progressed]), event_days, "right") - np.searchsorted(
        np.sort(days[progressed]), event_days, "left"
    )
    exits = np.searchsorted(np.sort(days[exited]), event_days, "right") - np.searchsorted(
        np.sort(days[exited]), event_days, "left"
    )
    survival = np.concatenate([[1.0], np.cumprod(1 - (progressions + exits) / at_risk)])
    grid_index = np.searchsorted(event_days, grid, side="right")
    shares = [
        np.concatenate([[0.0], np.cumsum(survival[:-1] * count / at_risk)])[grid_index] for count in (progressions, exits)
    ]
    return shares[0], shares[1]


def time_in_stage(prepared: Prepared) -> pd.DataFrame:
    """Curves over days since a lead stage was entered: lead_stage, cohort, leads, days, progressed, left (shares).

    A lead that came back counts once for each spell. Cohorts are quarters ("2025 Q3"), the newest five with at least 30 leads,
    and "all". Each curve ends where its youngest lead has been watched no longer than that, or at twice the horizon of the next
    lead stage.
    """
    parts = []
    for position, stage in enumerate(prepared.funnel.open_stages if prepared.dated else ()):
        entered = prepared.path.reached[:, position]
        rows = np.flatnonzero((entered < NO_MOMENT) & (entered <= prepared.extracted_at))
        rows = rows[entered[rows] < prepared.path.exited_at[rows]]
        longest = 2 * prepared.funnel.horizons[prepared.funnel.targets[position]]
        for cohort, members in _cohorts(entered[rows]):
            cohort_rows = rows[members]
            watched_days = (prepared.extracted_at - entered[cohort_rows]) / DAY
            end = longest if cohort == ALL_COHORT else min(longest, float(np.quantile(watched_days, 0.1)))
            parts.append(_curve(prepared, cohort_rows, position, stage, cohort, max(end, 1.0)))
    columns = ["lead_stage", "cohort", "leads", "days", "progressed", "left"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _cohorts(entered: Moments) -> list[tuple[str, np.ndarray]]:
    entry_times = timestamps(entered)
    cohort = np.array([f"{y} Q{q}" for y, q in zip(entry_times.year, entry_times.quarter, strict=True)], object)
    names, counts = np.unique(cohort.astype(str), return_counts=True)
    newest = [n for n, count in zip(names, counts, strict=True) if count >= LEAST_LEADS][-MOST_COHORTS:]
    cohorts = [(str(n), np.flatnonzero(cohort == n)) for n in newest] if len(newest) > 1 else []
    return [(ALL_COHORT, np.arange(len(entered))), *cohorts] if len(entered) >= LEAST_LEADS else []


def _curve(prepared: Prepared, rows: np.ndarray, position: int, stage: str, cohort: str, end: float) -> pd.DataFrame:
    entered = prepared.path.reached[rows, position]
    progressed_at, exited_at = prepared.path.reached[rows, position + 1], prepared.path.exited_at[rows]
    end_times = np.minimum(np.minimum(progressed_at, exited_at), prepared.extracted_at)
    progressed = (progressed_at <= end_times) & (progressed_at < NO_MOMENT)
    exited = ~progressed & (exited_at <= end_times) & (exited_at < NO_MOMENT)
    grid = np.linspace(0, end, POINTS)
    shares = incidence((end_times - entered) / DAY, progressed, exited, grid)
    head = {"lead_stage": stage, "cohort": cohort, "leads": len(rows)}
    return pd.DataFrame({**head, "days": grid.round(2), "progressed": shares[0].round(4), "left": shares[1].round(4)})
