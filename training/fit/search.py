"""LightGBM's hyperparameter search: bounded in trials and minutes, judged by log loss on later rows of other accounts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optuna

from models.common.types import Examples, Floats
from models.learners.gbm import gbm_learner

MOST_ROWS = 20_000  # settings are found on so many rows at most; the fit itself uses all

USUAL: dict[str, Any] = {"min_data_in_leaf": 40, "lambda_l2": 10.0, "feature_fraction": 0.5}
SIMPLE = (4, 7, 15)  # leaves tried first; the last is what the search begins with where there are many rows


def search(
    sides: Sequence[tuple[Examples, Examples]],
    *,
    trials: int,
    minutes: float,
    seed: int,
    tick: Callable[[], None] | None = None,
) -> dict[str, Any]:
    """Settings for (train, later) pairs in the order of time: the fewest leaves as good as the best.

    All pairs judge where they are small, else the newest alone. Small trees come first, then what Optuna's TPE proposes
    (Bergstra et al. 2011); of all that are no worse than the best beyond a standard error of the difference (Breiman et al.
    1984), the one with the fewest leaves is taken: with few rows that is a small tree, with many the best.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    judges = sides if sum(len(train) for train, _ in sides) <= MOST_ROWS else sides[-1:]
    judges = [(_sample(train, seed), later) for train, later in judges]
    tried: list[tuple[dict[str, Any], Floats]] = []

    def objective(trial: optuna.Trial) -> float:
        params = {
            "num_leaves": trial.suggest_int("num_leaves", 4, 40, log=True),
            "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 10, 200, log=True),
            "lambda_l2": trial.suggest_float("lambda_l2", 0.5, 100.0, log=True),
            "feature_fraction": trial.suggest_float("feature_fraction", 0.15, 0.9),
        }
        losses = np.concatenate([_losses(train, later, params) for train, later in judges])
        tried.append((params, losses))
        if tick:
            tick()
        return float(losses.mean())

    study = optuna.create_study(direction="minimize", sampler=optuna.samplers.TPESampler(seed=seed))
    first = SIMPLE if len(judges) > 1 else SIMPLE[::-1]
    for leaves in first[: max(trials, 1)]:
        study.enqueue_trial({"num_leaves": leaves, **USUAL})
    study.optimize(objective, n_trials=trials, timeout=60 * minutes)
    return simplest_as_good(tried)


def simplest_as_good(tried: Sequence[tuple[dict[str, Any], Floats]]) -> dict[str, Any]:
    """Of settings with the losses (n,) they had on the same rows, the fewest leaves no worse than the best beyond doubt."""
    best = min(tried, key=lambda one: one[1].sum())[1]
    good = [(params, losses) for params, losses in tried if _behind(losses - best)]
    return min(good, key=lambda one: (one[0]["num_leaves"], one[1].sum()))[0]


def _behind(difference: Floats) -> bool:
    return bool(difference.sum() <= difference.std() * np.sqrt(len(difference)))


def _losses(train: Examples, later: Examples, params: dict[str, Any]) -> Floats:
    """Weighted log loss of each later row (n,)."""
    margin = gbm_learner(train, params, later=later).margin(later.x)
    return np.asarray(later.weight * np.logaddexp(0, np.where(later.y, -margin, margin)), np.float64)


def _sample(train: Examples, seed: int) -> Examples:
    if len(train) <= MOST_ROWS:
        return train
    rows = np.random.default_rng(seed).choice(len(train), MOST_ROWS, replace=False)
    return train.take(np.sort(rows))
