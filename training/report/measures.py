"""Model against rules, as a marketer asks: who is met, in which segment, in which band, and at what profit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.common.types import Flags, Floats
from models.decision.recommend import Policy
from training.data.prepare import Prepared
from training.evaluation.capacity import capture_difference
from training.evaluation.evaluate import capture_rate, equal_bins, reliability
from training.evaluation.holdout import Holdout
from training.evaluation.segments import band, segments
from training.policy.weekly import Weekly

PERCENTS = (*range(1, 21), *range(22, 51, 2), *range(55, 101, 5))
BANDS = 5
MOST_SEGMENTS = 6  # of a kind
FEW_CUSTOMERS = 10
LINES = 60  # points of the profit curve
KINDS = ("source", "country", "company size")


def final_rows(prepared: Prepared, holdout: Holdout) -> tuple[np.ndarray, Flags]:
    """The held-out landmarks (m,) whose final lead stage is known, as places in `holdout.rows`, and whether they reached it."""
    rows = np.flatnonzero(holdout.labels.matured[:, -1])
    return rows, holdout.labels.reached[rows, -1]


def final_probabilities(prepared: Prepared, holdout: Holdout) -> dict[str, Floats]:
    """P(final) of those landmarks by the model, and by the rules at their best: points and lead stage as a probability."""
    rows, _ = final_rows(prepared, holdout)
    return {name: holdout.probability[name][rows, -1] for name in ("model", "rules")}


def capacity_curves(prepared: Prepared, holdout: Holdout) -> pd.DataFrame:
    """Cumulative gains: percent of leads taken, share of all later customers met by model, rules and chance."""
    _, y = final_rows(prepared, holdout)
    probabilities = final_probabilities(prepared, holdout)
    return pd.DataFrame([
        {"percent": p, "model": capture_rate(y, probabilities["model"], p),
         "rules": capture_rate(y, probabilities["rules"], p), "chance": p / 100}
        for p in PERCENTS
    ])  # fmt: skip


def calibration(prepared: Prepared, holdout: Holdout) -> pd.DataFrame:
    """by (model, rules), said, came and the 95 % band low … high, in ten bins of equal size."""
    rows, y = final_rows(prepared, holdout)
    account = prepared.account[holdout.rows[rows]]
    parts = []
    for name in ("model", "rules"):
        p = holdout.probability[name][rows, -1]
        curve = reliability(y, p)
        bands = [band(y[bin_rows], account[bin_rows]) for bin_rows in equal_bins(p)]
        low, high = zip(*bands, strict=True)
        parts.append(
            pd.DataFrame(
                {
                    "by": name,
                    "said": curve.mean_probability,
                    "came": curve.observed_rate,
                    "low": low,
                    "high": high,
                    "rows": curve.rows,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def segment_gains(prepared: Prepared, holdout: Holdout, capacity: float) -> pd.DataFrame:
    """By how much more of a segment's later customers the model meets than the rules, when sales takes `capacity` % of all.

    Columns: kind, segment, customers, gain, low, high (90 %); segments with at least ten later customers, the largest first.
    """
    rows, y = final_rows(prepared, holdout)
    probabilities, account = final_probabilities(prepared, holdout), prepared.account[holdout.rows[rows]]
    records = []
    for kind, segment in segments(prepared, holdout.rows[rows]).items():
        if kind not in KINDS:
            continue
        counts = pd.Series(segment[y]).value_counts()
        for value in counts.index[:MOST_SEGMENTS]:
            if counts[value] < FEW_CUSTOMERS:
                continue
            difference = capture_difference(
                y, probabilities["model"], probabilities["rules"], capacity, account, subset=segment == value
            )
            records.append({"kind": kind, "segment": str(value), "customers": int(counts[value]),
                        "gain": difference.mean, "low": difference.low, "high": difference.high})  # fmt: skip
    return pd.DataFrame(records, columns=["kind", "segment", "customers", "gain", "low", "high"])


def migration(prepared: Prepared, holdout: Holdout) -> pd.DataFrame:
    """score_band × rule_band (1 lowest … 5 highest fifth of the landmarks): leads looked at, and the share that converted.

    Equal points are one band, so bands of the rules may be larger or empty.
    """
    _, y = final_rows(prepared, holdout)
    probabilities = final_probabilities(prepared, holdout)
    bands = {name: _fifths(values) for name, values in probabilities.items()}
    table = pd.DataFrame({"score_band": bands["model"], "rule_band": bands["rules"], "came": y})
    grouped = table.groupby(["score_band", "rule_band"])["came"].agg(["size", "mean"]).reset_index()
    return grouped.rename(columns={"size": "leads", "mean": "came"})


def _fifths(values: Floats) -> np.ndarray:
    """The fifth in which the middle of each value's ties lies."""
    _, tie_index, count = np.unique(values, return_inverse=True, return_counts=True)
    middle = (np.cumsum(count) - count / 2) / len(values)
    return np.asarray(np.minimum((middle * BANDS).astype(int), BANDS - 1)[tie_index] + 1)


def contact_curve(past: Weekly, policy: Policy) -> pd.DataFrame:
    """What comes of a line on gain (model) or chance (rules) laid lower and lower: by, line, contacts, customers and
    revenue, all per week and scaled to all leads; too_early (share of the contacts), too_late (share of the later
    customers that are not contacted).

    Each lead is handed over in the first week in which it has reached the line. No capacity, no memory:
    `training.policy.backtest` has both.
    """
    rank = {"model": past.predictions.gain(policy)[1], "rules": past.rules_chance}
    weight = 1 / np.maximum(past.share[past.week], 1e-9)
    customers = _later_customers(past, weight)
    total_customers = float(customers.sum())
    weeks = len(past.moments)
    records = []
    for name, values in rank.items():
        for line in np.unique(np.quantile(values, 1 - np.geomspace(0.002, 1, LINES)))[::-1]:
            candidate_rows = np.flatnonzero(values >= line)
            _, first_rows = np.unique(past.looks.lead[candidate_rows], return_index=True)  # looks are sorted by lead and week
            contact_rows = candidate_rows[first_rows]
            w, customer = weight[contact_rows], past.customer[contact_rows]
            contacts = w.sum()
            met_customers = float(customers[past.looks.lead[contact_rows]].sum())
            records.append({
                "by": name, "line": float(line), "contacts": contacts / weeks, "customers": (w * customer).sum() / weeks,
                "revenue": (w * past.revenue[contact_rows]).sum() / weeks,
                "too_early": float((w * ~past.with_sales[contact_rows]).sum() / contacts),
                "too_late": 1 - met_customers / total_customers if total_customers else 0.0,
            })  # fmt: skip
    return pd.DataFrame(records)


def _later_customers(past: Weekly, weight: Floats) -> Floats:
    """(leads,) 0, or for how many of all leads each that became a customer stands: each counts once."""
    customers = np.zeros(int(past.looks.lead.max()) + 1)
    rows = np.flatnonzero(past.customer)[::-1]
    customers[past.looks.lead[rows]] = weight[rows]  # the first look stays
    return customers
