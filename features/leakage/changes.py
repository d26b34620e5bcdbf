"""Columns whose history is recorded: their values at a point in time, and whether they were filled in after the fact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.attributes.point_in_time import Entity, values_at
from features.attributes.values import read_flag
from features.common.clock import NO_MOMENT, Moments, microseconds
from features.dataset.landmarks import Path
from features.leakage.verdict import Finding

MIN_ROWS = 20  # leads that reached the last lead stage and have a first value
LATE_SHARE = 0.5  # of them have it only since then: at best it is empty when it is needed
RECORDED = 0.5  # of the filled leads have a history, so that the column as a whole is known in time


@dataclass(frozen=True)
class History:
    """When a column was first filled: `first_filled` (leads,), `NO_MOMENT` where no value was recorded; `recorded`: share of
    the filled leads that have a history."""

    first_filled: Moments
    recorded: float


def histories(changes: pd.DataFrame, columns: Mapping[str, pd.Series], ids: Mapping[str, pd.Series]) -> dict[str, History]:
    """Per column ("lead.budget") with recorded changes; `columns`, and `ids` by entity, have a row a lead."""
    by_column = {}
    change_names = changes["entity"].astype("str") + "." + changes["column"].astype("str")
    for name in (n for n in columns if n in set(change_names)):
        filled_changes = changes[(change_names == name).to_numpy() & changes["value"].notna().to_numpy()]
        first_moments = (
            pd.Series(microseconds(filled_changes["at"]), dtype="int64")
            .groupby(filled_changes["id"].astype("str").to_numpy())
            .min()
        )
        row = pd.Index(first_moments.index).get_indexer(pd.Index(ids[name.partition(".")[0]]))
        first_filled = np.where(row >= 0, np.append(first_moments.to_numpy(np.int64), NO_MOMENT)[row], NO_MOMENT)
        is_filled = columns[name].notna().to_numpy()
        by_column[name] = History(
            first_filled, float((first_filled[is_filled] != NO_MOMENT).mean()) if is_filled.any() else 0.0
        )
    return by_column


def values_as_of(
    name: str,
    values: pd.Series,
    changes: pd.DataFrame,
    ids: Mapping[str, pd.Series],
    rows: npt.NDArray[np.intp],
    as_of: Moments,
) -> pd.Series:
    """The values of a recorded column as features see them: for the leads `rows` (n,) at `as_of` (n,)."""
    entity, _, column = name.partition(".")
    unique_ids = pd.Series(ids[entity].dropna().unique())
    id_rows = pd.Index(unique_ids).get_indexer(pd.Index(ids[entity].iloc[rows]))
    past_values = values_at(changes, cast("Entity", entity), column, unique_ids, id_rows.astype(np.intp), as_of)
    current_values = values.iloc[rows].astype("object").tolist()
    known_values = pd.Series([n if t is ... else t for n, t in zip(current_values, past_values, strict=True)], dtype="object")
    if pd.api.types.is_bool_dtype(values):  # changes are text
        return known_values.map(lambda value: {1.0: True, 0.0: False}.get(read_flag(value)))
    if pd.api.types.is_numeric_dtype(values):
        return pd.to_numeric(known_values, errors="coerce")
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return pd.to_datetime(known_values, errors="coerce", utc=True, format="ISO8601")
    return known_values


def late_fill_finding(history: History, path: Path, final: str) -> Finding | None:
    """A finding where most of those who reached the last lead stage have the column since then only."""
    end = path.first_reached[:, -1]
    comparable = (end != NO_MOMENT) & (history.first_filled != NO_MOMENT)
    late_count, count = int((history.first_filled[comparable] >= end[comparable]).sum()), int(comparable.sum())
    if count < MIN_ROWS or late_count < LATE_SHARE * count:
        return None
    return Finding(
        "block", f"filled in after the fact: for {late_count:,} of {count:,} leads only once they had become {final}"
    )
