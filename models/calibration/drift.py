"""Drift: how far the leads that are scored are from those of training, feature by feature, for the features that move most.

The measure is the population stability index (PSI; Siddiqi, Credit Risk Scorecards, 2006): the sum over bins of
(p - q) ln(p / q). By custom, below 0.1 is none, above 0.25 is much.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from models.common.types import Floats, Matrix

MAX_FEATURES = 20  # features
BINS = 10  # by the deciles of training, and one for what is missing
COPY_BATCH = 64  # leads that are copied into a window at once
FEWEST = 200  # leads, in training as well as of late
WINDOW = 5_000  # leads of late
HALF = 0.5  # added to each bin, so that an empty one is rare instead of impossible


@dataclass(frozen=True)
class Drift:
    """What `features` were like in training. `columns` (k,) of x; `edges` between bins and `counts` in them, per feature, the
    last count being that of what is missing; `weights` (k,) sum to 1: how much each moves the score. `ranges`: the smallest and
    the largest number of each attribute."""

    features: tuple[str, ...]
    columns: npt.NDArray[np.intp]
    edges: tuple[Floats, ...]
    counts: tuple[Floats, ...]
    weights: Floats
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def learn(cls, x: Matrix, contributions: Floats, names: Sequence[str]) -> Drift | None:
        """From held-out rows `x` (n, features) and their `contributions` (n, features + 1); None for too few of them."""
        if len(x) < FEWEST:
            return None
        strength = np.abs(contributions[:, :-1]).mean(axis=0)
        columns = np.argsort(-strength, kind="stable")[:MAX_FEATURES]
        columns = columns[strength[columns] > 0]
        if not len(columns):
            return None
        edges = tuple(_edges(x[:, column]) for column in columns)
        counts = tuple(_counts(x[:, column], bin_edges) for column, bin_edges in zip(columns, edges, strict=True))
        weights = strength[columns] / strength[columns].sum()
        return cls(tuple(names[c] for c in columns), columns.astype(np.intp), edges, counts, weights, _ranges(x, names))

    def measure(self, rows: Matrix) -> DriftIndex:
        """Rows (n, k) of these features against training."""
        indexes = [
            _stability_index(counts, _counts(rows[:, i], edges))
            for i, (edges, counts) in enumerate(zip(self.edges, self.counts, strict=True))
        ]
        return DriftIndex(float(self.weights @ np.array(indexes)), dict(zip(self.features, indexes, strict=True)))

    def to_dict(self) -> dict[str, Any]:
        return {
            "features": list(self.features),
            "columns": self.columns.tolist(),
            "edges": [e.tolist() for e in self.edges],
            "counts": [c.tolist() for c in self.counts],
            "weights": self.weights.tolist(),
            "ranges": {name: list(span) for name, span in self.ranges.items()},
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Drift:
        return cls(
            tuple(saved["features"]),
            np.array(saved["columns"], np.intp),
            tuple(np.array(e, np.float64) for e in saved["edges"]),
            tuple(np.array(c, np.float64) for c in saved["counts"]),
            np.array(saved["weights"], np.float64),
            {name: (low, high) for name, (low, high) in saved.get("ranges", {}).items()},
        )


@dataclass(frozen=True)
class DriftIndex:
    """The index of each feature, and over all of them by their weights."""

    overall: float
    features: Mapping[str, float]


class Window:
    """The last leads that were scored. `see` keeps what it is given: copying waits for more, counting until somebody asks."""

    def __init__(self, drift: Drift, size: int = WINDOW) -> None:
        self._drift = drift
        self._rows = np.full((size, len(drift.columns)), np.nan, np.float32)
        self._position = self._count = self._waiting = 0
        self._pending: list[Matrix] = []
        self._lock = threading.Lock()  # large requests are scored in threads

    @property
    def leads(self) -> int:
        """How many there are, at most as many as the window has room for."""
        return min(self._count + self._waiting, len(self._rows))

    def see(self, x: Matrix) -> None:
        """Leads (n, features) that were scored; what `x` holds must not change any more."""
        with self._lock:
            self._pending.append(x)
            self._waiting += len(x)
            if self._waiting >= COPY_BATCH:
                self._flush()

    def _flush(self) -> None:
        """Into the window with those that wait."""
        rows = np.concatenate([x[-len(self._rows) :][:, self._drift.columns] for x in self._pending])[-len(self._rows) :]
        self._pending.clear()
        self._waiting = 0
        head = min(len(rows), len(self._rows) - self._position)
        self._rows[self._position : self._position + head] = rows[:head]
        self._rows[: len(rows) - head] = rows[head:]
        self._position = (self._position + len(rows)) % len(self._rows)
        self._count = min(self._count + len(rows), len(self._rows))

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self._pending.clear()
            self._position = self._count = self._waiting = 0

    def drift(self) -> DriftIndex | None:
        """Against training; None until there are enough leads."""
        with self._lock:
            if self._pending:
                self._flush()
            if self._count < FEWEST:
                return None
            rows = self._rows[: self._count].copy()
        return self._drift.measure(rows)


def _ranges(x: Matrix, names: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Of attributes that are numbers, the smallest and the largest in x (n, features)."""
    ranges = {}
    for column, name in enumerate(names):
        if name.startswith(("lead.", "company.")) and "=" not in name:
            values = x[:, column][np.isfinite(x[:, column])]
            if len(values):
                ranges[name] = float(values.min()), float(values.max())
    return ranges


def _edges(column: Matrix) -> Floats:
    values = column[~np.isnan(column)].astype(np.float64)
    if not len(values):
        return np.zeros(0)
    return np.unique(np.quantile(values, np.arange(1, BINS) / BINS, method="higher"))


def _counts(column: Matrix, edges: Floats) -> Floats:
    missing = np.isnan(column)
    places = edges.searchsorted(column[~missing].astype(np.float64), side="right")
    return np.append(np.bincount(places, minlength=len(edges) + 1), missing.sum()).astype(np.float64)


def _stability_index(expected: Floats, actual: Floats) -> float:
    p, q = ((counts + HALF) / (counts + HALF).sum() for counts in (expected, actual))
    return float(((q - p) * np.log(q / p)).sum())
