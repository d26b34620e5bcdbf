"""How far what was said of held-out leads' money came true: amounts of deals, and all that a group of leads brought."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from features.dataset.labels import Labels
from models.calibration.intervals import QUANTILE, equal_parts
from models.common.types import Floats
from models.decision.value import Expected, Value
from training.data.prepare import Prepared
from training.fit.value_fit import Rows, Won, deviance

GROUPS = 10
MIN_CUSTOMERS = 3  # in a group


@dataclass(frozen=True)
class ValueCheck:
    """`error` and `deviance` of what was said of each deal, by `model`, `mean` and `median`; `in_range`: share of deals
    that were in the range in which nine in ten should be. `said` and `came`: what all held-out leads were expected to bring
    and brought, one landmark each, first deals only. Of `groups` of leads worth alike, `held` brought what their interval
    and chance allow.
    """

    currency: str
    deals: int
    error: Mapping[str, float]
    deviance: Mapping[str, float]
    in_range: float
    said: float
    came: float
    groups: int
    held: int

    def metrics(self) -> dict[str, float]:
        """Names and numbers for MLflow."""
        found = {"deals": self.deals, "in_range": self.in_range, "said": self.said, "came": self.came}
        for name in self.error:
            found |= {f"error.{name}": self.error[name], f"deviance.{name}": self.deviance[name]}
        if self.groups:
            found["interval_coverage"] = self.held / self.groups
        return {f"value.{name}": float(number) for name, number in found.items()}

    def lines(self) -> list[str]:
        """The same for a reader."""
        unit, error = self.currency, self.error
        deals = (
            f"The amount of a held-out deal was off by {error['model']:,.0f} {unit} on average; one median for all by "
            f"{error['median']:,.0f}, one mean by {error['mean']:,.0f}. {self.in_range:.0%} of {self.deals:,} deals lay in the "
            f"range in which 90 % should."
        )
        leads = f"Held-out leads were expected to bring {self.said:,.0f} {unit} and brought {self.came:,.0f}"
        if self.groups:
            leads += f"; {self.held} of {self.groups} groups of leads worth alike lay in their interval"
        return [deals, f"{leads}."]


def check_value(
    value: Value, learned: Won, prepared: Prepared, rows: Rows, labels: Labels, probability: Floats, ends: tuple[Floats, Floats]
) -> ValueCheck | None:
    """Judge `value`, fitted on `learned`, on held-out landmarks `rows` (m,), their `labels`, P(final) (m,) and its interval.

    None where no held-out lead has a deal with an amount.
    """
    among = np.zeros(len(prepared.looks), bool)
    among[rows] = True
    later = Won.of(prepared, prepared.deals, among, prepared.extracted_at)
    if not len(later):
        return None
    amounts = value.amounts(later.x)
    by = {
        "model": amounts.mean,
        "mean": np.full(len(later), learned.mean),
        "median": np.full(len(later), learned.median),
    }
    inside = (later.amount >= amounts.low) & (later.amount <= amounts.high)
    once = _first_of_each_lead(prepared, rows, labels)
    expected = value.expected(prepared.x(rows[once]), probability[once], ends[0][once], ends[1][once])
    came = _came(prepared, rows[once], labels.reached[once, -1])
    account = prepared.account[rows[once]]
    groups = _groups(expected, came, account, value.lifetime)
    return ValueCheck(
        currency=value.currency,
        deals=round(later.deals),
        error={name: float(np.average(np.abs(later.amount - said), weights=later.weight)) for name, said in by.items()},
        deviance={name: float(np.average(deviance(later.amount, said), weights=later.weight)) for name, said in by.items()},
        in_range=float(np.average(inside, weights=later.weight)),
        said=float(expected.value.sum()) / value.lifetime,
        came=float(came.sum()),
        groups=len(groups),
        held=sum(groups),
    )


def _first_of_each_lead(prepared: Prepared, rows: Rows, labels: Labels) -> Rows:
    """Of `rows`, the places of the first landmark of each lead whose final lead stage has matured."""
    matured = np.flatnonzero(labels.matured[:, -1])
    _, first = np.unique(prepared.looks.lead[rows[matured]], return_index=True)
    return matured[first]


def _came(prepared: Prepared, rows: Rows, reached: Floats) -> Floats:
    """What each lead brought (m,); a customer without an amount counts with the mean of all."""
    amount = prepared.deals.of_leads(len(prepared.histories))[0][prepared.looks.lead[rows]]
    return np.where(reached, np.where(np.isnan(amount), prepared.deals.amount.mean(), amount), 0.0)


def _groups(expected: Expected, came: Floats, account: Rows, lifetime: float) -> list[bool]:
    """Of groups of leads worth alike, whether what they brought lies in their interval, widened by what chance adds."""
    part_of = equal_parts(expected.value, GROUPS)
    held = []
    for part in range(int(part_of.max()) + 1):
        rows = np.flatnonzero(part_of == part)
        if np.count_nonzero(came[rows]) < MIN_CUSTOMERS:
            continue
        said = float(expected.value[rows].sum()) / lifetime
        _, code = np.unique(account[rows], return_inverse=True)
        off = np.bincount(code, came[rows] - expected.value[rows] / lifetime)
        chance = QUANTILE * float(np.sqrt((off**2).sum())) / said
        total = float(came[rows].sum())
        end = expected.high if total > said else expected.low
        reach = abs(np.log(float(end[rows].sum()) / lifetime / said))
        held.append(bool(abs(np.log(total / said)) <= np.hypot(reach, chance)))
    return held
