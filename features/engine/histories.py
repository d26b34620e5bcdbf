"""From the tables of a dataset to the arrays of the engine: leads in account order, interactions as codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.attributes.point_in_time import Entity, changed_columns
from features.catalogue import DataProfile
from features.common.clock import Moments, microseconds
from features.common.codes import by_category, gather, recode
from features.common.threads import begin, side_by_side
from features.dataset.dataset import Dataset
from features.dataset.tables import MIN_TYPE_ROWS
from features.dataset.tally import Tally
from features.engine.index import DIRECTIONS, UNDIRECTED, HistoryIndex
from features.engine.people import People
from features.engine.scanners import drop_rows, scanner_mask
from features.turning_away import BY_NAME, TurningAway

T = TypeVar("T")


@dataclass(frozen=True)
class Histories:
    """Leads sorted so that the people of an account are neighbours, their companies and their interactions.

    `row` (leads,): which of the dataset's leads each is; `company_row` (leads,) points into `companies`, -1 where the company
    is not known.
    """

    leads: pd.DataFrame
    companies: pd.DataFrame
    row: npt.NDArray[np.intp]
    company_row: npt.NDArray[np.intp]
    account: npt.NDArray[np.int32]
    created: Moments
    attribute_changes: pd.DataFrame
    indexed: Callable[[], tuple[HistoryIndex, int]]  # the index, and how many interactions mail scanners made

    @classmethod
    def from_dataset(
        cls,
        dataset: Dataset,
        types: Sequence[str],
        mail: Sequence[str] = (),
        turning_away: TurningAway = BY_NAME,
        lead_rows: npt.NDArray[np.intp] | None = None,
        threads: int = 1,
        background: bool = False,
    ) -> Histories:
        """All histories of a dataset, or those of the leads at `lead_rows` (n,), which must be whole accounts. Interactions of
        a type that is not among `types` count as "other", or as other ones that turn away.

        With `mail` roles (types,), what mail scanners made is left out; `scanner_rows` counts it. `threads`: at most so many
        for the index of the interactions; `background`: it is made in a thread of its own, and only who asks for `people` waits
        for it.
        """
        row, account = account_order(dataset.leads if lead_rows is None else dataset.leads.iloc[lead_rows])
        row = row if lead_rows is None else lead_rows[row]
        leads = dataset.leads.iloc[row].reset_index(drop=True)
        company_row = recode(leads["company_id"], dataset.companies["company_id"])[0].astype(np.intp)

        def index() -> tuple[HistoryIndex, int]:
            history = _history(dataset.interactions, leads, types, turning_away, threads)
            machine = scanner_mask(history, mail, threads)
            return drop_rows(history, machine, threads), int(machine.sum())

        created = microseconds(leads["created_at"])
        indexed = begin(index) if background else _ready(index())
        return cls(leads, dataset.companies, row, company_row, account, created, dataset.attribute_changes, indexed)

    @cached_property
    def people(self) -> People:
        """What the engine looks at."""
        return People(self.account, self.created, self.indexed()[0])

    @property
    def scanner_rows(self) -> int:
        """Interactions that mail scanners made, which are left out."""
        return self.indexed()[1]

    def __len__(self) -> int:
        return len(self.leads)

    @cached_property
    def changed(self) -> Mapping[Entity, Set[str]]:
        """Of leads and companies, the columns that have a history."""
        return {
            "lead": changed_columns(self.attribute_changes, "lead"),
            "company": changed_columns(self.attribute_changes, "company"),
        }


def _ready(result: T) -> Callable[[], T]:
    return lambda: result


def by_account(leads: pd.DataFrame) -> tuple[pd.DataFrame, npt.NDArray[np.int32]]:
    """Leads sorted by account and id, and the account code of each; a lead without company is its own account."""
    order, account = account_order(leads)
    return leads.iloc[order].reset_index(drop=True), account


def account_order(leads: pd.DataFrame) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int32]]:
    """The rows (leads,) in the order of account and id, and the account code of each then."""
    account_of, lead_id = (pa.array(keys.astype("str")) for keys in (account_keys(leads), leads["lead_id"]))
    keys = pa.table({"account": account_of, "lead": lead_id})
    order = pc.sort_indices(keys, [("account", "ascending"), ("lead", "ascending")])
    account = pc.take(keys["account"].combine_chunks(), order).dictionary_encode().indices
    return order.to_numpy().astype(np.intp), account.to_numpy().astype(np.int32)


def account_keys(leads: pd.DataFrame) -> pd.Series[str]:
    """The account of each lead as text, in whose order accounts stand."""
    company = leads["company_id"]
    return ("c:" + company).where(company.notna(), "l:" + leads["lead_id"])


def _history(
    interactions: pd.DataFrame, leads: pd.DataFrame, types: Sequence[str], turning_away: TurningAway, threads: int
) -> HistoryIndex:
    """The index of these leads' interactions; those of others are passed over."""

    def lead() -> npt.NDArray[np.int32]:
        return recode(interactions["lead_id"], leads["lead_id"])[0]

    def kind() -> npt.NDArray[np.int32]:
        kinds, directions = (interactions[name].astype("category") for name in ("type", "direction"))
        of_type = by_category(kinds, types)
        for other in np.flatnonzero(of_type[:-1] < 0).tolist():
            of_type[other] = len(types) + turning_away.of_other(str(kinds.cat.categories[other]))
        of_type[-1] = len(types)
        # what is neither in nor out has no direction
        of_direction = np.array([*DIRECTIONS.values(), UNDIRECTED], np.int32)[by_category(directions, list(DIRECTIONS))]
        codes = gather(of_type * np.int32(3), kinds.cat.codes.to_numpy())
        codes += gather(of_direction, directions.cat.codes.to_numpy())
        return codes

    def content() -> npt.NDArray[np.int32]:
        return interactions["content"].astype("category").cat.codes.to_numpy().astype(np.int32)

    of_lead, kind_codes, contents = side_by_side(lambda column: column(), [lead, kind, content], threads)
    times, value = microseconds(interactions["at"]), interactions["value"].to_numpy(np.float64)
    return HistoryIndex.build(len(leads), of_lead, times, kind_codes, value, contents, threads)


def data_profile(dataset: Dataset, tally: Tally | None = None, turning_away: TurningAway | None = None) -> DataProfile:
    """What features the data can carry; `tally` is of interactions that `dataset` does not hold, `turning_away` of its types;
    without it, names say which turn away."""
    tally = tally or Tally.of_frame(dataset.interactions)
    away = turning_away or TurningAway.among(tally.types)
    types = [name for name, rows in tally.types.items() if rows >= MIN_TYPE_ROWS]
    return DataProfile(
        types=tuple(sorted(types, key=lambda name: (-tally.types[name], name))),
        valued=tuple(sorted(name for name, rows in tally.valued.items() if rows >= MIN_TYPE_ROWS and name in types)),
        directions=frozenset(tally.directions),
        contents=len(tally.contents) > 1,
        accounts=bool(dataset.leads["company_id"].dropna().duplicated().any()),
        dates=dataset.time == "dates",
        turning_away=away,
        away_together=len(away.types) > 1 and sum(tally.types.get(name, 0) for name in away.types) >= MIN_TYPE_ROWS,
    )
