"""Trees made ready, compiled: their sum and what each feature adds to it (TreeSHAP), for one row.

What a row's values decide at the nodes of a tree is a word (`models.learners.switches`). Of a small tree the sum and the contributions
of every word are written down beforehand, the latter as differences to what the usual word adds, so that only trees that a row
takes in an unusual way are looked up; those of larger ones are worked out as `models.learners.tree_shap` describes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from features.common.compiled import compiled, inlined, part
from models.common.types import Floats
from models.learners.lanes import LANES, alike, load, minus, over, store, summed, times
from models.learners.switches import Switches

Whole = npt.NDArray[np.int64]

POINTS = LANES  # of the quadrature that are worked out together; 8 serve 16 features
WORD = 64  # nodes of a tree that a word holds
SMALL = 8  # nodes of a tree whose 2^8 words are all worked out beforehand
SHIFT, MASK = 8, 255  # a node's code has its children left and right, as places: nodes from 0, leaves from `WORD` on; …
ABOVE, SIDE, AGAIN = 16, 22, 23  # … the last node above with the same feature and the way from there, if there is one; …
COLUMN = 24  # … and its column among the tree's


class Forest(NamedTuple):
    """The trees of all boosters, one after the other.

    `begin` (trees + 1,) of their nodes, `boosters` (boosters + 1,) of their trees; leaves of tree i begin at `begin[i]` + i.
    `rounds` (trees,) of `POINTS`. `columns`, from `used` on (trees + 1,): the tree's features. `tables` and `sums` (trees,):
    where in `table` and `total` begins what each word of a small tree adds; -1 for another. `code` (nodes,): see `SHIFT`;
    `away` (nodes × 2,), the share of rows that goes the other way, for a row that goes right and for one that goes left;
    `before`, the share that all nodes above with the same feature let through. `value` (leaves,). At a point t of the
    quadrature `rest` is 1 - t; it and `weight` are there for 1, 2, 3 … rounds. `start` (boosters × (features + 1),): what all
    trees add on average, and small ones in their usual way.
    """

    begin: Whole
    boosters: Whole
    rounds: Whole
    used: Whole
    columns: Whole
    tables: Whole
    sums: Whole
    code: Whole
    away: Floats
    before: Floats
    value: Floats
    rest: Floats
    weight: Floats
    table: Floats
    total: Floats
    start: Floats


@inlined
def unpacked(whole: Any, real: Any) -> Any:
    """A forest and its switches, out of the two arrays that `models.learners.tree_shap.Shapley` packs."""
    forest = Forest(
        part(whole, 0), part(whole, 1), part(whole, 2), part(whole, 3), part(whole, 4), part(whole, 5), part(whole, 6),
        part(whole, 7), part(real, 0), part(real, 1), part(real, 2), part(real, 3), part(real, 4), part(real, 5),
        part(real, 6), part(real, 7),
    )  # fmt: skip
    switches = Switches(
        part(whole, 8), part(whole, 9), part(whole, 10), part(whole, 11), part(whole, 12), part(whole, 13), part(whole, 14),
        part(whole, 15), part(whole, 16), part(whole, 17), part(whole, 18), part(real, 8), part(real, 9), part(real, 10),
    )  # fmt: skip
    return forest, switches


@inlined
def room() -> Any:
    """Room for one tree: products at its nodes and sums at all places, what its nodes turn away, and its features."""
    places = (2 * WORD + 1) * POINTS
    return np.empty(places), np.empty(places), np.empty(WORD * POINTS), np.empty(WORD)


@inlined
def down_and_up(tree: int, word: Any, f: Any, product: Any, total: Any, turned: Any, into: Any) -> None:
    """Adds to `into` (the tree's features) what each of them adds to the tree's sum for a word.

    Indices are unsigned, since a signed one is asked each time whether it counts from the end.
    """
    first, count = np.uintp(f.begin[tree]), np.uintp(f.begin[tree + 1] - f.begin[tree])
    for n in range(count + np.uintp(1)):
        leaf = np.uintp(n)
        store(total, np.uintp(POINTS) * (np.uintp(WORD) + leaf), alike(f.value[first + np.uintp(tree) + leaf]))
    open_ = _open(first, count, word, f)
    rounds = f.rounds[tree]
    for r in range(rounds):
        at = np.uintp((rounds * (rounds - 1) // 2 + r) * POINTS)
        store(product, np.uintp(0), load(f.weight, at))
        rest = load(f.rest, at)
        _down(first, count, word, open_, rest, f, product, turned)
        _up(first, count, word, open_, rest, f, product, total, turned, into)


@inlined
def _open(first: Any, count: Any, word: Any, f: Any) -> Any:
    """A bit for each node: whether all nodes above that ask the same feature sent the row this way."""
    found = np.uint64(0)
    for n in range(count):
        code = f.code[first + np.uintp(n)]
        above, side, new = np.uint64((code >> ABOVE) & 63), np.uint64(code >> SIDE), ~np.uint64(code >> AGAIN)
        through = new | ((found >> above) & ~((word >> above) ^ side))
        found |= (through & np.uint64(1)) << np.uint64(n)
    return found


@inlined
def _children(code: Any, left: Any) -> Any:
    """The place to which a row goes from a node, and the other one."""
    go = (code >> (left ^ np.uint64(1)) * np.uint64(SHIFT)) & np.uint64(MASK)
    other = (code >> left * np.uint64(SHIFT)) & np.uint64(MASK)
    return np.uintp(go) * np.uintp(POINTS), np.uintp(other) * np.uintp(POINTS)


@inlined
def _let_through(rest: Any, before: Any) -> Any:
    """F at all points, where the nodes above with the same feature let a share `before` through."""
    return minus(alike(1.0), times(rest, alike(1.0 - before)))


@inlined
def _down(first: Any, count: Any, word: Any, open_: Any, rest: Any, f: Any, product: Any, turned: Any) -> None:
    """What comes down to each place, at the points of a round; and what share of it each node sends away."""
    for n in range(count):
        k, m = first + np.uintp(n), np.uintp(n) * np.uintp(POINTS)
        code, before, left = np.uint64(f.code[k]), f.before[k], (word >> np.uint64(n)) & np.uint64(1)
        away = f.away[k + k + np.uintp(left)]
        go, other = _children(code, left)
        if not (open_ >> np.uint64(n)) & np.uint64(1):
            share = alike(away)
        elif before == 1.0:
            share = times(rest, alike(away))
        else:
            share = over(times(rest, alike(before * away)), _let_through(rest, before))
        here = load(product, m)
        gone = times(here, share)
        store(turned, m, share)
        store(product, other, gone)
        store(product, go, minus(here, gone))


@inlined
def _up(  # noqa: PLR0917  arrays, as compiled code wants them
    first: Any, count: Any, word: Any, open_: Any, rest: Any, f: Any, product: Any, total: Any, turned: Any, into: Any
) -> None:
    """The leaves' sums at each node, and what its feature gains by them."""
    for back in range(count):
        n = count - np.uintp(1) - np.uintp(back)
        k, m = first + n, n * np.uintp(POINTS)
        code, before, left = np.uint64(f.code[k]), f.before[k], (word >> np.uint64(n)) & np.uint64(1)
        go, other = _children(code, left)
        way = load(total, go)
        more = minus(way, load(total, other))
        store(total, m, minus(way, times(load(turned, m), more)))
        if (open_ >> np.uint64(n)) & np.uint64(1):
            gain = times(load(product, m), more)
            if before != 1.0:
                through = _let_through(rest, before)
                gain = over(gain, times(through, through))
            into[np.uintp(code >> np.uint64(COLUMN))] += before * f.away[k + k + np.uintp(left)] * summed(gain)


@compiled
def explain(booster: int, f: Any, usual: Any, words: Any, room: Any, weight: float, into: Any) -> None:
    """Adds `weight` times what each feature adds to a booster's sum to `into` (features + 1,), the average to its last."""
    product, total, turned, added = room
    width = len(f.start) // (len(f.boosters) - 1)
    start = f.start[booster * width : (booster + 1) * width]
    for j in range(width - 1):
        into[j] += weight * start[j]
    into[len(into) - 1] += weight * start[width - 1]
    for tree in range(f.boosters[booster], f.boosters[booster + 1]):
        used, count = f.used[tree], f.used[tree + 1] - f.used[tree]
        if f.tables[tree] < 0:
            added[:count] = 0.0
            down_and_up(tree, words[tree], f, product, total, turned, added)
            for k in range(count):
                into[f.columns[used + k]] += weight * added[k]
        elif words[tree] != np.uint64(usual[tree]):
            entry = np.uintp(f.tables[tree]) + np.uintp(words[tree]) * np.uintp(count)
            for k in range(np.uintp(count)):
                into[np.uintp(f.columns[np.uintp(used) + k])] += weight * f.table[entry + k]


@compiled
def add_up(booster: int, f: Any, words: Any) -> Any:
    """The sum of a booster's trees."""
    found = 0.0
    for tree in range(f.boosters[booster], f.boosters[booster + 1]):
        if f.sums[tree] >= 0:
            found += f.total[np.uintp(f.sums[tree]) + np.uintp(words[tree])]
        else:
            found += value_of(tree, words[tree], f)
    return found


@compiled
def value_of(tree: int, word: Any, f: Any) -> Any:
    """What a tree says to a word."""
    first, place = f.begin[tree], 0
    if f.begin[tree + 1] == first:
        place = WORD
    while place < WORD:
        code = f.code[first + place]
        place = code & MASK if (word >> np.uint64(place)) & np.uint64(1) else (code >> SHIFT) & MASK
    return f.value[first + tree + place - WORD]
