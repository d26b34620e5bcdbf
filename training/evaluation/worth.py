"""What a lead is worth when it enters a lead stage: overall, by source and by campaign, from what became of earlier ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.common.clock import DAY, microseconds
from features.dataset.dataset import Dataset
from models.calibration.chain import chain
from models.common.types import Flags, Floats
from models.model import FunnelModel
from training.data.prepare import Prepared

MIN_LEADS = 30  # a smaller group is told together with the others
DRAWS = 1_000
LEVEL = 0.9
OTHER_GROUP, NO_GROUP = "(others)", "(none)"

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Entries:
    """Leads (m,) that entered a lead stage at `entered_at` (m,), and what they brought: NaN where that cannot be known yet."""

    stage: str
    lead: Rows
    entered_at: npt.NDArray[np.int64]
    revenue: Floats

    @property
    def matured(self) -> Flags:
        return ~np.isnan(self.revenue)


def worth(prepared: Prepared, dataset: Dataset, model: FunnelModel, seed: int = 7) -> pd.DataFrame:
    """One row per lead stage before the final one and group: what its leads brought within the horizon of the final lead stage.

    Columns: lead_stage, by (all, source, first_campaign, last_campaign), group, leads, customers, worth, low, high (90 %,
    accounts drawn with replacement), newer_leads, newer_expected: of leads whose horizon has not passed, what the model
    says they are worth at their entry. Amounts are in the currency of the deals, times the lifetime. Groups of fewer than
    30 leads are told together. Without deals, or dates, the table is empty.
    """
    rows: list[tuple[object, ...]] = []
    if model.value is None or not prepared.dated:
        return pd.DataFrame(rows, columns=COLUMNS)
    for position, stage in enumerate(prepared.funnel.open_stages):
        entries = _entries(prepared, position, stage, model.value.lifetime)
        if entries.matured.sum() >= MIN_LEADS:
            at_entry = _at_entry(prepared, position, model)
            for grouping, group in _groups(prepared, dataset, entries).items():
                rows += _rows(prepared, entries, grouping, group, at_entry, seed)
    return pd.DataFrame(rows, columns=COLUMNS)


COLUMNS = [
    "lead_stage", "by", "group", "leads", "customers", "worth", "low", "high", "newer_leads", "newer_expected"
]  # fmt: skip


def _entries(prepared: Prepared, position: int, stage: str, lifetime: float) -> Entries:
    """All leads that entered the lead stage, each at its first time, and what it brought in time, in the same spell."""
    spells = np.flatnonzero(prepared.path.reached[:, position] <= prepared.extracted_at)
    lead, first = np.unique(prepared.path.lead[spells], return_index=True)
    spell = spells[first]
    reached_at = prepared.path.reached[spell, position]
    horizon = int(prepared.funnel.horizons[prepared.funnel.final] * DAY)
    end = reached_at + horizon
    amount = prepared.deals.of_leads(len(prepared.histories))[0][lead]
    customer = prepared.path.reached[spell, -1] <= np.minimum(end, prepared.extracted_at)
    mean_amount = float(prepared.deals.amount.mean())
    revenue = np.where(customer, np.where(np.isnan(amount), mean_amount, amount), 0.0) * lifetime
    revenue[end > prepared.extracted_at] = np.nan
    return Entries(stage, lead, reached_at, revenue)


def _at_entry(prepared: Prepared, position: int, model: FunnelModel) -> Floats:
    """(leads,) what the model says each lead is worth at its first landmark in the lead stage; NaN without one."""
    entry_worth = np.full(len(prepared.histories), np.nan)
    stage_rows = np.flatnonzero(prepared.looks.stage == position)
    lead, first_index = np.unique(prepared.looks.lead[stage_rows], return_index=True)
    x = prepared.x(stage_rows[first_index])
    probability = chain(model.transitions, x, prepared.looks.stage[stage_rows[first_index]])[1][:, -1]
    if model.value:
        entry_worth[lead] = probability * model.value.amounts(x).mean * model.value.lifetime
    return entry_worth


def _groups(prepared: Prepared, dataset: Dataset, entries: Entries) -> Mapping[str, npt.NDArray[np.object_]]:
    """The group (m,) of each entry, by each way of grouping that the data allow."""
    groupings = {"all": np.full(len(entries.lead), "all", object)}
    if "source" in prepared.histories.leads:
        source = prepared.histories.leads["source"].astype("object").fillna(NO_GROUP).astype(str)
        groupings["source"] = source.to_numpy(object)[entries.lead]
    first_campaign, last_campaign = _campaigns(prepared, dataset, entries)
    if (first_campaign != NO_GROUP).any():
        groupings |= {"first_campaign": first_campaign, "last_campaign": last_campaign}
    return groupings


def _campaigns(
    prepared: Prepared, dataset: Dataset, entries: Entries
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.object_]]:
    """The first and the last campaign (m,) that each lead had met when it entered."""
    if "campaign" not in dataset.interactions:
        return (no_campaign := np.full(len(entries.lead), NO_GROUP, object)), no_campaign
    touches = dataset.interactions.loc[dataset.interactions["campaign"].notna(), ["lead_id", "at", "campaign"]]
    lead = pd.Index(prepared.histories.leads["lead_id"]).get_indexer(pd.Index(touches["lead_id"].astype("str")))
    entered = np.full(len(prepared.histories), -1, np.int64)
    entered[entries.lead] = entries.entered_at
    times = microseconds(touches["at"])
    earlier_rows = np.flatnonzero((lead >= 0) & (times <= entered[lead]))
    order = earlier_rows[np.lexsort((times[earlier_rows], lead[earlier_rows]))]
    names = touches["campaign"].astype("str").to_numpy(object)
    first_campaign, last_campaign = (np.full(len(prepared.histories), NO_GROUP, object) for _ in range(2))
    first_campaign[lead[order][::-1]] = names[order][::-1]
    last_campaign[lead[order]] = names[order]
    return first_campaign[entries.lead], last_campaign[entries.lead]


def _rows(
    prepared: Prepared, entries: Entries, grouping: str, group: npt.NDArray[np.object_], at_entry: Floats, seed: int
) -> list[tuple[object, ...]]:
    """The groups, most valuable first; the others and the nameless last."""
    names, counts = np.unique(group[entries.matured].astype(str), return_counts=True)
    large = set(names[counts >= MIN_LEADS])
    group_names = np.array([name if name in large else OTHER_GROUP for name in group.astype(str)], object)
    account = prepared.histories.account[entries.lead]
    records = []
    for name in np.unique(group_names.astype(str)):
        rows = np.flatnonzero(entries.matured & (group_names == name))
        newer = np.flatnonzero(~entries.matured & (group_names == name))
        if not len(rows):
            continue
        low, high = _interval(entries.revenue[rows], account[rows], seed)
        newer_worth = at_entry[entries.lead[newer]]
        newer_worth = newer_worth[~np.isnan(newer_worth)]
        revenue = entries.revenue[rows]
        group_values = (entries.stage, grouping, str(name), len(rows), int((revenue > 0).sum()), float(revenue.mean()))
        records.append((*group_values, low, high, len(newer), float(newer_worth.mean()) if len(newer_worth) else np.nan))
    return sorted(records, key=lambda row: (row[2] in (OTHER_GROUP, NO_GROUP), -row[5]))  # type: ignore[operator]


def _interval(revenue: Floats, account: npt.NDArray[np.integer], seed: int) -> tuple[float, float]:
    """90 % interval of the mean by a cluster bootstrap: accounts are drawn with replacement."""
    _, code = np.unique(account, return_inverse=True)
    size, total = np.bincount(code).astype(np.float64), np.bincount(code, revenue)
    random = np.random.default_rng(seed)
    means = []
    for _ in range(DRAWS):
        drawn = random.integers(0, len(size), len(size))
        means.append(total[drawn].sum() / size[drawn].sum())
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def worth_in_words(table: pd.DataFrame, currency: str) -> list[str]:
    """What each lead stage is worth, and the sources that bring most and least."""
    lines = []
    for stage, rows in table.groupby("lead_stage", sort=False):
        overall = rows[rows["by"] == "all"].iloc[0]
        line = (
            f"A lead entering {stage} was worth {overall['worth']:,.0f} {currency} "
            f"(90 % interval {overall['low']:,.0f} to {overall['high']:,.0f}; {overall['customers']:,} of {overall['leads']:,} "
            f"became customers in time)"
        )
        sources = rows[(rows["by"] == "source") & ~rows["group"].isin([OTHER_GROUP, NO_GROUP])]
        if len(sources) > 1:
            best, worst = sources.iloc[0], sources.iloc[-1]
            line += (
                f"; from {best['group']} {best['worth']:,.0f} ({best['low']:,.0f} to {best['high']:,.0f}), "
                f"from {worst['group']} {worst['worth']:,.0f} ({worst['low']:,.0f} to {worst['high']:,.0f})"
            )
        lines.append(line + ".")
    return lines
