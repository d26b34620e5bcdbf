"""Which way a row goes at all nodes of all trees, told from what is usual: only what is unusual about the row costs time.

A *word* has a bit for each node of a tree, set where the row goes left. In place of asking every node, the words begin as they
are for a usual value of each column; the row's own value then turns the nodes whose threshold lies between the two. Most leads
have done few of all the things that could be done, so that most columns turn nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from features.common.compiled import inlined
from models.common.types import Floats
from models.learners.trees import MISSING_NAN, MISSING_ZERO, ZERO, Trees

Ints = npt.NDArray[np.int64]
PLACE_BITS = 6  # of a node within its tree


class Switches(NamedTuple):
    """The nodes of some sets of trees by column, kind of missing value and threshold: a *group* has the first two in common.

    `groups` (sets + 1,): where the groups of each set begin; `column`, `missing` (groups,). `limits` (groups + 1,):
    where their distinct thresholds begin; `starts` (thresholds + 1,): where the `nodes` of each begin, as tree × 64 + place.
    `rank` (groups,): the threshold below which a usual value lies, counted over all; `absent` (groups,): 1 where it is usual
    that the value is missing; `missing_nodes`, from `missing_begin` on (groups + 1,): nodes that send a missing value the other
    way than a usual one. `words` (trees,): what is usual. Values above `low` and up to `high` (groups,) turn nothing.
    """

    groups: Ints
    column: Ints
    missing: Ints
    limits: Ints
    starts: Ints
    nodes: Ints
    rank: Ints
    absent: Ints
    missing_begin: Ints
    missing_nodes: Ints
    words: Ints
    threshold: Floats
    low: Floats
    high: Floats

    @classmethod
    def from_trees(cls, trees: Trees, begins: Ints) -> Switches:
        """Of trees with at most 64 nodes each; a set i has the trees from `begins[i]` on. What is usual is so for all sets."""
        nodes = trees.nodes
        size = np.diff(nodes.begin)
        tree = np.repeat(np.arange(len(size)), size)
        position = np.arange(len(tree)) - nodes.begin[tree]
        default = nodes.default_left.astype(bool)
        value, absent = _usual_values(trees)
        left_bits = np.where(absent, default, value <= nodes.threshold).astype(np.uint64)
        words = np.zeros(len(size), np.uint64)
        np.bitwise_or.at(words, tree, left_bits << position.astype(np.uint64))

        set_nodes = [np.flatnonzero(tree >= begin) for begin in begins.tolist()]
        node, node_set = (
            np.concatenate([np.empty(0, np.intp), *set_nodes]),
            np.repeat(np.arange(len(set_nodes)), [len(members) for members in set_nodes]),
        )
        order = np.lexsort((nodes.threshold[node], nodes.missing[node], nodes.feature[node], node_set))
        node, node_set = node[order], node_set[order]
        groups = _Groups.from_keys(np.stack([node_set, nodes.feature[node], nodes.missing[node]]), nodes.threshold[node])
        opening_nodes, limits = node[groups.opening], groups.limits
        below_value = groups.threshold < value[opening_nodes][groups.of_threshold]
        rank = limits[:-1] + np.bincount(groups.of_threshold[below_value], minlength=len(opening_nodes))
        differ = np.flatnonzero(((value <= nodes.threshold) != default)[node] & (nodes.missing[node] != 0))
        padded_thresholds = np.concatenate(([-np.inf], groups.threshold, [np.inf]))
        bound = ~absent[opening_nodes] & (nodes.missing[opening_nodes] != MISSING_ZERO)
        low = np.where(rank == limits[:-1], -np.inf, padded_thresholds[rank])
        high = np.where(rank == limits[1:], np.inf, padded_thresholds[rank + 1])
        code = (tree << PLACE_BITS | position)[node]
        return cls(
            np.searchsorted(node_set[groups.opening], np.arange(len(begins) + 1)),
            nodes.feature[opening_nodes].astype(np.int64), nodes.missing[opening_nodes].astype(np.int64), limits,
            groups.starts, code, rank, absent[opening_nodes].astype(np.int64),
            np.searchsorted(groups.of_node[differ], np.arange(len(opening_nodes) + 1)), code[differ], words.view(np.int64),
            groups.threshold, np.where(bound, low, np.inf), high,
        )  # fmt: skip


class _Groups(NamedTuple):
    """Sorted nodes by what they have in common: `opening` (groups,) is the first node of each, `of_node` (nodes,) the group;
    `threshold`, `of_threshold` (thresholds,) and `limits`, `starts` as in `Switches`."""

    opening: Ints
    of_node: Ints
    threshold: Floats
    of_threshold: Ints
    limits: Ints
    starts: Ints

    @classmethod
    def from_keys(cls, kinds: npt.NDArray[Any], threshold: Floats) -> _Groups:
        """Of kinds (keys, nodes) and thresholds (nodes,), sorted by them."""
        opens = _changes(kinds)
        begins = opens | _changes(threshold[None])
        starts, opening, of_node = np.flatnonzero(begins), np.flatnonzero(opens), np.cumsum(opens) - 1
        limits = np.append(np.cumsum(begins)[opening] - 1, len(starts))
        return cls(opening, of_node, threshold[starts], of_node[starts], limits, np.append(starts, len(threshold)))


def _changes(keys: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Where (n,) any of the keys (keys, n) is another one than before."""
    changed = np.ones(keys.shape[1], bool)
    changed[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
    return changed


def _rows_left(trees: Trees) -> Floats:
    """Rows of training (nodes,) that each node sent to the left."""
    left_child = trees.links.left_child
    return np.where(
        left_child < 0, trees.rows[np.where(left_child < 0, ~left_child, 0)], trees.count[np.maximum(left_child, 0)]
    )


def _usual_values(trees: Trees) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """A usual value of what each node asks (nodes,), and whether it is usual that there is none: what sends most rows of
    training the way they went at all nodes of the same column and kind of missing value."""
    nodes = trees.nodes
    order = np.lexsort((nodes.threshold, nodes.missing, nodes.feature))
    groups = _Groups.from_keys(np.stack([nodes.feature, nodes.missing])[:, order], nodes.threshold[order])
    left_rows = _rows_left(trees)[order]
    right_rows, default = trees.count[order] - left_rows, nodes.default_left[order].astype(bool)
    count = len(groups.opening)
    value, absent = np.empty(count), np.empty(count, bool)
    for group, (begin, end) in enumerate(zip(groups.limits[:-1].tolist(), groups.limits[1:].tolist(), strict=True)):
        ends = groups.starts[begin : end + 1]
        span = slice(ends[0], ends[-1])
        gained = np.concatenate(([0.0], np.cumsum(right_rows[span] - left_rows[span])))[ends - ends[0]]
        best = int(np.argmax(gained))
        value[group] = groups.threshold[begin + best] if begin + best < end else np.inf
        absent[group] = np.where(default[span], left_rows[span], right_rows[span]).sum() > left_rows[span].sum() + gained[best]
    absent &= nodes.missing[order][groups.opening] != 0
    node_values, node_absent = np.empty(len(order)), np.empty(len(order), bool)
    node_values[order], node_absent[order] = value[groups.of_node], absent[groups.of_node]
    return node_values, node_absent


@inlined
def turn(row: Any, tree_set: int, s: Any, words: Any) -> None:
    """LightGBM's decisions for one row (features,) at all nodes of a set of trees, into their `words`, which hold what is
    usual."""
    for group in range(s.groups[tree_set], s.groups[tree_set + 1]):
        g = np.uintp(group)
        value: Any = np.float64(row[s.column[g]])
        if s.low[g] < value <= s.high[g]:
            continue
        missing = s.missing[g]
        unknown = np.isnan(value)
        if unknown and missing != MISSING_NAN:
            value = 0.0
        is_missing = (unknown and missing == MISSING_NAN) or (missing == MISSING_ZERO and abs(value) <= ZERO)
        if is_missing != (s.absent[g] != 0):
            _flip(s.missing_nodes, s.missing_begin[g], s.missing_begin[g + np.uintp(1)], words)
        if not is_missing:
            usual_rank = s.rank[g]
            rank, begin, end = usual_rank, s.limits[g], s.limits[g + np.uintp(1)]
            while rank < end and value > s.threshold[np.uintp(rank)]:
                rank += 1
            while rank > begin and value <= s.threshold[np.uintp(rank - 1)]:
                rank -= 1
            _flip(s.nodes, s.starts[np.uintp(min(rank, usual_rank))], s.starts[np.uintp(max(rank, usual_rank))], words)


@inlined
def _flip(nodes: Any, begin: int, end: int, words: Any) -> None:
    """The bits of the nodes `begin` … `end`; unsigned, since a signed index is asked whether it counts from the end."""
    for k in range(np.uintp(begin), np.uintp(end)):
        node = np.uint64(nodes[k])
        words[np.uintp(node >> np.uint64(PLACE_BITS))] ^= np.uint64(1) << (node & np.uint64(63))
