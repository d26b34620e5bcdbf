"""All peers by name, and how each learns one transition from what it sees of landmarks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from benchmarks.peers.bayes import fit_bayes
from benchmarks.peers.calibrated import Calibrated, learn_calibrator
from benchmarks.peers.libraries import fit_boosting, fit_catboost, fit_ebm, fit_flaml
from benchmarks.peers.odoo import fit_odoo
from benchmarks.peers.tabular import Sizes, fit_lightgbm, fit_logistic
from models.calibration.chain import Conditional
from models.common.types import Examples, Floats, Matrix

Fit = Callable[[Examples], Conditional]

LOGISTIC, REGULARISED, BLEND, FLAML = "logistic", "LightGBM regularised", "blend", "FLAML"
PEERS = (LOGISTIC, REGULARISED, BLEND, "LightGBM defaults", "CatBoost", "histogram boosting", "EBM", FLAML, "Odoo",
         "Odoo calibrated", "naive Bayes")  # fmt: skip


def fits(sizes: Sizes, stage: int | None, seed: int, seconds: float) -> Mapping[str, Fit]:
    """Peer → its fit of one transition. Rows begin with categories of `sizes` levels; `stage` is the column of the lead stage,
    where a funnel has more than one to leave. FLAML has so many `seconds`. The blend is no fit: it is made of two others."""
    odoo = partial(_odoo, width=len(sizes), stage=stage)
    return {
        LOGISTIC: lambda e: fit_logistic(e, sizes),
        REGULARISED: lambda e: fit_lightgbm(e, sizes, seed),
        "LightGBM defaults": lambda e: fit_lightgbm(e, sizes, seed, defaults=True),
        "CatBoost": lambda e: fit_catboost(e, sizes, seed),
        "histogram boosting": lambda e: fit_boosting(e, sizes, seed),
        "EBM": lambda e: fit_ebm(e, sizes, seed),
        FLAML: lambda e: fit_flaml(e, sizes, seed, seconds),
        "Odoo": odoo,
        "Odoo calibrated": lambda e: Calibrated(odoo(e), learn_calibrator(odoo, e)),
        "naive Bayes": lambda e: fit_bayes(e.x, e.y, sizes),
    }


def _odoo(examples: Examples, width: int, stage: int | None) -> Conditional:
    """Odoo sees the categories alone, and the lead stage."""
    columns = [*range(width), *([] if stage is None else [stage])]
    seen = replace(examples, x=examples.x[:, columns])
    return _Columns(fit_odoo(seen.x, seen.y, seen.weight, stage=stage is not None), columns)


@dataclass(frozen=True)
class _Columns:
    """A fitted peer that sees some of the columns; fits `models.calibration.chain.Conditional`."""

    fitted: Conditional
    columns: list[int]

    def probability(self, x: Matrix) -> Floats:
        return self.fitted.probability(np.asarray(x)[:, self.columns])
