"""How earlier leads of a category's levels did, in the place of the level: a category of any number of levels as one number.

A column of kind "level" (`features.attributes.encoders`) says which level it is. Before any learner sees it, the number of
that level comes in its place: log-odds of the outcome among those that came before, minus those of all, shrunk
(`training.fit.level_statistics`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.common.compiled import compiled
from models.common.types import Floats, Matrix, Signs


@dataclass(frozen=True)
class LevelEffects:
    """`tables` by column: the number (levels,) of each level that was seen in training; any other has 0, as all leads together
    have. A missing value stays missing. Columns `hidden`, which are for other targets, are 0 in all rows: no learner sees them.
    """

    tables: Mapping[int, Floats]
    hidden: tuple[int, ...] = ()

    @classmethod
    def merged(cls, parts: Sequence[LevelEffects]) -> LevelEffects:
        """Those of several targets as one: each column as the target has it that it is for."""
        return cls({column: table for part in parts for column, table in part.tables.items()})

    def apply(self, x: Matrix) -> Matrix:
        """x (n, features) with numbers in the place of levels; `x` itself where no column has levels."""
        if not self.tables and not self.hidden:
            return x
        out = x.copy()
        for column, table in self.tables.items():
            out[:, column] = effects_of(x[:, column], table)
        out[:, list(self.hidden)] = 0.0
        return out

    def to_dict(self) -> dict[str, Any]:
        return {
            "tables": {str(column): table.tolist() for column, table in self.tables.items()},
            "hidden": list(self.hidden),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> LevelEffects:
        tables = {int(column): np.array(table, np.float64) for column, table in saved["tables"].items()}
        return cls(tables, tuple(saved["hidden"]))


NO_LEVELS = LevelEffects({})


def hidden_levels(levels: Signs | None) -> LevelEffects:
    """All columns of levels (features,) hidden: for learners that do without them."""
    return NO_LEVELS if levels is None else LevelEffects({}, tuple(np.flatnonzero(levels).tolist()))


def effects_of(level: Matrix, table: Floats) -> Matrix:
    """Levels (n,) → their numbers (n,)."""
    out = np.empty(len(level), level.dtype)
    _look_up(np.ascontiguousarray(level), table, out)
    return out


@compiled
def _look_up(level: Any, table: Any, out: Any) -> None:
    for i in range(len(level)):
        out[i] = level_effect(level[i], table)


@compiled
def level_effect(level: Any, table: Any) -> Any:
    """The number of one level; NaN stays NaN."""
    if np.isnan(level):
        return np.nan
    return table[int(level)] if level < len(table) else 0.0
