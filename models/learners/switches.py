"""Which way a row goes at all nodes of all trees, told from what is usual: only what is unusual about the row costs time.

A *word* has a bit for each node of a tree, set where the row goes left. In place of asking every node, the words begin as they
are for a usual value of each column; the row's own value then turns the nodes whose threshold lies between the two. Most leads
have done few of all the things that could be done, so that most columns turn nothing.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from features.common.compiled import inlined
from models.common.types import Floats
from models.learners.trees import Trees

Ints = npt.NDArray[np.int64]
PLACE_BITS = 6  # of a node within its tree


class Switches(NamedTuple):
    """The nodes of some trees by column and threshold, as tree × 64 + place.

    `column` (columns,). `limits` (columns + 1,): where their distinct thresholds begin; `starts` (thresholds + 1,): where the
    `nodes` of each begin. `rank` (columns,): the threshold below which a usual value lies, counted over all; `absent`
    (columns,): 1 where it is usual that the value is missing; `absent_nodes`, from `absent_begin` on (columns + 1,): nodes that
    send a missing value the other way than a usual one. `words` (trees,): what is usual. Values above `low` and up to `high`
    (columns,) turn nothing.
    """

    column: Ints
    limits: Ints
    starts: Ints
    nodes: Ints
    rank: Ints
    absent: Ints
    absent_begin: Ints
    absent_nodes: Ints
    words: Ints
    threshold: Floats
    low: Floats
    high: Floats

    @classmethod
    def from_trees(cls, trees: Trees) -> Switches:
        """Of trees with at most 64 nodes each.

        A usual value of a column, or that there is none, is what sends most rows of training the way they went at its nodes.
        """
        size = np.diff(trees.nodes.begin)
        tree = np.repeat(np.arange(len(size)), size)
        position = np.arange(len(tree)) - trees.nodes.begin[tree]
        order = np.lexsort((trees.nodes.threshold, trees.nodes.feature))
        feature, threshold, absent_left = (array[order] for array in trees.nodes[1:])
        opens = np.append(True, feature[1:] != feature[:-1])[: len(order)]
        begins = opens | np.append(True, threshold[1:] != threshold[:-1])[: len(order)]
        starts, column_of = np.append(np.flatnonzero(begins), len(order)), np.cumsum(opens) - 1
        limits = np.append(np.cumsum(begins)[opens] - 1, len(starts) - 1)
        thresholds = threshold[starts[:-1]]

        rows_left = _rows_left(trees)[order]
        gained = np.append(0.0, np.cumsum(trees.count[order] - 2 * rows_left))  # by a value above the thresholds so far
        columns = len(limits) - 1
        best = np.array([begin + np.argmax(gained[starts[begin : end + 1]]) for begin, end in pairwise(limits)], np.int64)
        value = np.append(thresholds, np.inf)[best]
        value[best == limits[1:]] = np.inf
        # nothing lies above an endless threshold, which tells what is there from what is missing
        rank = np.where((best == limits[1:]) & (np.append(-np.inf, thresholds)[best] == np.inf), best - 1, best)
        usual_left = value[column_of] <= threshold
        as_usual, as_absent = (
            np.bincount(column_of, np.where(left_flags, rows_left, trees.count[order] - rows_left), minlength=columns)
            for left_flags in (usual_left, absent_left)
        )
        absent = as_absent > as_usual
        words = np.zeros(len(size), np.uint64)
        left_bits = np.where(absent[column_of], absent_left, usual_left).astype(np.uint64)
        np.bitwise_or.at(words, tree[order], left_bits << position[order].astype(np.uint64))
        differ = np.flatnonzero(absent_left != usual_left)
        low = np.append(-np.inf, thresholds)[rank]
        low[rank == limits[:-1]] = -np.inf
        code = (tree << PLACE_BITS | position)[order]
        return cls(
            feature[opens].astype(np.int64), limits, starts, code, rank, absent.astype(np.int64),
            np.searchsorted(column_of[differ], np.arange(columns + 1)), code[differ], words.view(np.int64), thresholds,
            np.where(absent, np.inf, low), value,
        )  # fmt: skip


def _rows_left(trees: Trees) -> Floats:
    """Rows of training (nodes,) that each node sent to the left."""
    left_child = trees.links.left_child
    return np.where(
        left_child < 0, trees.rows[np.where(left_child < 0, ~left_child, 0)], trees.count[np.maximum(left_child, 0)]
    )


@inlined
def turn(row: Any, s: Any, words: Any) -> None:
    """LightGBM's decisions for one row (features,) at all nodes of all trees into their `words` (trees,)."""
    for tree in range(len(words)):
        words[tree] = np.uint64(s.words[tree])
    for column in range(len(s.column)):
        c = np.uintp(column)
        value: Any = np.float64(row[s.column[c]])
        if s.low[c] < value <= s.high[c]:
            continue
        if np.isnan(value) != (s.absent[c] != 0):
            _flip(s.absent_nodes, s.absent_begin[c], s.absent_begin[c + np.uintp(1)], words)
        if not np.isnan(value):
            usual_rank = s.rank[c]
            rank, begin, end = usual_rank, s.limits[c], s.limits[c + np.uintp(1)]
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
