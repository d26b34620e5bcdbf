"""Naive Bayes: scikit-learn's `CategoricalNB`, numbers cut into bins so that a missing one is a value too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.naive_bayes import CategoricalNB

from models.common.types import TINY, Flags, Floats, Matrix
from training.fit.baselines import Rate

BINS = 5  # of equal numbers of rows


@dataclass(frozen=True)
class Binned:
    """How rows become codes: the first `sizes` columns are categories already, the others are cut at `edges`; 0 is missing."""

    sizes: tuple[int, ...]
    edges: tuple[Floats, ...]

    @classmethod
    def learn(cls, x: Floats, sizes: tuple[int, ...]) -> Binned:
        """Edges between bins of equal numbers of known rows; a value that fills several bins makes one of them."""
        return cls(sizes, tuple(_edges(column) for column in x[:, len(sizes) :].T))

    @property
    def counts(self) -> list[int]:
        """How many codes each column can have."""
        return [*(size + 1 for size in self.sizes), *(len(edges) + 2 for edges in self.edges)]

    def codes(self, x: Floats) -> npt.NDArray[np.int64]:
        """Rows (n, columns) → codes (n, columns)."""
        first = len(self.sizes)
        out = np.empty(x.shape, np.int64)
        out[:, :first] = np.where(np.isnan(x[:, :first]), 0, x[:, :first] + 1)
        for number, edges in enumerate(self.edges, start=first):
            column = x[:, number]
            out[:, number] = np.where(np.isnan(column), 0, np.searchsorted(edges, column, side="left") + 1)
        return out


def _edges(column: Floats) -> Floats:
    known = column[~np.isnan(column)]
    return np.unique(np.quantile(known, np.arange(1, BINS) / BINS, method="lower")) if len(known) else np.empty(0)


@dataclass(frozen=True)
class Bayes:
    """A fitted naive Bayes; fits `models.calibration.chain.Conditional`."""

    binned: Binned
    classifier: CategoricalNB

    def probability(self, x: Matrix) -> Floats:
        found = self.classifier.predict_proba(self.binned.codes(np.asarray(x, np.float64)))
        return np.clip(np.asarray(found, np.float64)[:, 1], TINY, 1 - TINY)


def fit_bayes(x: Matrix, y: Flags, sizes: tuple[int, ...]) -> Bayes | Rate:
    """scikit-learn's defaults (Laplace's smoothing) on rows x (n, columns); the first columns are categories of these sizes."""
    if y.all() or not y.any():
        return Rate(float(np.clip(y.mean(), TINY, 1 - TINY)))
    values = np.asarray(x, np.float64)
    binned = Binned.learn(values, sizes)
    return Bayes(binned, CategoricalNB(min_categories=binned.counts).fit(binned.codes(values), y))
