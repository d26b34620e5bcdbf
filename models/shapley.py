"""Exact Shapley contributions of trees, compiled: one pass down and one up a tree for each way a row can take its nodes.

What one leaf adds is the Shapley value of the game in which a known feature keeps to its way and an unknown one goes every way
in proportion to the rows of training (path-dependent TreeSHAP; Lundberg et al. 2020, doi:10.1038/s42256-019-0138-9). With o_j
whether feature j lets the row reach the leaf and r_j the share of rows it lets through otherwise, it is, by Owen's multilinear
extension (Owen 1972, doi:10.1287/mnsc.18.5.64),

    value · (o_i - r_i) · ∫₀¹ Π_{j ≠ i} (t·o_j + (1 - t)·r_j) dt,

a polynomial in t of degree k - 1 for k features, which Gauss and Legendre's quadrature integrates exactly with ⌈k / 2⌉ points.
At each point the products grow along the way down and the leaves' sums along the way up, so that every edge of a tree is passed
twice, however many leaves hang below it (as in Linear TreeSHAP; Yu et al. 2022, arXiv:2209.08192, there with polynomials).

All of it depends on a row only by the ways it goes at the nodes of a tree. In a batch most rows share theirs with others, so
each pattern of ways is worked out once and looked up afterwards; of a small tree all patterns are worked out beforehand.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from features.compiled import compiled, inlined
from models.trees import Trees, goes_left
from models.types import Floats, Matrix

Ints = npt.NDArray[np.int32]

POINTS = 4  # of the quadrature that are worked out together; 4 serve 8 features
WORD = 64  # nodes of a tree that a pattern holds
SMALL = 8  # nodes of a tree whose 2^8 patterns are all worked out beforehand
FEW = 64  # rows up to which patterns are not looked up
BLOCK = 4096  # rows that pass through a tree together
SLOT_BITS = 13
SLOTS = 1 << SLOT_BITS  # of the table of a block's patterns, twice as many as they can be
SPREAD = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio (Knuth's multiplicative hashing)
MOST_THREADS = 8
CORES = os.cpu_count() or 1
THROUGH, STOPPED, BEFORE = 0, 1, 2  # an edge lets the row through; stops it; the same feature stopped it further up


class Walk(NamedTuple):
    """Edges of the trees, each tree's in the order of a walk from its root.

    `parent` and `above`: the edge before, and the last one above on the same feature, counted from 1 within the tree, 0 for
    none; `node` (within the tree) and `way` there; `column` among the tree's features; `value` of the leaf below, else 0.
    """

    parent: Ints
    above: Ints
    node: Ints
    way: npt.NDArray[np.uint8]
    column: Ints
    value: Floats


class Ready(NamedTuple):
    """What is known of each tree. `edges` and `used` (trees + 1,): where its edges and its `columns` begin.

    `factors`, from `places` on, has for each round of points, edge and state of the edge what the product is multiplied with
    and what the leaves' sum counts for the feature. `table`, from `tables` on (-1: not small), what each pattern of a small
    tree adds.
    """

    rounds: Ints
    edges: Ints
    used: Ints
    columns: Ints
    places: npt.NDArray[np.int64]
    factors: Floats
    tables: npt.NDArray[np.int64]
    table: Floats


@dataclass(frozen=True)
class Shapley:
    """Some trees, made ready. `averages` (trees,) is what each says on average."""

    trees: Trees
    averages: Floats
    walk: Walk
    ready: Ready

    @classmethod
    def of(cls, trees: Trees) -> Shapley | None:
        """Made ready; None where a leaf was reached by no row of training, or a tree has more than `WORD` nodes."""
        if (trees.rows <= 0).any() or (np.diff(trees.nodes.begin) > WORD).any():
            return None
        made = _Making(trees)
        for tree in range(len(trees)):
            made.add(tree)
        return made.made()

    def contributions(self, x: Matrix) -> Floats:
        """(n, features + 1) for rows x (n, features): contributions, the base last; rows sum to the trees' margin.

        The result of more than a few rows lies in memory feature by feature.
        """
        width = self.trees.features + 1
        if len(x) <= FEW:
            out = np.zeros((len(x), width))
            _each_row(x, self.trees.nodes, self.walk, self.ready, out)
        else:
            out = np.zeros((width, len(x))).T
            blocks = [slice(a, min(a + BLOCK, len(x))) for a in range(0, len(x), BLOCK)]
            threads = min(CORES, MOST_THREADS, len(blocks))
            if threads > 1:
                with ThreadPoolExecutor(threads) as pool:
                    list(pool.map(lambda rows: self._block(x[rows], out.T[:, rows]), blocks))
            else:
                for rows in blocks:
                    self._block(x[rows], out.T[:, rows])
        out[:, -1] = self.base
        return out

    @cached_property
    def base(self) -> float:
        """What all say on average."""
        return float(self.averages.sum())

    def _block(self, x: Matrix, out: Floats) -> None:
        _each_pattern(np.asfortranarray(x), self.trees.nodes, self.walk, self.ready, out)


@dataclass(frozen=True)
class _Edge:
    """`known`: the share of training's rows that all edges on this feature from the root to here let through."""

    parent: int
    above: int
    node: int
    way: bool
    child: int
    known: float
    depth: int  # features from the root to here


