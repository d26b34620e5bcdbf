"""Contributions → a prior: random effects per coefficient, each business's own being drawn around what is common to all.

As in a meta-analysis (DerSimonian and Laird 1986, doi:10.1016/0197-2456(86)90046-2), but a coefficient weighs by the share of
it that a business's data say (`Column.told`), because the rest is only that business's regularisation. What businesses differ
by beyond chance, and the doubt about the mean, is how far the next one may be off.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.common.types import Floats
from training.data.pooled_prior import MISSING, Known, Prior, Said
from training.pool.contribution import Column, Contribution, Given

LEAST_CLIENTS = 3  # that must say something of a column before anybody hears of it
NARROW, WIDE = 0.5, 2.0  # limits of the spread of one column against that of all
DOUBT = 0.3  # log-odds by which base rates of businesses differ at least


def combine(pool: str, contributions: Sequence[Contribution]) -> Prior:
    """The prior for a business, from the contributions of others; targets and columns of fewer than `LEAST_CLIENTS` are left
    out."""
    found = {}
    for target in sorted({name for c in contributions for name in c.targets}):
        given = [c.targets[target] for c in contributions if target in c.targets]
        if len(given) >= LEAST_CLIENTS and (said := _target(given)).columns:
            found[target] = said
    return Prior(pool, found)


def _target(given: Sequence[Given]) -> Said:
    columns = {}
    for name in sorted({name for g in given for name in g.columns}):
        mine = [g.columns[name] for g in given if name in g.columns]
        if len(mine) >= LEAST_CLIENTS:
            columns[name] = mine
    columns = {name: mine for name, mine in columns.items() if name.removeprefix(MISSING) in columns}
    scales = {name: _scale(mine) for name, mine in columns.items()}
    effects = {name: effect(mine, scales[name][1]) for name, mine in columns.items()}
    usual = float(np.sqrt(np.mean([spread**2 for _, spread in effects.values()]))) if effects else 1.0
    known = {
        name: Known(
            mine[0].log, *scales[name], round(effects[name][0], 5),
            round(float(np.clip(effects[name][1] / max(usual, 1e-9), NARROW, WIDE)), 3), len(mine),
        )
        for name, mine in columns.items()
    }  # fmt: skip
    base, doubt = between(np.array([g.base for g in given]), np.array([g.base_variance for g in given]))
    return Said(len(given), round(base, 4), round(max(doubt, DOUBT), 4), known)


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
    told = np.array([max(c.told, 1e-6) for c in columns])
    share = told / told.sum()
    mean = float(share @ coefficient)
    apart = max(0.0, float(share @ ((coefficient - mean) ** 2 - variance * (1 - share))))
    return mean, float(np.sqrt(apart + (share**2) @ (variance + apart)))


def between(values: Floats, variance: Floats) -> tuple[float, float]:
    """Mean of values (n,) that are known up to `variance` (n,), and how far the next one may be off (one deviation)."""
    mean = float(values.mean())
    apart = max(0.0, float(((values - mean) ** 2).sum() / max(len(values) - 1, 1) - variance.mean()))
    return mean, float(np.sqrt(apart * (1 + 1 / len(values)) + variance.mean() / len(values)))
