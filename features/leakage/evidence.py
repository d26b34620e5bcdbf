"""What the audit looks at: every attribute column by lead, and what became of the leads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.attributes.learn import SKIPPED
from features.common.clock import AFTER_ENTRY, Moments, microseconds
from features.dataset.dataset import Dataset
from features.dataset.funnel import Funnel
from features.dataset.landmarks import Path
from features.leakage.certain import tries
from features.leakage.changes import History, histories, values_as_of
from features.leakage.outcomes import Outcome, outcomes
from features.leakage.strength import Ints, levels


@dataclass(frozen=True)
class Case:
    """`columns` ("lead.budget" → values, a row a lead) and their `level` codes, `idle` ones apart; `outcomes` that can
    be judged by; `account` and `created` (leads,); `recorded`: columns with a history; `tries`: groups of leads that the values
    of a column make; `unrecorded`: columns that the source only knows as they are today."""

    funnel: Funnel
    path: Path
    outcomes: tuple[Outcome, ...]
    columns: dict[str, pd.Series]
    level: dict[str, Ints]
    idle: tuple[str, ...]
    account: Ints
    created: Moments
    ids: dict[str, pd.Series]
    changes: pd.DataFrame
    recorded: dict[str, History]
    tries: dict[str, int]
    unrecorded: frozenset[str] = frozenset()

    @classmethod
    def from_dataset(cls, dataset: Dataset, funnel: Funnel) -> Case:
        """Columns that are empty or the same in every row are `idle`."""
        path = Path.from_tables(dataset.leads, dataset.lead_stages, funnel)
        judgeable = tuple(o for o in outcomes(path, funnel.targets, dated=dataset.time == "dates") if o.judgeable)
        all_columns = attribute_columns(dataset)
        level = {name: levels(values) for name, values in all_columns.items()}
        idle = tuple(name for name, codes in level.items() if codes.min() == codes.max())
        columns = {name: values for name, values in all_columns.items() if name not in idle}
        ids = {"lead": dataset.leads["lead_id"], "company": dataset.leads["company_id"]}
        recorded = histories(dataset.attribute_changes, columns, ids)
        return cls(
            funnel, path, judgeable, columns, level, idle, accounts(dataset.leads), microseconds(dataset.leads["created_at"]),
            ids, dataset.attribute_changes, recorded, {name: tries(values, level[name]) for name, values in columns.items()},
            frozenset(dataset.without_history),
        )  # fmt: skip

    def level_codes(self, name: str, outcome: Outcome) -> Ints:
        """Level codes (0 is missing) of a column for the leads of an outcome: as known when they entered the lead stage
        where that is recorded, else as extracted."""
        return levels(self.values(name, outcome)) if name in self.recorded else self.level[name][outcome.rows]

    def values(self, name: str, outcome: Outcome) -> pd.Series:
        """The values behind `level_codes`, numbered from 0."""
        if name in self.recorded:
            entered = outcome.entered + AFTER_ENTRY  # a value given in the moment of entry is known
            return values_as_of(name, self.columns[name], self.changes, self.ids, outcome.rows, entered)
        return self.columns[name].iloc[outcome.rows].reset_index(drop=True)


def attribute_columns(dataset: Dataset) -> dict[str, pd.Series]:
    """Every attribute column of leads and their companies, a row a lead."""
    company = pd.Index(dataset.companies["company_id"]).get_indexer(pd.Index(dataset.leads["company_id"]))
    rows = pd.Series(company).where(company >= 0)
    companies = dataset.companies.reset_index(drop=True)
    leads = {f"lead.{c}": dataset.leads[c] for c in dataset.leads.columns if c not in SKIPPED["lead"]}
    return leads | {
        f"company.{c}": companies[c].reindex(rows).reset_index(drop=True)
        for c in companies.columns
        if c not in SKIPPED["company"]
    }


def accounts(leads: pd.DataFrame) -> Ints:
    """Codes of the accounts (leads,); a lead without company is its own account."""
    code = pd.factorize(leads["company_id"])[0].astype(np.int64)
    return np.where(code >= 0, code, len(code) + np.arange(len(code)))
