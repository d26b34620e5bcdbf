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

Whole = npt.NDArray[np.int64]
PLACE_BITS = 6  # of a node within its tree


class Switches(NamedTuple):
    """The nodes of some sets of trees by column, kind of missing value and threshold: a *group* has the first two in common.

    `groups` (sets + 1,): where the groups of each set begin; `column`, `missing` (groups,). `limits` (groups + 1,):
    where their distinct thresholds begin; `first` (thresholds + 1,): where the `nodes` of each begin, as tree × 64 + place.
    `rank` (groups,): the threshold below which a usual value lies, counted over all; `absent` (groups,): 1 where it is usual
    that the value is missing; `others`, from `apart` on (groups + 1,): nodes that send a missing value the other way than a
    usual one. `words` (trees,): what is usual. Values above `low` and up to `high` (groups,) turn nothing.
    """

    groups: Whole
    column: Whole
    missing: Whole
    limits: Whole
    first: Whole
    nodes: Whole
    rank: Whole
    absent: Whole
    apart: Whole
    others: Whole
    words: Whole
    threshold: Floats
    low: Floats
    high: Floats

    @classmethod
    def of(cls, trees: Trees, begins: Whole) -> Switches:
        """Of trees with at most 64 nodes each; a set i has the trees from `begins[i]` on. What is usual is so for all sets."""
        nodes = trees.nodes
        size = np.diff(nodes.begin)
        tree = np.repeat(np.arange(len(size)), size)
        place = np.arange(len(tree)) - nodes.begin[tree]
        default = nodes.default_left.astype(bool)
        value, absent = _usual(trees)
        goes_left = np.where(absent, default, value <= nodes.threshold).astype(np.uint64)
        words = np.zeros(len(size), np.uint64)
        np.bitwise_or.at(words, tree, goes_left << place.astype(np.uint64))

        asked = [np.flatnonzero(tree >= begin) for begin in begins.tolist()]
        node, of = np.concatenate([np.empty(0, np.intp), *asked]), np.repeat(np.arange(len(asked)), [len(one) for one in asked])
        order = np.lexsort((nodes.threshold[node], nodes.missing[node], nodes.feature[node], of))
        node, of = node[order], of[order]
        groups = _Groups.of(np.stack([of, nodes.feature[node], nodes.missing[node]]), nodes.threshold[node])
        mine, limits = node[groups.opening], groups.limits
        below = groups.threshold < value[mine][groups.of_threshold]
        rank = limits[:-1] + np.bincount(groups.of_threshold[below], minlength=len(mine))
        differ = np.flatnonzero(((value <= nodes.threshold) != default)[node] & (nodes.missing[node] != 0))
        known = np.concatenate(([-np.inf], groups.threshold, [np.inf]))
        bound = ~absent[mine] & (nodes.missing[mine] != MISSING_ZERO)
        low = np.where(rank == limits[:-1], -np.inf, known[rank])
        high = np.where(rank == limits[1:], np.inf, known[rank + 1])
        code = (tree << PLACE_BITS | place)[node]
        return cls(
            np.searchsorted(of[groups.opening], np.arange(len(begins) + 1)), nodes.feature[mine].astype(np.int64),
            nodes.missing[mine].astype(np.int64), limits, groups.first, code, rank, absent[mine].astype(np.int64),
            np.searchsorted(groups.of_node[differ], np.arange(len(mine) + 1)), code[differ], words.view(np.int64),
            groups.threshold, np.where(bound, low, np.inf), high,
        )  # fmt: skip


class _Groups(NamedTuple):
    """Sorted nodes by what they have in common: `opening` (groups,) is the first node of each, `of_node` (nodes,) the group;
    `threshold`, `of_threshold` (thresholds,) and `limits`, `first` as in `Switches`."""

    opening: Whole
    of_node: Whole
    threshold: Floats
    of_threshold: Whole
    limits: Whole
    first: Whole

    @classmethod
    def of(cls, kinds: npt.NDArray[Any], threshold: Floats) -> _Groups:
        """Of kinds (keys, nodes) and thresholds (nodes,), sorted by them."""
        opens = _changes(kinds)
        begins = opens | _changes(threshold[None])
        first, opening, of_node = np.flatnonzero(begins), np.flatnonzero(opens), np.cumsum(opens) - 1
        limits = np.append(np.cumsum(begins)[opening] - 1, len(first))
        return cls(opening, of_node, threshold[first], of_node[first], limits, np.append(first, len(threshold)))


