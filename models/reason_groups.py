"""Columns that tell one story are a group: what each group moves a lead, and the column that speaks for it."""

from __future__ import annotations

from typing import Any

import numpy as np

from features.common.compiled import compiled, inlined


@inlined
def _add_up(contributions: Any, groups: Any, effects: Any) -> Any:
    """The effects of all groups, and the sum of all contributions (features + 1,), the constant too."""
    effects[:] = 0.0
    total = contributions[len(groups)]
    for j in range(len(groups)):
        effects[groups[j]] += contributions[j]
        total += contributions[j]
    return total


@inlined
def _speaker(contributions: Any, groups: Any, group: Any, moved: Any) -> Any:
    """The member of a group that moved most in the direction of the whole, which `moved` says; of equals the first."""
    direction, speaker = np.sign(moved), -1
    for j in range(len(groups)):
        if groups[j] == group and (speaker < 0 or contributions[j] * direction > contributions[speaker] * direction):
            speaker = j
    return speaker


@compiled
def strongest(contributions: Any, groups: Any, effects: Any, speaker: Any, effect: Any) -> Any:
    """The groups that move a lead most (reasons,): what each adds, and the column that speaks for it, -1 where none is left.

    `effects` is room for all groups; the sum of all `contributions` (features + 1,) is returned.
    """
    total = _add_up(contributions, groups, effects)
    for rank in range(len(speaker)):
        best = 0
        for g in range(1, len(effects)):
            if abs(effects[g]) > abs(effects[best]):
                best = g
        moved = effects[best]
        effect[rank] = moved
        speaker[rank] = -1
        if moved != 0.0:
            speaker[rank] = _speaker(contributions, groups, best, moved)
            effects[best] = 0.0
    return total
