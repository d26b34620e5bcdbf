"""What peers see: attributes as they came by the landmark, with all levels of categories, and the history's features.

The model's own encoders keep some levels, drop some columns and read titles and dates their way. A peer that saw only what they
leave could not tell when they lose something.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.common.clock import DAY, NO_MOMENT, microseconds
from features.dataset.landmarks import Landmarks
from features.engine.build import attribute
from features.engine.histories import Histories
from models.common.types import Floats
from training.data.prepare import Prepared

Rows = npt.NDArray[np.intp]

OURS = {"lead_id", "company_id", "created_at", "opted_out"}  # ids, and what features and policy are made of
MOST_DISTINCT, ID_LEVELS = 0.5, 20  # levels per known value: a column of more, and of more than a few, holds ids or texts


@dataclass(frozen=True)
class Column:
    """An attribute: `kind` is category, number or date; `levels` of a category, the commonest first."""

    entity: str
    name: str
    kind: str
    levels: tuple[str, ...] = ()

    def values(self, histories: Histories, looks: Landmarks) -> Floats:
        """(n,) at these landmarks: codes of categories, NaN for missing and for levels that are new; days since a date."""
        raw = attribute(histories, looks, self.entity, self.name)
        if self.kind == "category":
            codes = {level: float(code) for code, level in enumerate(self.levels)}
            return np.array([np.nan if value is None else codes.get(str(value), np.nan) for value in raw], np.float64)
        if self.kind == "date":
            at = microseconds(pd.Series(pd.to_datetime(pd.Series(raw, dtype="object"), utc=True), dtype="datetime64[us, UTC]"))
            # a day after the landmark was not known at it: peers see the future as little as the model does
            return np.where((at == NO_MOMENT) | (at >= looks.as_of), np.nan, (looks.as_of - at) / DAY)
        return np.asarray(pd.to_numeric(pd.Series(raw, dtype="object"), errors="coerce"), np.float64)


@dataclass(frozen=True)
class RawView:
    """The columns that peers see: `categories`, `others`, then the history's features, the lead stage and the points."""

    categories: tuple[Column, ...]
    others: tuple[Column, ...]

    @classmethod
    def learn(cls, prepared: Prepared, exclude: tuple[str, ...]) -> RawView:
        """From all leads and companies known at an origin; columns `exclude` leak."""
        histories = prepared.histories
        columns = []
        for entity, table in (("lead", histories.leads), ("company", histories.companies)):
            columns += [_column(entity, str(n), table[n]) for n in table.columns if n not in OURS and n not in exclude]
        used = [column for column in columns if column]
        return cls(
            tuple(c for c in used if c.kind == "category"),
            tuple(c for c in used if c.kind != "category"),
        )

    @property
    def sizes(self) -> tuple[int, ...]:
        """Levels of each category; their codes are the first columns."""
        return tuple(len(c.levels) for c in self.categories)

    def matrix(self, prepared: Prepared, rows: Rows) -> Floats:
        """(m, columns) at landmarks `rows` (m,)."""
        looks = prepared.looks.take(rows)
        attributes = [c.values(prepared.histories, looks) for c in (*self.categories, *self.others)]
        history = prepared.rows[prepared.feature_set.attribute_columns : prepared.width, rows]
        return np.column_stack([*attributes, *history, looks.stage, prepared.points.points[rows]]).astype(np.float64)


def _column(entity: str, name: str, values: pd.Series[Any]) -> Column | None:
    """What a column is; None for one that is empty or of ids."""
    filled = values.dropna()
    if filled.nunique() < 2:
        return None
    if pd.api.types.is_bool_dtype(values.dtype):
        return Column(entity, name, "number")
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return Column(entity, name, "date")
    if pd.api.types.is_numeric_dtype(values.dtype):
        return Column(entity, name, "number")
    counts = filled.astype("str").value_counts()
    if len(counts) > max(MOST_DISTINCT * len(filled), ID_LEVELS):
        return None
    return Column(entity, name, "category", tuple(counts.sort_index().sort_values(ascending=False, kind="stable").index))
