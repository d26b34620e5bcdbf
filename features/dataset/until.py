"""A dataset as it was at an earlier moment: what is known of later is taken out of it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from features.dataset.dataset import Dataset
from features.dataset.tables import TABLES, concat_frames, with_columns

MOMENTS = {"leads": "created_at", "interactions": "at", "lead_stages": "at", "deals": "created_at"}
OF_LEADS = ("interactions", "lead_stages", "deals")


def known_until(dataset: Dataset, until: pd.Timestamp) -> tuple[Dataset, int]:
    """A dataset as it was at a moment, and how many rows were not there yet: later leads and all that happened later.

    Deals that closed later are open; values that changed later are as they were, missing where nobody knows. Who opted out by
    now stays so.
    """
    if dataset.extracted_at <= until:
        return dataset, 0
    tables, removed = dict(dataset.tables), 0
    for name, column in MOMENTS.items():
        late = (tables[name][column] > until).to_numpy()
        removed += int(late.sum())
        tables[name] = tables[name][~late] if late.any() else tables[name]
    later_leads = set(dataset.leads["lead_id"]) - set(tables["leads"]["lead_id"])
    for name in OF_LEADS if later_leads else ():  # what they did before they were leads goes with them
        tables[name] = tables[name][~tables[name]["lead_id"].isin(later_leads)]
    deals = tables["deals"]
    closed_later = deals["closed_at"] > until
    status = deals["status"].astype("str").mask(closed_later, "open")
    tables["deals"] = deals.assign(closed_at=deals["closed_at"].mask(closed_later), status=status)
    changes = dataset.attribute_changes
    for entity, name in (("lead", "leads"), ("company", "companies")):
        tables[name] = _values_then(entity, name, tables[name], changes, until)
    earlier_changes = changes[changes["at"] <= until]
    tables["attribute_changes"] = concat_frames([earlier_changes, _opted_in_then(tables["leads"], changes, until)])
    meta: dict[str, Any] = {"source": dataset.source, "time": dataset.time, "without_history": dataset.without_history}
    return Dataset.from_tables(tables, extracted_at=until, **meta), removed


def _values_then(entity: str, name: str, frame: pd.DataFrame, changes: pd.DataFrame, until: pd.Timestamp) -> pd.DataFrame:
    """The table without the values that came after a moment: what they were before stands in the changes."""
    later = changes[(changes["entity"] == entity) & (changes["at"] > until) & (changes["column"] != "opted_out")]
    ids = frame[TABLES[name].key or ""].astype("str")
    columns = {}
    for column, rows in later.groupby("column"):
        if column in frame:
            values = frame[column].astype("boolean") if frame[column].dtype == bool else frame[column]
            columns[str(column)] = values.mask(ids.isin(set(rows["id"].astype("str"))).to_numpy())
    return with_columns(frame, columns)


def _opted_in_then(leads: pd.DataFrame, changes: pd.DataFrame, until: pd.Timestamp) -> pd.DataFrame:
    """That who opted out later, and of whom nothing earlier is recorded, had not before: the flag itself stays, lest anybody be
    written to."""
    of_flag = changes[(changes["entity"] == "lead") & (changes["column"] == "opted_out")]
    later = of_flag["at"] > until
    names = set(of_flag["id"][later]) - set(of_flag["id"][~later])
    new_leads = leads[leads["lead_id"].isin(names)]
    columns = {"entity": "lead", "id": new_leads["lead_id"].astype("str"), "column": "opted_out", "value": "false"}
    return pd.DataFrame({**columns, "at": new_leads["created_at"]})
