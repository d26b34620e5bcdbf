"""Odoo's predictive lead scoring: counts of won and lost per value, multiplied up as naive Bayes.

After `addons/crm/models/crm_lead.py` of Odoo 16 and 17, written anew. Two things it does have no counterpart in the data here:
counts per sales team (the data name no teams, so there is one, and nothing to pool) and tags, of which a lead has several (no
attribute here has more than one value, so the rule that ignores a tag seen fewer than 50 times has nothing to ignore).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.common.types import Flags, Floats, Matrix, sigmoid
from training.fit.baselines import Rate

SMOOTHING = 0.1  # a value's counts begin with it
LEAST = 0.01  # %: the result has two decimals; later versions keep it off 0 and 100


@dataclass(frozen=True)
class Counts:
    """Of one variable: its values (k,), ascending, and how many won and lost leads had each (k,), smoothed."""

    values: Floats
    won: Floats
    lost: Floats

    @classmethod
    def of(cls, column: Floats, won: Flags, weight: Floats) -> Counts:
        """Count the values (n,) of leads with outcome `won` (n,), each `weight` (n,) times; a missing one (NaN) is skipped."""
        here = ~np.isnan(column) & (weight > 0)
        values, place = np.unique(column[here], return_inverse=True)
        each_won, each_lost = (np.bincount(place, weight[here] * side[here], len(values)) for side in (won, ~won))
        return cls(values, np.add(each_won, SMOOTHING), np.add(each_lost, SMOOTHING))

    @classmethod
    def of_stages(cls, stage: Floats, won: Flags, weight: Floats) -> Counts:
        """A won lead counts on every lead stage, a lost one on its own (n,) and every lower one."""
        values = np.arange(stage[weight > 0].max() + 1)
        lost = np.array([weight[~won & (stage >= s)].sum() for s in values])
        return cls(values, np.full(len(values), weight[won].sum()) + SMOOTHING, lost + SMOOTHING)

    def evidence(self, column: Floats, won: float, lost: float) -> Floats:
        """ln(won(v) / `won`) - ln(lost(v) / `lost`) of each value (n,); 0 for one that is missing or was never seen."""
        if not len(self.values):
            return np.zeros(len(column))
        place = np.minimum(np.searchsorted(self.values, column), len(self.values) - 1)
        each = np.log(self.won / won) - np.log(self.lost / lost)
        return np.where(self.values[place] == column, each[place], 0.0)


@dataclass(frozen=True)
class Odoo:
    """The count table: one `Counts` per variable, that of the lead stage if it is used, and all won and all lost leads.

    Fits `models.calibration.chain.Conditional`: rows are (n, variables), with the lead stage as one more column, the last, if
    it is used.
    """

    variables: tuple[Counts, ...]
    stage: Counts | None
    won: float
    lost: float

    def probability(self, x: Matrix) -> Floats:
        """Won / (won + lost), each the prior times the likelihood of every value, to two decimals of a percentage."""
        margin: Floats = np.full(len(x), np.log(self.won) - np.log(self.lost))
        values = np.asarray(x, np.float64)
        for number, counts in enumerate(self.variables):
            margin += counts.evidence(values[:, number], float(counts.won.sum()), float(counts.lost.sum()))
        if self.stage:
            margin += self.stage.evidence(values[:, -1], self.won, self.lost)
        return np.clip(np.round(100 * sigmoid(margin), 2), LEAST, 100 - LEAST) / 100


def fit_odoo(x: Matrix, won: Flags, weight: Floats, *, stage: bool) -> Odoo | Rate:
    """Count the leads x (n, variables and, with `stage`, the lead stage's position), each `weight` (n,) times.

    Where nobody won or nobody lost, Odoo gives no score; the base rate stands in.
    """
    values = np.asarray(x, np.float64)
    total = [float(weight[side].sum()) for side in (won, ~won)]
    if not all(total):
        return Rate(float(np.clip(won.mean(), LEAST / 100, 1 - LEAST / 100)))
    columns = values[:, :-1] if stage else values
    return Odoo(
        tuple(Counts.of(column, won, weight) for column in columns.T),
        Counts.of_stages(values[:, -1], won, weight) if stage else None,
        total[0] + SMOOTHING,
        total[1] + SMOOTHING,
    )
