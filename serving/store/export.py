"""The store as a dataset, so that training reads what the store knows."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Table, select

from features.common.clock import NO_MOMENT, timestamps
from features.common.errors import DataError
from features.dataset.dataset import Dataset
from serving.store.json_values import attributes, plain, unpacked
from serving.store.store import Store, scoring_moment
from serving.store.tables import attribute_changes, companies, deals, interactions, lead_stages, leads

SOURCE = "store"


def export(store: Store, now: int) -> Dataset:
    """Everything as it is known, extracted at the present moment of the store; events after it, and those that still wait
    for their lead, are left out. Of values with a history `leads` and `companies` have the newest.

    Raises
    ------
    StoreError, DataError
        where the database cannot be asked, or there are no leads.
    """
    with store.read() as connection:
        as_of = scoring_moment(connection, now)
        people = _rows(connection, leads)
        firms = _rows(connection, companies)
        changes = [row for row in _rows(connection, attribute_changes) if row["at"] <= as_of]
        stages = [row for row in _rows(connection, lead_stages) if row["at"] <= as_of]
        query = select(interactions).join(leads, leads.c.lead_id == interactions.c.lead_id)
        acts = pd.DataFrame(connection.execute(query.where(interactions.c.at <= as_of)).mappings().all())
        sold = pd.DataFrame(_rows(connection, deals), columns=[c.name for c in deals.columns])
    people = [row for row in people if row["created_at"] <= as_of]
    if not people:
        raise DataError(f"The store {store.masked_url} has no leads to export.", "Load a dataset, or send some: docs/store.md.")
    beginning = min(row["created_at"] for row in people)
    newest = _newest(changes)
    tables = {
        "leads": _moments(pd.DataFrame([_lead(row, newest) for row in people]), "created_at"),
        "companies": pd.DataFrame([_firm(row, newest) for row in firms], columns=None if firms else ["company_id"]),
        "lead_stages": _moments(pd.DataFrame(stages, columns=["lead_id", "lead_stage", "at"]), "at"),
        "interactions": _moments(
            acts[["lead_id", "type", "at", "value", "content", "campaign", "direction"]] if len(acts) else _no_acts(), "at"
        ),
        "deals": _moments(_moments(sold, "created_at"), "closed_at"),
        "attribute_changes": _moments(
            pd.DataFrame(
                [
                    {
                        "entity": row["entity"], "id": row["entity_id"], "column": row["name"],
                        # what held from the beginning is dated to the first lead: nobody is looked at before
                        "value": plain(unpacked(row["value"])), "at": max(row["at"], beginning),
                    }
                    for row in changes
                ],
                columns=["entity", "id", "column", "value", "at"],
            ),
            "at",
        ),
    }  # fmt: skip
    return Dataset.from_tables(tables, extracted_at=timestamps(np.array([as_of], np.int64))[0], source=SOURCE)


def _rows(connection: Connection, table: Table) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(select(table)).mappings()]


def _no_acts() -> pd.DataFrame:
    return pd.DataFrame(columns=["lead_id", "type", "at", "value", "content", "campaign", "direction"])


def _newest(changes: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, object]]:
    values: dict[tuple[str, str], dict[str, object]] = defaultdict(dict)
    for row in sorted(changes, key=lambda row: row["at"]):
        values[row["entity"], row["entity_id"]][row["name"]] = unpacked(row["value"])
    return values


def _lead(row: dict[str, Any], newest: dict[tuple[str, str], dict[str, object]]) -> dict[str, Any]:
    return {
        **attributes(row["attributes"]),
        **newest.get(("lead", row["lead_id"]), {}),
        **{name: row[name] for name in ("lead_id", "created_at", "company_id", "opted_out")},
    }


def _firm(row: dict[str, Any], newest: dict[tuple[str, str], dict[str, object]]) -> dict[str, Any]:
    company = row["company_id"]
    return {**attributes(row["attributes"]), **newest.get(("company", company), {}), "company_id": company}


def _moments(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Microseconds → UTC times."""
    if column not in frame:
        return frame
    times = np.array([NO_MOMENT if pd.isna(value) else int(value) for value in frame[column]], np.int64)
    return frame.assign(**{column: timestamps(times)})
