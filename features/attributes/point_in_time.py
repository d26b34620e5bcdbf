"""Attributes as they were at the point in time as_of: `attribute_changes` where a source has them, else as extracted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.common.clock import Moments, microseconds

Entity = Literal["lead", "company"]


def changed_columns(changes: pd.DataFrame, entity: Entity) -> set[str]:
    """The columns of this entity that have a history."""
    return set(changes.loc[changes["entity"] == entity, "column"].unique())


def values_at(
    changes: pd.DataFrame, entity: Entity, column: str, ids: pd.Series, rows: npt.NDArray[np.intp], as_of: Moments
) -> Sequence[object]:
    """Values of `column` at as_of (n,) for the entities `ids[rows]` (n,); `ids` has the entity's key per row of its table.

    The value is that of the last change before as_of. An entity with changes but none yet at as_of has no known value (None):
    what it is today would be data leakage. Entities without any change have `...` (Ellipsis): as extracted.
    """
    column_changes = changes[(changes["entity"] == entity) & (changes["column"] == column)]
    row = pd.Index(ids).get_indexer(pd.Index(column_changes["id"].astype("str")))
    known_mask = row >= 0
    row, time = row[known_mask], microseconds(column_changes["at"])[known_mask]
    values = column_changes["value"].to_numpy(object)[known_mask]
    order = np.lexsort((time, row))
    row, time, values = row[order], time[order], values[order]
    begin = np.searchsorted(row, rows)
    end = np.searchsorted(row, rows, side="right")
    known_values: list[object] = []
    for i, (low, high) in enumerate(zip(begin.tolist(), end.tolist(), strict=True)):
        if low == high:
            known_values.append(...)
            continue
        next_change = low + int(np.searchsorted(time[low:high], as_of[i]))
        known_values.append(values[next_change - 1] if next_change > low else None)
    return known_values
