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
from training.fit.value_fit import Rows, WonDeals, deviance

GROUPS = 10
MIN_CUSTOMERS = 3  # in a group


@dataclass(frozen=True)
class ValueCheck:
    """`error` and `deviance` of what was said of each deal, by `model`, `mean` and `median`; `in_range`: share of deals
    that were in the range in which nine in ten should be. `expected_total` and `actual_total`: what all held-out leads were
    expected to bring and brought, one landmark each, first deals only. Of `groups` of leads worth alike, `covered_groups`
    brought what their interval and chance allow.
    """

    currency: str
    deals: int
    error: Mapping[str, float]
    deviance: Mapping[str, float]
    in_range: float
    expected_total: float
    actual_total: float
    groups: int
    covered_groups: int

    def metrics(self) -> dict[str, float]:
        """Names and numbers for MLflow."""
        numbers = {"deals": self.deals, "in_range": self.in_range, "said": self.expected_total, "came": self.actual_total}
        for name in self.error:
            numbers |= {f"error.{name}": self.error[name], f"deviance.{name}": self.deviance[name]}
        if self.groups:
            numbers["interval_coverage"] = self.covered_groups / self.groups
        return {f"value.{name}": float(number) for name, number in numbers.items()}

    def lines(self) -> list[str]:
        """The same for a reader."""
        unit, error = self.currency, self.error
        deals = (
            f"The amount of a held-out deal was off by {error['model']:,.0f} {unit} on average; one median for all by "
            f"{error['median']:,.0f}, one mean by {error['mean']:,.0f}. {self.in_range:.0%} of {self.deals:,} deals lay in the "
            f"range in which 90 % should."
        )
        leads = f"Held-out leads were expected to bring {self.expected_total:,.0f} {unit} and brought {self.actual_total:,.0f}"
        if self.groups:
            leads += f"; {self.covered_groups} of {self.groups} groups of leads worth alike lay in their interval"
        return [deals, f"{leads}."]


def check_value(
    value: Value,
    learned: WonDeals,
    prepared: Prepared,
    rows: Rows,
    labels: Labels,
    probability: Floats,
    ends: tuple[Floats, Floats],
) -> ValueCheck | None:
    """Judge `value`, fitted on `learned`, on held-out landmarks `rows` (m,), their `labels`, P(final) (m,) and its interval.

    None where no held-out lead has a deal with an amount.
    """
    row_mask = np.zeros(len(prepared.looks), bool)
    row_mask[rows] = True
    test_deals = WonDeals.from_landmarks(prepared, prepared.deals, row_mask, prepared.extracted_at)
    if not len(test_deals):
        return None
    amounts = value.amounts(test_deals.x)
    predictions = {
        "model": amounts.mean,
        "mean": np.full(len(test_deals), learned.mean),
        "median": np.full(len(test_deals), learned.median),
    }
    in_range = (test_deals.amount >= amounts.low) & (test_deals.amount <= amounts.high)
    first_rows = _first_of_each_lead(prepared, rows, labels)
    expected = value.expected(prepared.x(rows[first_rows]), probability[first_rows], ends[0][first_rows], ends[1][first_rows])
    actual_amounts = _actual_amounts(prepared, rows[first_rows], labels.reached[first_rows, -1])
    account = prepared.account[rows[first_rows]]
    covered_flags = _covered_flags(expected, actual_amounts, account, value.lifetime)
    return ValueCheck(
        currency=value.currency,
        deals=round(test_deals.deals),
        error={
            name: float(np.average(np.abs(test_deals.amount - prediction), weights=test_deals.weight))
            for name, prediction in predictions.items()
        },
        deviance={
            name: float(np.average(deviance(test_deals.amount, prediction), weights=test_deals.weight))
            for name, prediction in predictions.items()
        },
        in_range=float(np.average(in_range, weights=test_deals.weight)),
        expected_total=float(expected.value.sum()) / value.lifetime,
        actual_total=float(actual_amounts.sum()),
        groups=len(covered_flags),
        covered_groups=sum(covered_flags),
    )


def _first_of_each_lead(prepared: Prepared, rows: Rows, labels: Labels) -> Rows:
    """Of `rows`, the places of the first landmark of each lead whose final lead stage has matured."""
    matured = np.flatnonzero(labels.matured[:, -1])
    _, first_index = np.unique(prepared.looks.lead[rows[matured]], return_index=True)
    return matured[first_index]


def _actual_amounts(prepared: Prepared, rows: Rows, reached: Floats) -> Floats:
    """What each lead brought (m,); a customer without an amount counts with the mean of all."""
    amount = prepared.deals.of_leads(len(prepared.histories))[0][prepared.looks.lead[rows]]
    return np.where(reached, np.where(np.isnan(amount), prepared.deals.amount.mean(), amount), 0.0)


def _covered_flags(expected: Expected, actual_amounts: Floats, account: Rows, lifetime: float) -> list[bool]:
    """Of groups of leads worth alike, whether what they brought lies in their interval, widened by what chance adds."""
    part_of = equal_parts(expected.value, GROUPS)
    covered_flags = []
    for part in range(int(part_of.max()) + 1):
        rows = np.flatnonzero(part_of == part)
        if np.count_nonzero(actual_amounts[rows]) < MIN_CUSTOMERS:
            continue
        expected_total = float(expected.value[rows].sum()) / lifetime
        _, code = np.unique(account[rows], return_inverse=True)
        deviations = np.bincount(code, actual_amounts[rows] - expected.value[rows] / lifetime)
        chance = QUANTILE * float(np.sqrt((deviations**2).sum())) / expected_total
        total = float(actual_amounts[rows].sum())
        end = expected.high if total > expected_total else expected.low
        reach = abs(np.log(float(end[rows].sum()) / lifetime / expected_total))
        covered_flags.append(bool(abs(np.log(total / expected_total)) <= np.hypot(reach, chance)))
    return covered_flags
