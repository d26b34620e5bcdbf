"""Contributions → a prior: random effects per coefficient, each business's own being drawn around what is common to all.

As in a meta-analysis (DerSimonian and Laird 1986, doi:10.1016/0197-2456(86)90046-2), but a coefficient weighs by the share of
it that a business's data say (`Column.told`), because the rest is only that business's regularisation. What businesses differ
by beyond chance, and the doubt about the mean, is how far the next one may be off.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.common.types import Floats
from training.data.pooled_prior import MISSING, ColumnPrior, Prior, TransitionPrior
from training.pool.contribution import Column, Contribution, TransitionEstimate

LEAST_CLIENTS = 3  # that must say something of a column before anybody hears of it
NARROW, WIDE = 0.5, 2.0  # limits of the spread of one column against that of all
LEAST_DOUBT = 0.3  # log-odds by which base rates of businesses differ at least


def combine(pool: str, contributions: Sequence[Contribution]) -> Prior:
    """The prior for a business, from the contributions of others; targets and columns of fewer than `LEAST_CLIENTS` are left
    out."""
    targets = {}
    for target in sorted({name for c in contributions for name in c.targets}):
        estimates = [c.targets[target] for c in contributions if target in c.targets]
        if len(estimates) >= LEAST_CLIENTS and (transition_prior := _target(estimates)).columns:
            targets[target] = transition_prior
    return Prior(pool, targets)


def _target(estimates: Sequence[TransitionEstimate]) -> TransitionPrior:
    columns = _shared_columns(estimates)
    scales = {name: _scale(group) for name, group in columns.items()}
    effects = {name: effect(group, scales[name][1]) for name, group in columns.items()}
    typical_spread = float(np.sqrt(np.mean([spread**2 for _, spread in effects.values()]))) if effects else 1.0
    column_priors = {
        name: ColumnPrior(
            group[0].log, *scales[name], round(effects[name][0], 5),
            round(float(np.clip(effects[name][1] / max(typical_spread, 1e-9), NARROW, WIDE)), 3), len(group),
        )
        for name, group in columns.items()
    }  # fmt: skip
    base, doubt = pooled_mean(np.array([g.base for g in estimates]), np.array([g.base_variance for g in estimates]))
    return TransitionPrior(len(estimates), round(base, 4), round(max(doubt, LEAST_DOUBT), 4), column_priors)


def _shared_columns(estimates: Sequence[TransitionEstimate]) -> dict[str, list[Column]]:
    """Columns that enough clients have, by name; an indicator of missing values only beside its column."""
    groups = {
        name: [estimate.columns[name] for estimate in estimates if name in estimate.columns]
        for name in sorted({name for estimate in estimates for name in estimate.columns})
    }
    shared = {name: group for name, group in groups.items() if len(group) >= LEAST_CLIENTS}
    return {name: group for name, group in shared.items() if name.removeprefix(MISSING) in shared}


def _scale(columns: Sequence[Column]) -> tuple[float, float, float]:
    """Mean, deviation and share of missing values of a typical business."""
    mean, missing = np.mean([c.mean for c in columns]), np.mean([c.missing for c in columns])
    deviation = np.sqrt(np.mean([c.deviation**2 for c in columns]))
    return float(f"{mean:.6g}"), float(f"{deviation:.6g}"), float(f"{missing:.4g}")


def effect(columns: Sequence[Column], deviation: float) -> tuple[float, float]:
    """What is common to the coefficients, per this `deviation`, and how far the next business's may be off."""
    scale = np.array([deviation / c.deviation for c in columns])
    coefficient = np.array([c.coefficient for c in columns]) * scale
    variance = np.array([c.variance for c in columns]) * scale**2
    data_shares = np.array([max(c.told, 1e-6) for c in columns])
    share = data_shares / data_shares.sum()
    mean = float(share @ coefficient)
    heterogeneity = max(0.0, float(share @ ((coefficient - mean) ** 2 - variance * (1 - share))))
    return mean, float(np.sqrt(heterogeneity + (share**2) @ (variance + heterogeneity)))


def pooled_mean(values: Floats, variance: Floats) -> tuple[float, float]:
    """Mean of values (n,) that are known up to `variance` (n,), and how far the next one may be off (one deviation)."""
    mean = float(values.mean())
    heterogeneity = max(0.0, float(((values - mean) ** 2).sum() / max(len(values) - 1, 1) - variance.mean()))
    return mean, float(np.sqrt(heterogeneity * (1 + 1 / len(values)) + variance.mean() / len(values)))
