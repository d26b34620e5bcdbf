"""LightGBM's trees as flat arrays, read from its own text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.common.types import Floats

Ints = npt.NDArray[np.int32]

DEFAULT_LEFT = 2  # bit of a decision type; the two bits above it are the kind of missing value
MISSING_ZERO, MISSING_NAN = 1, 2


class Nodes(NamedTuple):
    """Inner nodes, tree after tree: `begin` (trees + 1,) where each tree's begin, the rest (nodes,). A row goes left where its
    value is at most the threshold, and where it is missing and `absent_left`."""

    begin: Ints
    feature: Ints
    threshold: Floats
    absent_left: npt.NDArray[np.bool_]


class Links(NamedTuple):
    """How trees hang together: a child is the index of a node, or ~index of a leaf."""

    left_child: Ints
    right_child: Ints
    value: Floats  # (leaves,)


@dataclass(frozen=True)
class Trees:
    """Trees one after another. `count` (nodes,) and `rows` (leaves,): rows of training that came by."""

    features: int
    nodes: Nodes
    links: Links
    count: Floats
    rows: Floats

    @classmethod
    def read(cls, text: str) -> Trees | None:
        """Of a booster's text (`model_to_string`); None where it holds what these arrays cannot: categorical splits, linear
        leaves, averages of trees, zeros that are taken as missing.
        """
        head, *bodies = text.split("\nTree=")
        parsed = [_fields(body.partition("\nend of trees")[0]) for body in bodies]
        strange = any(tree.get("is_linear", "0") != "0" or tree.get("num_cat", "0") != "0" for tree in parsed)
        kinds = _field_values(parsed, "decision_type").astype(np.uint8)
        missing = (kinds >> 2) & 3
        if strange or "\naverage_output" in head or (missing == MISSING_ZERO).any():
            return None
        begin = np.cumsum([0, *(int(tree["num_leaves"]) - 1 for tree in parsed)]).astype(np.int32)
        leaf_begin = np.cumsum([0, *(int(tree["num_leaves"]) for tree in parsed)]).astype(np.int32)
        threshold = _field_values(parsed, "threshold")
        # without a way of its own a missing value is taken as 0
        absent_left = np.where(missing == MISSING_NAN, (kinds & DEFAULT_LEFT) > 0, threshold >= 0.0)
        nodes = Nodes(begin, _field_values(parsed, "split_feature").astype(np.int32), threshold, absent_left)
        links = Links(
            _children(parsed, "left_child", begin, leaf_begin),
            _children(parsed, "right_child", begin, leaf_begin),
            _field_values(parsed, "leaf_value"),
        )
        rows = _field_values(parsed, "leaf_count", "1")  # a tree that is one leaf does not say
        return cls(int(_fields(head)["max_feature_idx"]) + 1, nodes, links, _field_values(parsed, "internal_count"), rows)

    @classmethod
    def joined(cls, boosters: Sequence[Trees]) -> Trees:
        """The trees of several boosters, one booster after another."""
        nodes, links = [t.nodes for t in boosters], [t.links for t in boosters]
        node_offset = np.cumsum([0, *(len(t.count) for t in boosters)])
        leaf_offset = np.cumsum([0, *(len(t.rows) for t in boosters)])

        def moved(children: Sequence[Ints]) -> Ints:
            parts = [np.where(child >= 0, child + node_offset[i], child - leaf_offset[i]) for i, child in enumerate(children)]
            return _end_to_end(parts, np.int32)

        return cls(
            max((t.features for t in boosters), default=0),
            Nodes(
                np.append(
                    _end_to_end([n.begin[:-1] + node_offset[i] for i, n in enumerate(nodes)], np.int32),
                    np.int32(node_offset[-1]),
                ),
                _end_to_end([n.feature for n in nodes], np.int32),
                _end_to_end([n.threshold for n in nodes], np.float64),
                _end_to_end([n.absent_left for n in nodes], np.bool_),
            ),
            Links(
                moved([k.left_child for k in links]),
                moved([k.right_child for k in links]),
                _end_to_end([k.value for k in links], np.float64),
            ),
            _end_to_end([t.count for t in boosters], np.float64),
            _end_to_end([t.rows for t in boosters], np.float64),
        )

    def __len__(self) -> int:
        return len(self.nodes.begin) - 1


def _fields(text: str) -> Mapping[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def _field_values(parsed: Sequence[Mapping[str, str]], name: str, default: str = "") -> Floats:
    arrays = [np.array(tree.get(name, default).split(), np.float64) for tree in parsed]
    return np.concatenate([np.empty(0), *arrays])


def _children(parsed: Sequence[Mapping[str, str]], name: str, begin: Ints, leaf_begin: Ints) -> Ints:
    """Indices within a tree → indices over all."""
    children = [np.array(tree.get(name, "").split(), np.int64) for tree in parsed]
    moved = [np.where(child >= 0, child + begin[i], child - leaf_begin[i]) for i, child in enumerate(children)]
    return np.concatenate([np.empty(0, np.int64), *moved]).astype(np.int32)


def _end_to_end(parts: Sequence[npt.NDArray[Any]], dtype: type[np.generic]) -> npt.NDArray[Any]:
    return np.concatenate([np.empty(0, dtype), *parts]).astype(dtype)
