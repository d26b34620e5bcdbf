"""Exact Shapley contributions of trees, compiled: one pass down and one up a tree for each way a row can take its nodes.

What one leaf adds is the Shapley value of the game in which a known feature keeps to its way and an unknown one goes every way
in proportion to the rows of training (path-dependent TreeSHAP; Lundberg et al. 2020, doi:10.1038/s42256-019-0138-9). With o_j
whether feature j lets the row reach the leaf and r_j the share of rows it lets through otherwise, it is, by Owen's multilinear
extension (Owen 1972, doi:10.1287/mnsc.18.5.64),

    value · (o_i - r_i) · ∫₀¹ Π_{j ≠ i} (t·o_j + (1 - t)·r_j) dt,

a polynomial in t of degree k - 1 for k features, which Gauss and Legendre's quadrature integrates exactly with ⌈k / 2⌉ points.
At each point, and at eight of them at once, the products grow along the way down and the leaves' sums along the way up, so
that every node of a tree is passed twice, however many leaves hang below it (as in Linear TreeSHAP; Yu et al. 2022,
arXiv:2209.08192, there with polynomials).

At a node both ways share a factor. Say a share r of the rows came through all nodes above that ask the same feature (1 if there
are none), a share s of those goes the other way than the row, P is the product down to here and D by how much more the leaves
below say on the row's way than on the other. With F = t + (1 - t)·r the row's way is passed on 1 - u and the other u, where
u = (1 - t)·r·s / F, and the node adds r·s·∫ P·D / F² dt to its feature. Where a node above with that feature already sent the
row elsewhere, u = s and it adds nothing.

All of it depends on a row only by the ways it goes at the nodes of a tree. In a batch most rows share theirs with others, so
each pattern of ways is worked out once and memoised; of a small tree all patterns are worked out beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from features.common.compiled import compiled, packed
from features.common.threads import CORES, MOST_THREADS
from models.common.types import Floats, Matrix
from models.learners import forest as k
from models.learners.forest import SMALL, WORD, Forest, add_contributions, explain, unpacked, value_of
from models.learners.switches import Switches, turn
from models.learners.trees import MISSING_NAN, MISSING_ZERO, ZERO, Nodes, Trees

SMALL_BATCH = 64  # rows up to which patterns are not looked up
BLOCK = 4096  # rows that pass through a tree together
MIN_BLOCK = 256  # rows for which another thread is worth its start
SLOT_BITS = 13
SLOTS = 1 << SLOT_BITS  # of the hash table of a block's patterns, twice as many as they can be
SPREAD = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio (Knuth's multiplicative hashing)


@dataclass(frozen=True)
class Shapley:
    """Some trees, made ready: `integers` and `real` are what `models.learners.forest.unpacked` takes apart."""

    trees: Trees
    integers: npt.NDArray[np.int64]
    real: Floats

    @classmethod
    def from_trees(cls, trees: Trees, boosters: Sequence[int] = (0,), sets: Sequence[int] = (0,)) -> Shapley | None:
        """Made ready; None where a leaf was reached by no row of training, or a tree has more than `WORD` nodes.

        `boosters` and `sets`: the first tree of each, the latter for `models.learners.switches`; without them all trees are
        one.
        """
        if (trees.rows <= 0).any() or (np.diff(trees.nodes.begin) > WORD).any():
            return None
        forest = _ForestBuilder(trees, np.array([*boosters, len(trees)], np.int64)).build()
        switches = Switches.from_trees(trees, np.array(sets, np.int64))
        _fill(forest, switches.words, trees.features + 1)
        integers = [*forest[:8], *switches[:-3]]
        return cls(trees, packed(integers, np.int64), packed([*forest[8:], *switches[-3:]], np.float64))

    def contributions(self, x: Matrix) -> Floats:
        """(n, features + 1) for rows x (n, features): contributions, the base last; rows sum to the trees' margin.

        The result of more than a few rows lies in memory feature by feature.
        """
        width = self.trees.features + 1
        if len(x) <= SMALL_BATCH:
            out = np.empty((len(x), width))
            _each_row(x, self.integers, self.real, out)
            return out
        out = np.zeros((width, len(x))).T
        size = min(BLOCK, max(-(-len(x) // min(CORES, MOST_THREADS)), MIN_BLOCK))
        blocks = [slice(a, min(a + size, len(x))) for a in range(0, len(x), size)]
        threads = min(CORES, MOST_THREADS, len(blocks))
        if threads > 1:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(lambda rows: self._block(x[rows], out.T[:, rows]), blocks))
        else:
            for rows in blocks:
                self._block(x[rows], out.T[:, rows])
        return out

    @cached_property
    def _split_features(self) -> tuple[npt.NDArray[np.intp], Nodes]:
        """The features that any tree asks, and the nodes with their places among those."""
        split_features, positions = np.unique(self.trees.nodes.feature, return_inverse=True)
        return split_features.astype(np.intp), self.trees.nodes._replace(feature=positions.astype(np.int32))

    def _block(self, x: Matrix, out: Floats) -> None:
        """Features that no tree asks are neither read nor written."""
        split_features, nodes = self._split_features
        _each_pattern(np.take(x.T, split_features, axis=0).T, nodes, self.integers, self.real, split_features, out)


class _ForestBuilder:
    """Trees being made ready."""

    def __init__(self, trees: Trees, boosters: npt.NDArray[np.int64]) -> None:
        self.trees, self.boosters = trees, boosters
        count = len(trees.count)
        self.code, self.opposite_share, self.upstream_share = np.zeros(count, np.int64), np.ones((count, 2)), np.ones(count)
        self.rounds: list[int] = []
        self.used = [0]
        self.columns: list[int] = []
        self.average: list[float] = []

    def tree(self, tree: int) -> None:
        """A node stands before those below it, as LightGBM grows trees."""
        t = self.trees
        begin, end = int(t.nodes.begin[tree]), int(t.nodes.begin[tree + 1])
        features = sorted(set(t.nodes.feature[begin:end].tolist()))
        # of each node: feature → the last node above that asks it, the way from there, and the share of rows let through so far
        paths: list[dict[int, tuple[int, bool, float]]] = [{} for _ in range(end - begin)]
        deepest = 1
        for n in range(begin, end):
            feature, path = int(t.nodes.feature[n]), paths[n - begin]
            children = int(t.links.left_child[n]), int(t.links.right_child[n])
            shares = [float(t.rows[~c] if c < 0 else t.count[c]) / float(t.count[n]) for c in children]
            ancestor, side, upstream_share = path.get(feature, (0, False, 1.0))
            places = [c - begin if c >= 0 else WORD + ~c - (begin + tree) for c in children]
            self.opposite_share[n], self.upstream_share[n] = shares, upstream_share
            self.code[n] = (
                places[0] | places[1] << k.SHIFT | ancestor << k.ANCESTOR | side << k.SIDE | (feature in path) << k.REPEATED
                | features.index(feature) << k.COLUMN
            )  # fmt: skip
            for left_side, child, share in zip((True, False), children, shares, strict=True):
                child_path = {**path, feature: (n - begin, left_side, upstream_share * share)}
                deepest = max(deepest, len(child_path))
                if child >= 0:
                    paths[child - begin] = child_path
        leaves = slice(begin + tree, end + tree + 1)
        self.average.append(float(t.rows[leaves] @ t.links.value[leaves] / t.rows[leaves].sum()))
        self.rounds.append(-(-deepest // (2 * k.POINTS)))
        self.columns += features
        self.used.append(len(self.columns))

    def build(self) -> Forest:
        for tree in range(len(self.trees)):
            self.tree(tree)
        begin = self.trees.nodes.begin.astype(np.int64)
        nodes, used = np.diff(begin), np.array(self.used, np.int64)
        words = np.where(nodes <= SMALL, 1 << np.minimum(nodes, SMALL), 0)
        entries = words * np.diff(used)
        quadratures = [quadrature(rounds * k.POINTS) for rounds in range(1, max(self.rounds, default=1) + 1)]
        width = self.trees.features + 1
        start = np.zeros((len(self.boosters) - 1, width))
        start[:, -1] = [sum(self.average[a:b]) for a, b in zip(self.boosters[:-1], self.boosters[1:], strict=True)]
        return Forest(
            begin, self.boosters, np.array(self.rounds, np.int64), used, np.array(self.columns, np.int64),
            np.where(nodes <= SMALL, np.cumsum(entries) - entries, -1), np.where(nodes <= SMALL, np.cumsum(words) - words, -1),
            self.code, self.opposite_share.ravel(), self.upstream_share, self.trees.links.value,
            np.concatenate([1 - abscissae for abscissae, _ in quadratures]),
            np.concatenate([weight for _, weight in quadratures]),
            np.zeros(int(entries.sum())), np.zeros(int(words.sum())), start.ravel(),
        )  # fmt: skip


def quadrature(points: int) -> tuple[Floats, Floats]:
    """Points and weights over [0, 1] that are exact for polynomials of degree 2 · `points` - 1."""
    abscissae, weights = np.polynomial.legendre.leggauss(points)
    return (abscissae + 1) / 2, weights / 2


@compiled
def _fill(f: Any, usual_words: Any, width: int) -> None:
    """Every word of every small tree: its sum, and its contributions as differences to the usual word's, which go to the
    start."""
    product, total, turned, _ = k.room()
    for booster in range(len(f.boosters) - 1):
        for tree in range(f.boosters[booster], f.boosters[booster + 1]):
            if f.tables[tree] < 0:
                continue
            used, count = f.used[tree], f.used[tree + 1] - f.used[tree]
            for word in range(1 << (f.begin[tree + 1] - f.begin[tree])):
                begin = f.tables[tree] + word * count
                add_contributions(tree, np.uint64(word), f, product, total, turned, f.table[begin : begin + count])
                f.total[f.sums[tree] + word] = value_of(tree, np.uint64(word), f)
            begin = f.tables[tree] + usual_words[tree] * count
            common = f.table[begin : begin + count].copy()
            for j in range(count):
                f.start[booster * width + f.columns[used + j]] += common[j]
            for word in range(1 << (f.begin[tree + 1] - f.begin[tree])):
                for j in range(count):
                    f.table[f.tables[tree] + word * count + j] -= common[j]


@compiled
def _each_row(x: Any, integers: Any, real: Any, out: Any) -> None:
    f, switches = unpacked(integers, real)
    room, words = k.room(), np.empty(len(f.rounds), np.uint64)
    out[:] = 0.0
    for i in range(len(x)):
        for tree in range(len(words)):
            words[tree] = np.uint64(switches.words[tree])
        turn(x[i], 0, switches, words)
        explain(0, f, switches.words, words, room, 1.0, out[i])


@compiled
def _add_ways(values: Any, n: int, nodes: Any, bit: Any, words: Any) -> None:
    """LightGBM's decision at node n (`models.learners.trees.branches_left`) for the values (n,) of its column: `bit` in the
    words of those that go left. A loop for each kind of missing value, so that they become vectors."""
    threshold, missing, default = nodes.threshold[n], nodes.missing[n], nodes.default_left[n] == 1
    for i in range(len(words)):
        value = values[i]
        if missing == MISSING_NAN:
            left_side = default if np.isnan(value) else value <= threshold
        elif missing == MISSING_ZERO:
            left_side = default if np.isnan(value) or abs(value) <= ZERO else value <= threshold
        else:
            left_side = (0.0 if np.isnan(value) else value) <= threshold
        words[i] |= bit if left_side else np.uint64(0)


@compiled
def _each_pattern(x: Any, nodes: Any, integers: Any, real: Any, split_features: Any, out: Any) -> None:
    """A block of rows, x (n, split features) and out (features + 1, n) of zeros, both feature by feature in memory."""
    f, _ = unpacked(integers, real)
    rows = len(x)
    product, total, turned, _ = k.room()
    words, patterns = np.empty(rows, np.uint64), np.empty(rows, np.uint64)
    pattern_index, slots = np.empty(rows, np.int64), np.empty(SLOTS, np.int32)
    added = np.empty(rows * WORD)
    out[len(out) - 1] = f.start[len(out) - 1]
    for j in split_features:
        out[j] = f.start[j]
    for tree in range(len(f.rounds)):
        words[:] = 0
        begin = f.begin[tree]
        for n in range(begin, f.begin[tree + 1]):
            _add_ways(x[:, nodes.feature[n]], n, nodes, np.uint64(1) << np.uint64(n - begin), words)
        start, width = f.used[tree], f.used[tree + 1] - f.used[tree]
        table, offset = added, 0
        if f.tables[tree] >= 0:
            table, offset = f.table, f.tables[tree]
            for i in range(rows):
                pattern_index[i] = np.int64(words[i])
        else:
            slots[:] = -1
            count = 0
            for i in range(rows):
                word = words[i]
                slot = (word * np.uint64(SPREAD)) >> np.uint64(64 - SLOT_BITS)
                while slots[slot] >= 0 and patterns[slots[slot]] != word:
                    slot = (slot + np.uint64(1)) & np.uint64(SLOTS - 1)
                if slots[slot] < 0:
                    slots[slot], patterns[count] = count, word
                    contributions = added[count * width : (count + 1) * width]
                    contributions[:] = 0.0
                    add_contributions(tree, word, f, product, total, turned, contributions)
                    count += 1
                pattern_index[i] = slots[slot]
        for u in range(width):
            target = out[f.columns[start + u]]
            for i in range(rows):
                target[i] += table[offset + pattern_index[i] * width + u]