class _Making:
    """Trees being made ready."""

    def __init__(self, trees: Trees) -> None:
        self.trees = trees
        self.averages: list[float] = []
        self.rounds: list[int] = []
        self.edges, self.used, self.places = [0], [0], []  # type: ignore[var-annotated]
        self.found: list[_Edge] = []
        self.column: list[int] = []
        self.value: list[float] = []
        self.columns: list[int] = []
        self.factors: list[Floats] = []
        self.size = 0

    def add(self, tree: int) -> None:
        t, root = self.trees, int(self.trees.links.root[tree])
        found = [] if root < 0 else list(self._walk(root))
        depth = max((e.depth for e in found), default=1)
        rounds = -(-depth // (2 * POINTS))
        leaves = [~e.child for e in found if e.child < 0] if found else [~root]
        self.averages.append(float(t.rows[leaves] @ t.links.value[leaves] / t.rows[leaves].sum()))
        features = sorted({int(t.nodes.feature[e.node]) for e in found})
        self.columns += features
        for e in found:
            self.column.append(features.index(int(t.nodes.feature[e.node])))
            self.value.append(float(t.links.value[~e.child]) if e.child < 0 else 0.0)
        made = [_factors(e.known, found[e.above].known if e.above >= 0 else None, rounds) for e in found]
        self.factors.append(np.stack(made, axis=1).ravel() if made else np.empty(0))
        self.places.append(self.size)
        self.size += self.factors[-1].size
        self.found += found
        self.rounds.append(rounds)
        self.edges.append(len(self.found))
        self.used.append(len(self.columns))

    def _walk(self, root: int) -> Iterator[_Edge]:
        """The edges below a root, each before those below it."""
        t, made = self.trees, 0
        waiting: list[tuple[int, int, dict[int, tuple[int, float]]]] = [(root, -1, {})]
        while waiting:
            node, parent, seen = waiting.pop()
            feature = int(t.nodes.feature[node])
            above, before = seen.get(feature, (-1, 1.0))
            for way, child in ((True, int(t.links.left[node])), (False, int(t.links.right[node]))):
                rows = t.rows[~child] if child < 0 else t.count[child]
                known = before * float(rows / t.count[node])
                now = {**seen, feature: (made, known)}
                yield _Edge(parent, above, node, way, child, known, len(now))
                if child >= 0:
                    waiting.append((child, made, now))
                made += 1

    def made(self) -> Shapley:
        begin = self.trees.nodes.begin
        first = np.repeat(begin[:-1], np.diff(self.edges))

        def every(name: str) -> Ints:
            return np.array([getattr(e, name) for e in self.found], np.int32)

        walk = Walk(
            every("parent") + 1,
            every("above") + 1,
            (every("node") - first).astype(np.int32),
            every("way").astype(np.uint8),
            np.array(self.column, np.int32),
            np.array(self.value),
        )
        nodes = np.diff(begin)
        sizes = np.where(nodes <= SMALL, (1 << np.minimum(nodes, SMALL)) * np.diff(self.used), 0)
        ready = Ready(
            rounds=np.array(self.rounds, np.int32),
            edges=np.array(self.edges, np.int32),
            used=np.array(self.used, np.int32),
            columns=np.array(self.columns, np.int32),
            places=np.array(self.places, np.int64),
            factors=np.concatenate([np.empty(0), *self.factors]),
            tables=np.where(nodes <= SMALL, np.cumsum(sizes) - sizes, -1).astype(np.int64),
            table=np.zeros(int(sizes.sum())),
        )
        _fill(self.trees.nodes, walk, ready)
        return Shapley(self.trees, np.array(self.averages), walk, ready)


def _factors(known: float, before: float | None, rounds: int) -> Floats:
    """(rounds, states, 2, `POINTS`): for each state of an edge the factor of the product, and what its feature gains by it.

    `before`: the share at the last edge above on the same feature, if any, whose factor and gain this edge's replace.
    """
    t, weight = quadrature(rounds * POINTS)

    def factor(lets: float, share: float) -> Floats:
        return t * lets + (1 - t) * share

    def gain(lets: float, share: float) -> Floats:
        return weight * (lets - share) / factor(lets, share)

    old = (np.ones_like(t), np.zeros_like(t)) if before is None else (factor(1.0, before), gain(1.0, before))
    through = (factor(1.0, known) / old[0], gain(1.0, known) - old[1])
    stopped = (factor(0.0, known) / old[0], gain(0.0, known) - old[1])
    still = (np.full_like(t, known / (before or 1.0)), np.zeros_like(t))  # of who was stopped before, nothing new is known
    return np.array([through, stopped, still]).reshape(3, 2, rounds, POINTS).transpose(2, 0, 1, 3)


def quadrature(points: int) -> tuple[Floats, Floats]:
    """Points and weights over [0, 1] that are exact for polynomials of degree 2 · `points` - 1."""
    at, weights = np.polynomial.legendre.leggauss(points)
    return (at + 1) / 2, weights / 2


@inlined
def down_and_up(tree: Any, word: Any, walk: Any, ready: Any, product: Any, total: Any, state: Any, into: Any) -> None:
    """One tree for one pattern of ways; adds to `into` (the tree's features). Four points of the quadrature at a time.

    Place 0 of `product`, `total` and `state` is the root. Indices are unsigned, since a signed one is asked each time whether
    it counts from the end; the four are written out and read before anything is stored, so that they become one vector.
    """
    first, count = np.uintp(ready.edges[tree]), np.uintp(ready.edges[tree + 1] - ready.edges[tree])
    zero, one, two, three, four, size = np.uintp(0), np.uintp(1), np.uintp(2), np.uintp(3), np.uintp(4), np.uintp(24)
    state[zero] = THROUGH
    for e in range(count):
        k = first + np.uintp(e)
        stopped = np.uint8(word >> np.uint64(walk.node[k])) & np.uint8(1) != walk.way[k]
        state[np.uintp(e) + one] = np.uint8(BEFORE) if state[np.uintp(walk.above[k])] != THROUGH else np.uint8(stopped)
    factors, at = ready.factors, np.uintp(ready.places[tree])
    for _ in range(ready.rounds[tree]):
        product[zero] = product[one] = product[two] = product[three] = 1.0
        for e in range(count):
            k, mine = first + np.uintp(e), np.uintp(e) + one
            f = at + np.uintp(e) * size + np.uintp(state[mine]) * np.uintp(8)
            p, m, leaf = np.uintp(walk.parent[k]) * four, mine * four, walk.value[k]
            p0, p1, p2, p3 = product[p], product[p + one], product[p + two], product[p + three]
            f0, f1, f2, f3 = factors[f], factors[f + one], factors[f + two], factors[f + three]
            p0, p1, p2, p3 = p0 * f0, p1 * f1, p2 * f2, p3 * f3
            product[m], product[m + one], product[m + two], product[m + three] = p0, p1, p2, p3
            p0, p1, p2, p3 = p0 * leaf, p1 * leaf, p2 * leaf, p3 * leaf
            total[m], total[m + one], total[m + two], total[m + three] = p0, p1, p2, p3
        for back in range(count):
            above = count - one - np.uintp(back)
            k, mine = first + above, above + one
            f = at + above * size + np.uintp(state[mine]) * np.uintp(8) + four
            p, m = np.uintp(walk.parent[k]) * four, mine * four
            p0, p1, p2, p3 = total[p], total[p + one], total[p + two], total[p + three]
            b0, b1, b2, b3 = total[m], total[m + one], total[m + two], total[m + three]
            f0, f1, f2, f3 = factors[f], factors[f + one], factors[f + two], factors[f + three]
            into[np.uintp(walk.column[k])] += (b0 * f0 + b1 * f1) + (b2 * f2 + b3 * f3)
            p0, p1, p2, p3 = p0 + b0, p1 + b1, p2 + b2, p3 + b3
            total[p], total[p + one], total[p + two], total[p + three] = p0, p1, p2, p3
        at += count * size


@inlined
def _scratch() -> Any:
    """Room for one tree: products, sums and states."""
    places = 2 * WORD + 1
    return np.empty(places * POINTS), np.empty(places * POINTS), np.empty(places, np.uint8)


@compiled
def _fill(nodes: Any, walk: Any, ready: Any) -> None:
    """Every pattern of every small tree."""
    product, total, state = _scratch()
    for tree in range(len(ready.rounds)):
        if ready.tables[tree] < 0:
            continue
        width = ready.used[tree + 1] - ready.used[tree]
        for pattern in range(1 << (nodes.begin[tree + 1] - nodes.begin[tree])):
            begin = ready.tables[tree] + pattern * width
            down_and_up(tree, np.uint64(pattern), walk, ready, product, total, state, ready.table[begin : begin + width])


@compiled
def _each_row(x: Any, nodes: Any, walk: Any, ready: Any, out: Any) -> None:
    product, total, state = _scratch()
    into = np.empty(WORD)
    for i in range(len(x)):
        for tree in range(len(ready.rounds)):
            word, begin = np.uint64(0), nodes.begin[tree]
            for n in range(begin, nodes.begin[tree + 1]):
                word |= np.uint64(goes_left(x, i, n, nodes)) << np.uint64(n - begin)
            start, width = ready.used[tree], ready.used[tree + 1] - ready.used[tree]
            if ready.tables[tree] >= 0:
                entry = ready.tables[tree] + np.int64(word) * width
                for u in range(width):
                    out[i, ready.columns[start + u]] += ready.table[entry + u]
            else:
                into[:width] = 0.0
                down_and_up(tree, word, walk, ready, product, total, state, into)
                for u in range(width):
                    out[i, ready.columns[start + u]] += into[u]


@compiled
def _each_pattern(x: Any, nodes: Any, walk: Any, ready: Any, out: Any) -> None:
    """A block of rows, x (n, features) and out (features + 1, n), both feature by feature in memory."""
    product, total, state = _scratch()
    rows = len(x)
    words, known = np.empty(rows, np.uint64), np.empty(rows, np.uint64)
    which, slots = np.empty(rows, np.int64), np.empty(SLOTS, np.int32)
    added = np.empty(rows * WORD)
    for tree in range(len(ready.rounds)):
        words[:] = 0
        begin = nodes.begin[tree]
        for n in range(begin, nodes.begin[tree + 1]):
            for i in range(rows):
                words[i] |= np.uint64(goes_left(x, i, n, nodes)) << np.uint64(n - begin)
        start, width = ready.used[tree], ready.used[tree + 1] - ready.used[tree]
        table, offset = added, 0
        if ready.tables[tree] >= 0:
            table, offset = ready.table, ready.tables[tree]
            for i in range(rows):
                which[i] = np.int64(words[i])
        else:
            slots[:] = -1
            count = 0
            for i in range(rows):
                word = words[i]
                slot = (word * np.uint64(SPREAD)) >> np.uint64(64 - SLOT_BITS)
                while slots[slot] >= 0 and known[slots[slot]] != word:
                    slot = (slot + np.uint64(1)) & np.uint64(SLOTS - 1)
                if slots[slot] < 0:
                    slots[slot], known[count] = count, word
                    into = added[count * width : (count + 1) * width]
                    into[:] = 0.0
                    down_and_up(tree, word, walk, ready, product, total, state, into)
                    count += 1
                which[i] = slots[slot]
        for u in range(width):
            target = out[ready.columns[start + u]]
            for i in range(rows):
                target[i] += table[offset + which[i] * width + u]