def _changes(keys: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Where (n,) any of the keys (keys, n) is another one than before."""
    new = np.ones(keys.shape[1], bool)
    new[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
    return new


def _rows_left(trees: Trees) -> Floats:
    """Rows of training (nodes,) that each node sent to the left."""
    left = trees.links.left
    return np.where(left < 0, trees.rows[np.where(left < 0, ~left, 0)], trees.count[np.maximum(left, 0)])


def _usual(trees: Trees) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """A usual value of what each node asks (nodes,), and whether it is usual that there is none: what sends most rows of
    training the way they went at all nodes of the same column and kind of missing value."""
    nodes = trees.nodes
    order = np.lexsort((nodes.threshold, nodes.missing, nodes.feature))
    groups = _Groups.of(np.stack([nodes.feature, nodes.missing])[:, order], nodes.threshold[order])
    left = _rows_left(trees)[order]
    right, default = trees.count[order] - left, nodes.default_left[order].astype(bool)
    count = len(groups.opening)
    value, absent = np.empty(count), np.empty(count, bool)
    for group, (begin, end) in enumerate(zip(groups.limits[:-1].tolist(), groups.limits[1:].tolist(), strict=True)):
        ends = groups.first[begin : end + 1]
        mine = slice(ends[0], ends[-1])
        gained = np.concatenate(([0.0], np.cumsum(right[mine] - left[mine])))[ends - ends[0]]
        best = int(np.argmax(gained))
        value[group] = groups.threshold[begin + best] if begin + best < end else np.inf
        absent[group] = np.where(default[mine], left[mine], right[mine]).sum() > left[mine].sum() + gained[best]
    absent &= nodes.missing[order][groups.opening] != 0
    found, none = np.empty(len(order)), np.empty(len(order), bool)
    found[order], none[order] = value[groups.of_node], absent[groups.of_node]
    return found, none


@inlined
def turn(row: Any, trees: int, s: Any, words: Any) -> None:
    """LightGBM's decisions for one row (features,) at all nodes of a set of trees, into their `words`, which hold what is
    usual."""
    for group in range(s.groups[trees], s.groups[trees + 1]):
        g = np.uintp(group)
        value: Any = np.float64(row[s.column[g]])
        if s.low[g] < value <= s.high[g]:
            continue
        missing = s.missing[g]
        unknown = np.isnan(value)
        if unknown and missing != MISSING_NAN:
            value = 0.0
        away = (unknown and missing == MISSING_NAN) or (missing == MISSING_ZERO and abs(value) <= ZERO)
        if away != (s.absent[g] != 0):
            _flip(s.others, s.apart[g], s.apart[g + np.uintp(1)], words)
        if not away:
            usual = s.rank[g]
            here, begin, end = usual, s.limits[g], s.limits[g + np.uintp(1)]
            while here < end and value > s.threshold[np.uintp(here)]:
                here += 1
            while here > begin and value <= s.threshold[np.uintp(here - 1)]:
                here -= 1
            _flip(s.nodes, s.first[np.uintp(min(here, usual))], s.first[np.uintp(max(here, usual))], words)


@inlined
def _flip(nodes: Any, begin: int, end: int, words: Any) -> None:
    """The bits of the nodes `begin` … `end`; unsigned, since a signed index is asked whether it counts from the end."""
    for k in range(np.uintp(begin), np.uintp(end)):
        node = np.uint64(nodes[k])
        words[np.uintp(node >> np.uint64(PLACE_BITS))] ^= np.uint64(1) << (node & np.uint64(63))
