"""How long leads stay in a lead stage and what becomes of them, by the quarter in which they entered it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.common.clock import DAY, NEVER, Moments, timestamps
from models.common.types import Flags, Floats
from training.data.prepare import Prepared

MOST_COHORTS = 5  # the newest ones
FEW = 30  # leads
POINTS = 61  # of a curve
ALL = "all"


def incidence(days: Floats, progressed: Flags, left: Flags, grid: Floats) -> tuple[Floats, Floats]:
    """Cumulative incidence: the share that has progressed, and that has left, by each day of `grid`; the rest is still there.

    `days` (n,) until a lead progressed, left, or was seen last. Leads seen last before they did either are censored: they count
    only as long as they were seen, and who left can no longer progress (Aalen and Johansen 1978, competing risks).
    """
    at = np.unique(days[progressed | left])
    if not len(at):
        return np.zeros(len(grid)), np.zeros(len(grid))
    ordered = np.sort(days)
    at_risk = len(days) - np.searchsorted(ordered, at, side="left")
    moved = np.searchsorted(np.sort(days[progressed]), at, "right") - np.searchsorted(np.sort(days[progressed]), at, "left")
    gone = np.searchsorted(np.sort(days[left]), at, "right") - np.searchsorted(np.sort(days[left]), at, "left")
    still = np.concatenate([[1.0], np.cumprod(1 - (moved + gone) / at_risk)])
    place = np.searchsorted(at, grid, side="right")
    shares = [np.concatenate([[0.0], np.cumsum(still[:-1] * count / at_risk)])[place] for count in (moved, gone)]
    return shares[0], shares[1]


def stays(prepared: Prepared) -> pd.DataFrame:
    """Curves over days since a lead stage was entered: lead_stage, cohort, leads, days, progressed, left (shares).

    Cohorts are quarters ("2025 Q3"), the newest five with at least 30 leads, and "all". Each curve ends where its youngest lead
    has been watched no longer than that, or at twice the horizon of the next lead stage.
    """
    parts = []
    for position, stage in enumerate(prepared.funnel.open_stages if prepared.dated else ()):
        entered = prepared.path.reached[:, position]
        rows = np.flatnonzero((entered < NEVER) & (entered <= prepared.extracted_at))
        rows = rows[entered[rows] < prepared.path.left[rows]]
        longest = 2 * prepared.funnel.horizons[prepared.funnel.targets[position]]
        for cohort, mine in _cohorts(entered[rows]):
            here = rows[mine]
            watched = (prepared.extracted_at - entered[here]) / DAY
            end = longest if cohort == ALL else min(longest, float(np.quantile(watched, 0.1)))
            parts.append(_curve(prepared, here, position, stage, cohort, max(end, 1.0)))
    columns = ["lead_stage", "cohort", "leads", "days", "progressed", "left"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _cohorts(entered: Moments) -> list[tuple[str, np.ndarray]]:
    when = timestamps(entered)
    name = np.array([f"{y} Q{q}" for y, q in zip(when.year, when.quarter, strict=True)], object)
    names, counts = np.unique(name.astype(str), return_counts=True)
    newest = [n for n, count in zip(names, counts, strict=True) if count >= FEW][-MOST_COHORTS:]
    found = [(str(n), np.flatnonzero(name == n)) for n in newest] if len(newest) > 1 else []
    return [(ALL, np.arange(len(entered))), *found] if len(entered) >= FEW else []


def _curve(prepared: Prepared, rows: np.ndarray, position: int, stage: str, cohort: str, end: float) -> pd.DataFrame:
    entered = prepared.path.reached[rows, position]
    moved, gone = prepared.path.reached[rows, position + 1], prepared.path.left[rows]
    until = np.minimum(np.minimum(moved, gone), prepared.extracted_at)
    progressed = (moved <= until) & (moved < NEVER)
    left = ~progressed & (gone <= until) & (gone < NEVER)
    grid = np.linspace(0, end, POINTS)
    shares = incidence((until - entered) / DAY, progressed, left, grid)
    head = {"lead_stage": stage, "cohort": cohort, "leads": len(rows)}
    return pd.DataFrame({**head, "days": grid.round(2), "progressed": shares[0].round(4), "left": shares[1].round(4)})
