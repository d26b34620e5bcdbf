"""All boosters of a model as one: what a lead's values decide is worked out once, and each tree looks up what that adds.

A *condition* is a threshold of a column; the same one stands at many nodes of many trees. For a lead all conditions are
answered first, column by column; the answers at a tree's nodes make its pattern, and of a small tree the sum and the
contributions of every pattern are written down beforehand (`models.shapley`).
"""

# ruff: noqa: PLR0917  compiled code takes arrays one by one

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from features.compiled import compiled, exact, inlined
from models.gbm import Gbm
from models.shapley import POINTS, SMALL, WORD, Ready, Shapley, Walk, down_and_up
from models.trees import MISSING_NAN, MISSING_ZERO, ZERO, Links, Nodes, Trees
from models.types import Floats

Ints = npt.NDArray[np.int32]
EIGHT = 8  # nodes of a small tree, at the most: their answers are put together without asking how many there are


class Conditions(NamedTuple):
    """Distinct conditions, sorted by column. `begin` (columns asked + 1,): where those of `column` and kind of `missing` value
    begin; `node` (nodes,): the condition of each node; `eight` (trees × 8,): those of a small tree's nodes, filled up with one
    that is never answered by left."""

    begin: Ints
    column: Ints
    missing: npt.NDArray[np.uint8]
    threshold: Floats
    default_left: npt.NDArray[np.uint8]
    node: Ints
    eight: Ints


class Sums(NamedTuple):
    """`average` (trees,) of each. `table`, from `places` on (-1: not small), has the sum for each pattern of a small tree."""

    average: Floats
    places: npt.NDArray[np.int64]
    table: Floats


@dataclass(frozen=True)
class Forest:
    """Boosters, tree after tree; `begin` (boosters + 1,): where the trees of each begin."""

    begin: npt.NDArray[np.int64]
    conditions: Conditions
    nodes: Nodes
    links: Links
    walk: Walk
    ready: Ready
    sums: Sums

    @classmethod
    def of(cls, boosters: Sequence[Gbm]) -> Forest:
        """Of boosters that have `Gbm.shapley`."""
        parts = [b.shapley.trees for b in boosters if b.shapley]
        made = Shapley.of(Trees.joined(parts))
        assert made is not None  # noqa: S101  each of them could be made ready
        nodes, links = made.trees.nodes, made.trees.links
        inner = np.diff(nodes.begin)
        sizes = np.where(inner <= SMALL, 1 << np.minimum(inner, SMALL), 0)
        sums = Sums(
            made.averages,
            np.where(inner <= SMALL, np.cumsum(sizes) - sizes, -1).astype(np.int64),
            np.zeros(int(sizes.sum())),
        )
        _sum_up(nodes, links, sums)
        begin = np.cumsum([0, *(len(t) for t in parts)]).astype(np.int64)
        return cls(begin, _conditions(nodes), nodes, links, made.walk, made.ready, sums)


def _conditions(nodes: Nodes) -> Conditions:
    keys = np.stack(
        [
            nodes.feature.astype(np.float64),
            nodes.missing.astype(np.float64),
            nodes.threshold,
            nodes.default_left.astype(np.float64),
        ]
    )
    distinct, node = np.unique(keys, axis=1, return_inverse=True)
    new = np.ones(distinct.shape[1], bool)
    new[1:] = (distinct[:2, 1:] != distinct[:2, :-1]).any(axis=0)
    first = np.flatnonzero(new)
    condition = np.asarray(node, np.int32).ravel()
    eight = np.full((len(nodes.begin) - 1, EIGHT), distinct.shape[1], np.int32)
    for tree, (begin, end) in enumerate(pairwise(nodes.begin.tolist())):
        if end - begin <= EIGHT:
            eight[tree, : end - begin] = condition[begin:end]
    return Conditions(
        np.append(first, distinct.shape[1]).astype(np.int32),
        distinct[0, first].astype(np.int32),
        distinct[1, first].astype(np.uint8),
        np.ascontiguousarray(distinct[2]),
        distinct[3].astype(np.uint8),
        condition,
        eight.ravel(),
    )


@exact
def _sum_up(nodes: Any, links: Any, sums: Any) -> None:
    """Every pattern of every small tree."""
    for tree in range(len(links.root)):
        if sums.places[tree] >= 0:
            begin = nodes.begin[tree]
            for pattern in range(1 << (nodes.begin[tree + 1] - begin)):
                node = links.root[tree]
                while node >= 0:
                    node = links.left[node] if (pattern >> (node - begin)) & 1 else links.right[node]
                sums.table[sums.places[tree] + pattern] = links.value[~node]


@compiled
def answer(row: Any, conditions: Any, answers: Any) -> None:
    """LightGBM's decisions for one row (features,) at every condition: 1 for left."""
    answers[len(conditions.threshold)] = 0
    for group in range(len(conditions.column)):
        value: Any = np.float64(row[conditions.column[group]])
        missing = conditions.missing[group]
        begin, end = conditions.begin[group], conditions.begin[group + 1]
        unknown = np.isnan(value)
        if unknown and missing != MISSING_NAN:
            value = 0.0
        if (unknown and missing == MISSING_NAN) or (missing == MISSING_ZERO and abs(value) <= ZERO):
            for c in range(begin, end):
                answers[c] = conditions.default_left[c]
        else:
            for c in range(begin, end):
                answers[c] = value <= conditions.threshold[c]


@inlined
def scratch() -> Any:
    """Room for one tree that is not small."""
    places = 2 * WORD + 1
    return np.empty(places * POINTS), np.empty(places * POINTS), np.empty(places, np.uint8), np.empty(WORD)


@compiled
def add_trees(
    begin: int, end: int, answers: Any, conditions: Any, nodes: Any, links: Any, walk: Any, ready: Any, sums: Any, room: Any,
    explained: bool, weight: float, into: Any,
) -> float:  # fmt: skip
    """The sum of the trees `begin` … `end`; when `explained` their contributions are added to `into`, times `weight`."""
    product, total, state, added = room
    found = 0.0
    for tree in range(begin, end):
        word = np.uint64(0)
        if sums.places[tree] >= 0:
            e, at = conditions.eight, tree * EIGHT
            low = answers[e[at]] | answers[e[at + 1]] << 1 | answers[e[at + 2]] << 2 | answers[e[at + 3]] << 3
            high = answers[e[at + 4]] | answers[e[at + 5]] << 1 | answers[e[at + 6]] << 2 | answers[e[at + 7]] << 3
            word = np.uint64(low | high << 4)
            found += sums.table[sums.places[tree] + np.int64(word)]
        else:
            first, node = nodes.begin[tree], conditions.node
            for n in range(first, nodes.begin[tree + 1]):
                word |= np.uint64(answers[node[n]]) << np.uint64(n - first)
            here = links.root[tree]
            while here >= 0:
                here = links.left[here] if answers[node[here]] else links.right[here]
            found += links.value[~here]
        if not explained:
            continue
        start, width = ready.used[tree], ready.used[tree + 1] - ready.used[tree]
        if ready.tables[tree] >= 0:
            entry = ready.tables[tree] + np.int64(word) * width
            for u in range(width):
                into[ready.columns[start + u]] += weight * ready.table[entry + u]
        else:
            added[:width] = 0.0
            down_and_up(tree, word, walk, ready, product, total, state, added)
            for u in range(width):
                into[ready.columns[start + u]] += weight * added[u]
    return found
