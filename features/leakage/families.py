"""Families: columns of one system that judge the same leads together, such as a vendor's scores and indices."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.leakage.names import judges
from features.leakage.strength import Ints

FEWEST = 2
ALIKE_SHARE = 0.995  # of the rows in which all are filled or all are empty
MOVES = 0.3  # share of its entropy that the nearest other one removes, where none is ever empty


def families(columns: Mapping[str, pd.Series], level: Mapping[str, Ints]) -> list[list[str]]:
    """Columns that begin with the same word, half of them judgements by name, and that are filled for the same leads or, never
    empty, move together."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name in columns:
        entity, _, column = name.partition(".")
        parts = re.findall(r"[^\W_]+", column)
        if len(parts) > 1:
            groups.setdefault((entity, parts[0].casefold()), []).append(name)
    return [
        family
        for group in groups.values()
        for family in _filled_alike({name: columns[name] for name in group})
        if len(family) >= FEWEST and _hang_together(family, columns, level)
    ]


def _filled_alike(group: Mapping[str, pd.Series]) -> list[list[str]]:
    """The members, sorted by for which leads they are filled."""
    groups: list[list[str]] = []
    for name, values in group.items():
        is_filled = values.notna().to_numpy()
        home = next((f for f in groups if (group[f[0]].notna().to_numpy() == is_filled).mean() >= ALIKE_SHARE), None)
        if home is None:
            groups.append([name])
        else:
            home.append(name)
    return groups


def _hang_together(family: list[str], columns: Mapping[str, pd.Series], level: Mapping[str, Ints]) -> bool:
    if sum(judges(name.partition(".")[2]) for name in family) < len(family) / 2:
        return False
    if columns[family[0]].isna().mean() > 1 - ALIKE_SHARE:
        return True
    return all(max(shared(level[a], level[b]) for b in family if b != a) >= MOVES for a in family)


def shared(a: Ints, b: Ints) -> float:
    """Share of the entropy of `a` (n,) that `b` (n,) removes (Theil's U): 0 none, 1 all.

    >>> shared(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0])), shared(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))
    (1.0, 0.0)
    """
    table = np.zeros((int(a.max()) + 1, int(b.max()) + 1))
    np.add.at(table, (a, b), 1.0)
    joint = table / table.sum()
    marginal_a, marginal_b = joint.sum(axis=1), joint.sum(axis=0)
    entropy = -float((marginal_a[marginal_a > 0] * np.log(marginal_a[marginal_a > 0])).sum())
    if entropy <= 0:
        return 0.0
    nonzero = joint > 0
    return float((joint[nonzero] * np.log(joint[nonzero] / np.outer(marginal_a, marginal_b)[nonzero])).sum()) / entropy
