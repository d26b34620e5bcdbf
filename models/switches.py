"""Which way a row goes at all nodes of all trees, told from what is usual: only what is unusual about the row costs time.

A *word* has a bit for each node of a tree, set where the row goes left. In place of asking every node, the words begin as they
are for a usual value of each column; the row's own value then turns the nodes whose threshold lies between the two. Most leads
have done few of all the things that could be done, so that most columns turn nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from features.compiled import inlined
from models.trees import MISSING_NAN, MISSING_ZERO, ZERO, Trees
from models.types import Floats

Whole = npt.NDArray[np.int64]
PLACE_BITS = 6  # of a node within its tree


class Switches(NamedTuple):
    """Nodes by booster, column, kind of missing value and threshold: a *group* has the first three in common.

    `groups` (boosters + 1,): where the groups of each booster begin; `column`, `missing` (groups,). `limits` (groups + 1,):
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
    def of(cls, trees: Trees, boosters: Whole) -> Switches:
        """Of trees with at most 64 nodes each; the booster i has the trees `boosters[i]` … `boosters[i + 1]`."""
        nodes = trees.nodes
        size = np.diff(nodes.begin)
        tree = np.repeat(np.arange(len(size)), size)
        place = np.arange(len(tree)) - nodes.begin[tree]
        booster = np.searchsorted(boosters, tree, side="right") - 1
        order = np.lexsort((nodes.threshold, nodes.missing, nodes.feature, booster))
        kinds = np.stack([booster, nodes.feature, nodes.missing])[:, order]
        threshold = nodes.threshold[order]
        opens = _changes(kinds)
        begins = opens | _changes(threshold[None])
        first, opening = np.flatnonzero(begins), np.flatnonzero(opens)
        limits = np.append(np.cumsum(begins)[opening] - 1, len(first))

        left = _rows_left(trees)[order]
        right, default = trees.count[order] - left, nodes.default_left[order].astype(bool)
        rank, absent = _usual(np.append(first, len(order)), limits, left, right, default)
        absent &= kinds[2][opening] != 0
        group = np.cumsum(opens) - 1
        goes_left = np.cumsum(begins) - 1 >= rank[group]  # a usual value lies at or below the threshold
        differ = np.flatnonzero((goes_left != default) & (kinds[2] != 0))
        words = np.zeros(len(size), np.uint64)
        usual = np.where(absent[group], default, goes_left).astype(np.uint64)
        np.bitwise_or.at(words, tree[order], usual << place[order].astype(np.uint64))
        code = (tree << PLACE_BITS | place)[order]
        known = np.concatenate(([-np.inf], threshold[first], [np.inf]))
        bound = ~absent & (kinds[2][opening] != MISSING_ZERO)
        low = np.where(rank == limits[:-1], -np.inf, known[rank])
        high = np.where(rank == limits[1:], np.inf, known[rank + 1])
        return cls(
            np.searchsorted(kinds[0][opening], np.arange(len(boosters))), kinds[1][opening], kinds[2][opening], limits,
            np.append(first, len(order)), code, rank, absent.astype(np.int64),
            np.searchsorted(group[differ], np.arange(len(opening) + 1)), code[differ], words.view(np.int64), threshold[first],
            np.where(bound, low, np.inf), high,
        )  # fmt: skip


def _changes(keys: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Where (n,) any of the keys (keys, n) is another one than before."""
    new = np.ones(keys.shape[1], bool)
    new[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
    return new


def _rows_left(trees: Trees) -> Floats:
    """Rows of training (nodes,) that each node sent to the left."""
    left = trees.links.left
    return np.where(left < 0, trees.rows[np.where(left < 0, ~left, 0)], trees.count[np.maximum(left, 0)])


def _usual(
    first: Whole, limits: Whole, left: Floats, right: Floats, default: npt.NDArray[np.bool_]
) -> tuple[Whole, npt.NDArray[np.bool_]]:
    """The rank of each group's usual value, and whether it is usual that there is none: what sends most rows of training the
    way they went. The arrays of nodes are in the order of `Switches.nodes`."""
    rank, absent = np.zeros(len(limits) - 1, np.int64), np.zeros(len(limits) - 1, bool)
    for group, (begin, end) in enumerate(zip(limits[:-1].tolist(), limits[1:].tolist(), strict=True)):
        mine = slice(first[begin], first[end])
        gained = np.concatenate(([0.0], np.cumsum(right[mine] - left[mine])))[first[begin : end + 1] - first[begin]]
        best = int(np.argmax(gained))
        rank[group] = begin + best
        absent[group] = np.where(default[mine], left[mine], right[mine]).sum() > left[mine].sum() + gained[best]
    return rank, absent


@inlined
def turn(row: Any, booster: int, s: Any, words: Any) -> None:
    """LightGBM's decisions for one row (features,) at all nodes of a booster, into its trees' `words`, which hold what is
    usual."""
    for group in range(s.groups[booster], s.groups[booster + 1]):
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
