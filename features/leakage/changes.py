"""Columns whose history is recorded: their values at a point in time, and whether they were filled in after the fact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.attributes.point_in_time import Entity, values_at
from features.common.clock import NEVER, Moments, microseconds
from features.dataset.landmarks import Path
from features.leakage.verdict import Finding

MIN_ROWS = 20  # leads that reached the last lead stage and have a first value
AFTER = 0.5  # of them have it only since then: at best it is empty when it is needed
RECORDED = 0.5  # of the filled leads have a history, so that the column as a whole is known in time


@dataclass(frozen=True)
class History:
    """When a column was first filled: `first` (leads,), `NEVER` where no value was recorded; `recorded`: share of the filled
    leads that have a history."""

    first: Moments
    recorded: float


def histories(changes: pd.DataFrame, columns: Mapping[str, pd.Series], ids: Mapping[str, pd.Series]) -> dict[str, History]:
    """Per column ("lead.budget") with recorded changes; `columns`, and `ids` by entity, have a row a lead."""
    found = {}
    named = changes["entity"].astype("str") + "." + changes["column"].astype("str")
    for name in (n for n in columns if n in set(named)):
        mine = changes[(named == name).to_numpy() & changes["value"].notna().to_numpy()]
        at = pd.Series(microseconds(mine["at"]), dtype="int64").groupby(mine["id"].astype("str").to_numpy()).min()
        row = pd.Index(at.index).get_indexer(pd.Index(ids[name.partition(".")[0]]))
        first = np.where(row >= 0, np.append(at.to_numpy(np.int64), NEVER)[row], NEVER)
        there = columns[name].notna().to_numpy()
        found[name] = History(first, float((first[there] != NEVER).mean()) if there.any() else 0.0)
    return found


def known_at(
    name: str,
    values: pd.Series,
    changes: pd.DataFrame,
    ids: Mapping[str, pd.Series],
    rows: npt.NDArray[np.intp],
    as_of: Moments,
) -> pd.Series:
    """The values of a recorded column as features see them: for the leads `rows` (n,) at `as_of` (n,)."""
    entity, _, column = name.partition(".")
    every = pd.Series(ids[entity].dropna().unique())
    place = pd.Index(every).get_indexer(pd.Index(ids[entity].iloc[rows]))
    then = values_at(changes, cast("Entity", entity), column, every, place.astype(np.intp), as_of)
    now = values.iloc[rows].astype("object").tolist()
    found = pd.Series([n if t is ... else t for n, t in zip(now, then, strict=True)], dtype="object")
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    return pd.to_numeric(found, errors="coerce") if numeric else found


def after_the_fact(history: History, path: Path, final: str) -> Finding | None:
    """A finding where most of those who reached the last lead stage have the column since then only."""
    end = path.reached[:, -1]
    both = (end != NEVER) & (history.first != NEVER)
    late, count = int((history.first[both] >= end[both]).sum()), int(both.sum())
    if count < MIN_ROWS or late < AFTER * count:
        return None
    return Finding("block", f"filled in after the fact: for {late:,} of {count:,} leads only once they had become {final}")
