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

All of it depends on a row only by the ways it goes at the nodes of a tree; of a small tree all patterns of ways are worked out
beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.common.compiled import compiled, packed
from features.common.threads import by_rows
from models.common.types import Floats, Matrix
from models.learners import forest as k
from models.learners.forest import SMALL, WORD, Forest, add_contributions, explain, unpacked, value_of
from models.learners.switches import Switches, turn
from models.learners.trees import Trees


@dataclass(frozen=True)
class Shapley:
    """Some trees, made ready: `integers` and `reals` are what `models.learners.forest.unpacked` takes apart."""

    trees: Trees
    integers: npt.NDArray[np.int64]
    reals: Floats

    @classmethod
    def from_trees(cls, trees: Trees, boosters: Sequence[int] = (0,)) -> Shapley | None:
        """Made ready; None where a leaf was reached by no row of training, or a tree has more than `WORD` nodes.

        `boosters`: the first tree of each; without them all trees are one.
        """
        if (trees.rows <= 0).any() or (np.diff(trees.nodes.begin) > WORD).any():
            return None
        forest = _ForestBuilder(trees, np.array([*boosters, len(trees)], np.int64)).build()
        switches = Switches.from_trees(trees)
        _fill(forest, switches.words, trees.features + 1)
        integers = [*forest[:8], *switches[:-3]]
        return cls(trees, packed(integers, np.int64), packed([*forest[8:], *switches[-3:]], np.float64))

    def contributions(self, x: Matrix) -> Floats:
        """(n, features + 1) for rows x (n, features): contributions, the base last; rows sum to the trees' margin."""
        x, out = np.ascontiguousarray(x), np.zeros((len(x), self.trees.features + 1))
        by_rows(lambda rows: _each_row(x[rows], self.integers, self.reals, out[rows]), len(x))
        return out


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
        start = np.zeros((len(self.boosters) - 1, self.trees.features + 1))
        start[:, -1] = [sum(self.average[a:b]) for a, b in zip(self.boosters[:-1], self.boosters[1:], strict=True)]
        return Forest(
            begin, self.boosters, np.array(self.rounds, np.int64), used, np.array(self.columns, np.int64),
            np.where(nodes <= SMALL, np.cumsum(entries) - entries, -1), np.where(nodes <= SMALL, np.cumsum(words) - words, -1),
            self.code, self.opposite_share.ravel(), self.upstream_share, self.trees.links.value,
            np.concatenate([1 - abscissae for abscissae, _ in quadratures]),
            np.concatenate([weight for _, weight in quadratures]), np.zeros(int(entries.sum())),
            np.zeros(int(words.sum())), start.ravel(),
        )  # fmt: skip


def quadrature(points: int) -> tuple[Floats, Floats]:
    """Points and weights over [0, 1] that are exact for polynomials of degree 2 · `points` - 1."""
    abscissae, weights = np.polynomial.legendre.leggauss(points)
    return (abscissae + 1) / 2, weights / 2


@compiled
def _fill(f: Any, usual_words: Any, width: int) -> None:
    """Every word of every small tree: its contributions, as differences to the usual word's, which go to the start, and its
    sum."""
    product, total, turned, _ = k.room()
    for booster in range(len(f.boosters) - 1):
        start = f.start[booster * width : (booster + 1) * width]
        for tree in range(f.boosters[booster], f.boosters[booster + 1]):
            if f.tables[tree] < 0:
                continue
            used, count, words = f.used[tree], f.used[tree + 1] - f.used[tree], 1 << (f.begin[tree + 1] - f.begin[tree])
            table = f.table[f.tables[tree] : f.tables[tree] + words * count].reshape((words, count))
            for word in range(words):
                add_contributions(tree, np.uint64(word), f, product, total, turned, table[word])
                f.total[f.sums[tree] + word] = value_of(tree, np.uint64(word), f)
            usual = table[usual_words[tree]].copy()
            table -= usual
            for j in range(count):
                start[f.columns[used + j]] += usual[j]


@compiled
def _each_row(x: Any, integers: Any, reals: Any, out: Any) -> None:
    f, switches = unpacked(integers, reals)
    room, words = k.room(), np.empty(len(f.rounds), np.uint64)
    for i in range(len(x)):
        turn(x[i], switches, words)
        explain(0, f, switches.words, words, room, 1.0, out[i])
