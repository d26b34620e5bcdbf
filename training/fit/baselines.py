"""Baselines: what a data scientist gets from libraries in five lines, on the very same rows. Defaults, uncalibrated."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from models.common.level_effects import NO_LEVELS, LevelEffects
from models.common.types import TINY, Examples, Floats, Matrix
from models.learners.gbm import allowed
from training.fit.level_statistics import with_level_statistics

BASELINES = ("logistic", "lightgbm-default")


@dataclass(frozen=True)
class Baseline:
    """A fitted scikit-learn classifier; fits `models.calibration.chain.Conditional`."""

    classifier: Any
    levels: LevelEffects = NO_LEVELS

    def probability(self, x: Matrix) -> Floats:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # LightGBM's wrapper misses column names that were never given
            probabilities = self.classifier.predict_proba(np.ascontiguousarray(self.levels.apply(x)))
        return np.clip(np.asarray(probabilities, np.float64)[:, 1], TINY, 1 - TINY)


@dataclass(frozen=True)
class Rate:
    """The base rate, for a transition with one outcome only."""

    rate: float

    def probability(self, x: Matrix) -> Floats:
        return np.full(len(x), self.rate)


def fit_baseline(name: str, train: Examples, seed: int) -> Baseline | Rate:
    """`logistic`: scaled, mean-imputed with indicators, scikit-learn's defaults. `lightgbm-default`: LGBMClassifier()."""
    if train.y.all() or not train.y.any():
        return Rate(float(np.clip(train.y.mean(), TINY, 1 - TINY)))
    train, levels = with_level_statistics(train)
    if name == "logistic":
        imputer = SimpleImputer(add_indicator=True, keep_empty_features=True)
        classifier = make_pipeline(imputer, StandardScaler(), LogisticRegression(max_iter=200))
    else:
        classifier = lgb.LGBMClassifier(verbosity=-1, random_state=seed, n_jobs=allowed() or None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier.fit(np.ascontiguousarray(train.x), train.y)
    return Baseline(classifier, levels)
