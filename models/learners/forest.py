"""Trees made ready, compiled: their sum and what each feature adds to it (TreeSHAP), for one row.

What a row's values decide at the nodes of a tree is a word (`models.learners.switches`). Of a small tree the contributions and
the sum of every word are written down beforehand, the former as differences to what the usual word adds, so that only trees
that a row takes in an unusual way are looked up; those of larger ones are worked out as `models.learners.tree_shap` describes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from features.common.compiled import compiled, inlined, part
from models.common.types import Floats
from models.learners.lanes import LANES, broadcast, divide, load, minus, store, summed, times
from models.learners.switches import Switches

Ints = npt.NDArray[np.int64]

POINTS = LANES  # of the quadrature that are worked out together; 8 serve 16 features
WORD = 64  # nodes of a tree that a word holds
SMALL = 8  # nodes of a tree whose 2^8 words are all worked out beforehand
SHIFT, MASK = 8, 255  # a node's code has its children left and right, as places: nodes from 0, leaves from `WORD` on; …
ANCESTOR, SIDE, REPEATED = 16, 22, 23  # … the last node above with the same feature and the way from there, if there is one; …
COLUMN = 24  # … and its column among the tree's


class Forest(NamedTuple):
    """The trees of all boosters, one after the other.

    `begin` (trees + 1,) of their nodes, `boosters` (boosters + 1,) of their trees; leaves of tree i begin at `begin[i]` + i.
    `rounds` (trees,) of `POINTS`. `columns`, from `used` on (trees + 1,): the tree's features. `tables` and `sums` (trees,):
    where in `table` and `total` begins what each word of a small tree adds; -1 for another. `code` (nodes,): see `SHIFT`;
    `opposite_share` (nodes × 2,), the share of rows that goes the other way, for a row that goes right and for one
    that goes left; `upstream_share`, the share that all nodes above with the same feature let through. `value` (leaves,). At a
    point t of the quadrature `complement` is 1 - t; it and `weight` are there for 1, 2, 3 … rounds. `start` (boosters ×
    (features + 1),): what all trees add on average, and small ones in their usual way.
    """

    begin: Ints
    boosters: Ints
    rounds: Ints
    used: Ints
    columns: Ints
    tables: Ints
    sums: Ints
    code: Ints
    opposite_share: Floats
    upstream_share: Floats
    value: Floats
    complement: Floats
    weight: Floats
    table: Floats
    total: Floats
    start: Floats


@inlined
def unpacked(integers: Any, reals: Any) -> Any:
    """A forest and its switches, out of the two arrays that `models.learners.tree_shap.Shapley` packs."""
    forest = Forest(
        part(integers, 0), part(integers, 1), part(integers, 2), part(integers, 3), part(integers, 4), part(integers, 5),
        part(integers, 6), part(integers, 7), part(reals, 0), part(reals, 1), part(reals, 2), part(reals, 3), part(reals, 4),
        part(reals, 5), part(reals, 6), part(reals, 7),
    )  # fmt: skip
    switches = Switches(
        part(integers, 8), part(integers, 9), part(integers, 10), part(integers, 11), part(integers, 12), part(integers, 13),
        part(integers, 14), part(integers, 15), part(integers, 16), part(reals, 8), part(reals, 9), part(reals, 10),
    )  # fmt: skip
    return forest, switches


@inlined
def room() -> Any:
    """Room for one tree: products at its nodes and sums at all places, what its nodes turn away, and its features."""
    places = (2 * WORD + 1) * POINTS
    return np.empty(places), np.empty(places), np.empty(WORD * POINTS), np.empty(WORD)


@inlined
def add_contributions(tree: int, word: Any, f: Any, product: Any, total: Any, turned: Any, contributions: Any) -> None:
    """Adds to `contributions` (the tree's features) what each of them adds to the tree's sum for a word.

    Indices are unsigned, since a signed one is asked each time whether it counts from the end.
    """
    first_node, count = np.uintp(f.begin[tree]), np.uintp(f.begin[tree + 1] - f.begin[tree])
    for n in range(count + np.uintp(1)):
        leaf = np.uintp(n)
        store(total, np.uintp(POINTS) * (np.uintp(WORD) + leaf), broadcast(f.value[first_node + np.uintp(tree) + leaf]))
    open_ = _open(first_node, count, word, f)
    rounds = f.rounds[tree]
    for r in range(rounds):
        offset = np.uintp((rounds * (rounds - 1) // 2 + r) * POINTS)
        store(product, np.uintp(0), load(f.weight, offset))
        complement = load(f.complement, offset)
        _descend(first_node, count, word, open_, complement, f, product, turned)
        _ascend(first_node, count, word, open_, complement, f, product, total, turned, contributions)


@inlined
def _open(first_node: Any, count: Any, word: Any, f: Any) -> Any:
    """A bit for each node: whether all nodes above that ask the same feature sent the row this way."""
    bits = np.uint64(0)
    for n in range(count):
        code = f.code[first_node + np.uintp(n)]
        ancestor, side, topmost = np.uint64((code >> ANCESTOR) & 63), np.uint64(code >> SIDE), ~np.uint64(code >> REPEATED)
        through = topmost | ((bits >> ancestor) & ~((word >> ancestor) ^ side))
        bits |= (through & np.uint64(1)) << np.uint64(n)
    return bits


@inlined
def _children(code: Any, left_bit: Any) -> Any:
    """The place to which a row goes from a node, and the other one."""
    row_child = (code >> (left_bit ^ np.uint64(1)) * np.uint64(SHIFT)) & np.uint64(MASK)
    opposite_child = (code >> left_bit * np.uint64(SHIFT)) & np.uint64(MASK)
    return np.uintp(row_child) * np.uintp(POINTS), np.uintp(opposite_child) * np.uintp(POINTS)


@inlined
def _let_through(complement: Any, upstream_share: Any) -> Any:
    """F at all points, where the nodes above with the same feature let a share `upstream_share` through."""
    return minus(broadcast(1.0), times(complement, broadcast(1.0 - upstream_share)))


@inlined
def _descend(first_node: Any, count: Any, word: Any, open_: Any, complement: Any, f: Any, product: Any, turned: Any) -> None:
    """What comes down to each place, at the points of a round; and what share of it each node sends away."""
    for n in range(count):
        k, m = first_node + np.uintp(n), np.uintp(n) * np.uintp(POINTS)
        code, upstream_share, left_bit = np.uint64(f.code[k]), f.upstream_share[k], (word >> np.uint64(n)) & np.uint64(1)
        opposite_share = f.opposite_share[k + k + np.uintp(left_bit)]
        row_child, opposite_child = _children(code, left_bit)
        if not (open_ >> np.uint64(n)) & np.uint64(1):
            share = broadcast(opposite_share)
        elif upstream_share == 1.0:
            share = times(complement, broadcast(opposite_share))
        else:
            share = divide(
                times(complement, broadcast(upstream_share * opposite_share)), _let_through(complement, upstream_share)
            )
        inflow = load(product, m)
        diverted = times(inflow, share)
        store(turned, m, share)
        store(product, opposite_child, diverted)
        store(product, row_child, minus(inflow, diverted))


@inlined
def _ascend(  # noqa: PLR0917  arrays, as compiled code wants them
    first_node: Any,
    count: Any,
    word: Any,
    open_: Any,
    complement: Any,
    f: Any,
    product: Any,
    total: Any,
    turned: Any,
    contributions: Any,
) -> None:
    """The leaves' sums at each node, and what its feature gains by them."""
    for step in range(count):
        n = count - np.uintp(1) - np.uintp(step)
        k, m = first_node + n, n * np.uintp(POINTS)
        code, upstream_share, left_bit = np.uint64(f.code[k]), f.upstream_share[k], (word >> np.uint64(n)) & np.uint64(1)
        row_child, opposite_child = _children(code, left_bit)
        way = load(total, row_child)
        difference = minus(way, load(total, opposite_child))
        store(total, m, minus(way, times(load(turned, m), difference)))
        if (open_ >> np.uint64(n)) & np.uint64(1):
            gain = times(load(product, m), difference)
            if upstream_share != 1.0:
                through = _let_through(complement, upstream_share)
                gain = divide(gain, times(through, through))
            contributions[np.uintp(code >> np.uint64(COLUMN))] += (
                upstream_share * f.opposite_share[k + k + np.uintp(left_bit)] * summed(gain)
            )


@compiled
def explain(booster: int, f: Any, usual_words: Any, words: Any, room: Any, weight: float, contributions: Any) -> None:
    """Adds `weight` times what each feature adds to a booster's sum to `contributions` (features + 1,), the average to its
    last."""
    product, total, turned, added = room
    width = len(f.start) // (len(f.boosters) - 1)
    start = f.start[booster * width : (booster + 1) * width]
    for j in range(width - 1):
        contributions[j] += weight * start[j]
    contributions[len(contributions) - 1] += weight * start[width - 1]
    for tree in range(f.boosters[booster], f.boosters[booster + 1]):
        used, count = np.uintp(f.used[tree]), np.uintp(f.used[tree + 1] - f.used[tree])
        if f.tables[tree] < 0:
            added[:count] = 0.0
            add_contributions(tree, words[tree], f, product, total, turned, added)
            for k in range(count):
                contributions[np.uintp(f.columns[used + k])] += weight * added[k]
        elif words[tree] != np.uint64(usual_words[tree]):
            entry = np.uintp(f.tables[tree]) + np.uintp(words[tree]) * count
            for k in range(count):
                contributions[np.uintp(f.columns[used + k])] += weight * f.table[entry + k]


@compiled
def add_up(booster: int, f: Any, words: Any) -> Any:
    """The sum of a booster's trees."""
    total = 0.0
    for tree in range(f.boosters[booster], f.boosters[booster + 1]):
        if f.sums[tree] >= 0:
            total += f.total[np.uintp(f.sums[tree]) + np.uintp(words[tree])]
        else:
            total += value_of(tree, words[tree], f)
    return total


@compiled
def value_of(tree: int, word: Any, f: Any) -> Any:
    """What a tree says to a word."""
    first_node, position = f.begin[tree], 0
    if f.begin[tree + 1] == first_node:
        position = WORD
    while position < WORD:
        code = f.code[first_node + position]
        position = code & MASK if (word >> np.uint64(position)) & np.uint64(1) else (code >> SHIFT) & MASK
    return f.value[first_node + tree + position - WORD]
