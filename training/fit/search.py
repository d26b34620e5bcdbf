"""LightGBM's hyperparameter search: bounded in trials, judged by log loss on later rows of other accounts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna

from models.common.types import Examples, Floats
from models.learners.gbm import BinnedExamples, gbm_learner

MOST_ROWS = 20_000  # settings are found on so many rows at most; the fit itself uses all

DEFAULT_PARAMS: dict[str, Any] = {"min_data_in_leaf": 40, "lambda_l2": 10.0, "feature_fraction": 0.5}
SIMPLE = (4, 7, 15)  # leaves tried first; the last is what the search begins with where there are many rows


@dataclass(frozen=True)
class SearchResult:
    """LightGBM's settings, and in words where the limit in minutes ended the search before all its trials."""

    params: dict[str, Any]
    stopped: str = ""


def search(
    sides: Sequence[tuple[Examples, Examples]],
    *,
    trials: int,
    minutes: float | None,
    seed: int,
    tick: Callable[[], None] | None = None,
) -> SearchResult:
    """Settings for (train, validation) pairs in the order of time: the fewest leaves as good as the best.

    All pairs judge where they are small, else the newest alone. Small trees come first, then what Optuna's TPE proposes
    (Bergstra et al. 2011); of all that are no worse than the best beyond a standard error of the difference (Breiman et al.
    1984), the one with the fewest leaves is taken: with few rows that is a small tree, with many the best.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    judging_sides = sides if sum(len(train) for train, _ in sides) <= MOST_ROWS else sides[-1:]
    judges = [BinnedExamples(_sample(train, seed), validation) for train, validation in judging_sides]
    results: list[tuple[dict[str, Any], Floats]] = []

    def objective(trial: optuna.Trial) -> float:
        params = {
            "num_leaves": trial.suggest_int("num_leaves", 4, 40, log=True),
            "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 10, 200, log=True),
            "lambda_l2": trial.suggest_float("lambda_l2", 0.5, 100.0, log=True),
            "feature_fraction": trial.suggest_float("feature_fraction", 0.15, 0.9),
        }
        losses = np.concatenate([_losses(rows, params) for rows in judges])
        results.append((params, losses))
        if tick:
            tick()
        return float(losses.mean())

    study = optuna.create_study(direction="minimize", sampler=optuna.samplers.TPESampler(seed=seed))
    leaf_order = SIMPLE if len(judges) > 1 else SIMPLE[::-1]
    for leaves in leaf_order[: max(trials, 1)]:
        study.enqueue_trial({"num_leaves": leaves, **DEFAULT_PARAMS})
    study.optimize(objective, n_trials=trials, timeout=None if minutes is None else 60 * minutes)
    stopped = ""
    if minutes is not None and len(results) < trials:
        stopped = (
            f"The search for the trees' settings stopped at its limit of {minutes:g} minutes, after {len(results)} of {trials} "
            f"trials: on a faster or idler machine the model may be another"
        )
    return SearchResult(simplest_within_error(results), stopped)


def simplest_within_error(results: Sequence[tuple[dict[str, Any], Floats]]) -> dict[str, Any]:
    """Of settings with the losses (n,) they had on the same rows, the fewest leaves no worse than the best beyond doubt."""
    best = min(results, key=lambda result: result[1].sum())[1]
    candidates = [(params, losses) for params, losses in results if _within_error(losses - best)]
    return min(candidates, key=lambda result: (result[0]["num_leaves"], result[1].sum()))[0]


def _within_error(difference: Floats) -> bool:
    return bool(difference.sum() <= difference.std() * np.sqrt(len(difference)))


def _losses(rows: BinnedExamples, params: dict[str, Any]) -> Floats:
    """Weighted log loss of each later row (n,)."""
    validation = rows.validation
    assert validation is not None  # noqa: S101  every side has later rows
    margin = gbm_learner(rows, params).margin(validation.x)
    return np.asarray(validation.weight * np.logaddexp(0, np.where(validation.y, -margin, margin)), np.float64)


def _sample(train: Examples, seed: int) -> Examples:
    if len(train) <= MOST_ROWS:
        return train
    rows = np.random.default_rng(seed).choice(len(train), MOST_ROWS, replace=False)
    return train.select(np.sort(rows))
