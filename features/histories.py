"""From the tables of a dataset to the arrays of the engine: leads in account order, interactions as codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.batch import People
from features.catalogue import Seen
from features.clock import microseconds
from features.dataset import Dataset
from features.index import DIRECTIONS, UNDIRECTED, HistoryIndex
from features.scanners import scanned, without

MIN_TYPE_ROWS = 20  # an interaction type seen less often gets no features of its own


@dataclass(frozen=True)
class Histories:
    """Leads sorted so that the people of an account are neighbours, their companies and their interactions.

    `company_row` (leads,) points into `companies`, -1 where the company is not known.
    """

    leads: pd.DataFrame
    companies: pd.DataFrame
    company_row: npt.NDArray[np.intp]
    people: People
    attribute_changes: pd.DataFrame
    scanned: int = 0

    @classmethod
    def of(cls, dataset: Dataset, types: Sequence[str], mail: Sequence[str] = ()) -> Histories:
        """All histories of a dataset. Interactions of a type that is not among `types` count as "other".

        With `mail` roles (types,), what mail scanners made is left out; `scanned` counts it.
        """
        leads, account = by_account(dataset.leads)
        known = pd.Index(dataset.companies["company_id"])
        company_row = known.get_indexer(pd.Index(leads["company_id"]))
        history = _history(dataset.interactions, leads, types)
        machine = scanned(history, mail)
        people = People(account, microseconds(leads["created_at"]), without(history, machine))
        return cls(leads, dataset.companies, company_row, people, dataset.attribute_changes, int(machine.sum()))

    def __len__(self) -> int:
        return len(self.leads)

    @property
    def account(self) -> npt.NDArray[np.int32]:
        return self.people.account


def by_account(leads: pd.DataFrame) -> tuple[pd.DataFrame, npt.NDArray[np.int32]]:
    """Leads sorted by account and id, and the account code of each; a lead without company is its own account."""
    key = account_keys(leads)
    order = np.lexsort((leads["lead_id"].to_numpy(object), key.to_numpy(object)))
    codes = pd.factorize(key.iloc[order])[0].astype(np.int32)
    return leads.iloc[order].reset_index(drop=True), codes


def account_keys(leads: pd.DataFrame) -> pd.Series[str]:
    """The account of each lead as text, in whose order accounts stand."""
    company = leads["company_id"]
    return ("c:" + company).where(company.notna(), "l:" + leads["lead_id"])


def _history(interactions: pd.DataFrame, leads: pd.DataFrame, types: Sequence[str]) -> HistoryIndex:
    lead, _ = recode(interactions["lead_id"], leads["lead_id"])
    kind, _ = recode(interactions["type"], types)
    return HistoryIndex.build(
        len(leads),
        lead,
        microseconds(interactions["at"]),
        np.where(kind < 0, len(types), kind).astype(np.int32) * 3 + _directions(interactions["direction"]),
        interactions["value"].to_numpy(np.float64),
        np.asarray(interactions["content"].astype("category").cat.codes, np.int32),
    )


def _directions(given: pd.Series) -> npt.NDArray[np.int32]:
    """Codes of directions; what is neither in nor out has none."""
    codes, _ = recode(given, list(DIRECTIONS))
    known = np.array([*DIRECTIONS.values(), UNDIRECTED], np.int32)
    return known[codes]


def recode(values: pd.Series, names: Sequence[str] | pd.Series) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    """Values → their places in `names` (-1 where unknown), and which are known; each category is looked up once."""
    index = pd.Index(names)
    if isinstance(values.dtype, pd.CategoricalDtype):
        place = np.append(index.get_indexer(values.cat.categories.astype("str")), -1).astype(np.int32)
        codes = place[values.cat.codes.to_numpy()]
    else:
        codes = index.get_indexer(pd.Index(values.astype("str"))).astype(np.int32)
    return codes, codes >= 0


def _counts(names: pd.Series) -> dict[str, int]:
    """How often each name occurs; by its codes where it has some, which is a hundred times faster than by its text."""
    return {str(name): int(rows) for name, rows in names.value_counts().items()} if len(names) else {}


def seen_in(dataset: Dataset) -> Seen:
    """What features the data can carry."""
    interactions = dataset.interactions
    counts = _counts(interactions["type"])
    types = [name for name, rows in counts.items() if rows >= MIN_TYPE_ROWS]
    valued = _counts(interactions.loc[interactions["value"].notna(), "type"])
    company = dataset.leads["company_id"].dropna()
    return Seen(
        types=tuple(sorted(types, key=lambda name: (-counts[name], name))),
        valued=tuple(sorted(name for name, rows in valued.items() if rows >= MIN_TYPE_ROWS and name in types)),
        directions=frozenset(str(d) for d in interactions["direction"].dropna().unique()),
        contents=bool(interactions["content"].nunique() > 1),
        accounts=bool(company.duplicated().any()),
        dates=dataset.time == "dates",
    )
