"""The search for LightGBM's settings: bounded in trials and minutes, judged by log loss on later rows of other accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import optuna

from models.gbm import gbm_learner
from models.types import Examples, margin_loss

MOST_ROWS = 20_000  # settings are found on so many rows at most; the fit itself uses all

FIRST: dict[str, Any] = {"num_leaves": 15, "min_data_in_leaf": 40, "lambda_l2": 10.0, "feature_fraction": 0.5}


def search(
    train: Examples, later: Examples, *, trials: int, minutes: float, seed: int, tick: Callable[[], None] | None = None
) -> tuple[dict[str, Any], int, dict[str, Any]]:
    """Settings, number of trees and a log. The first trial is `FIRST`, so the search never does worse than that on `later`."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    few = _sample(train, seed)

    def objective(trial: optuna.Trial) -> float:
        params = {
            "num_leaves": trial.suggest_int("num_leaves", 4, 40, log=True),
            "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 10, 200, log=True),
            "lambda_l2": trial.suggest_float("lambda_l2", 0.5, 100.0, log=True),
            "feature_fraction": trial.suggest_float("feature_fraction", 0.15, 0.9),
        }
        fitted = gbm_learner(few, params, later=later)
        trial.set_user_attr("trees", fitted.trees)
        if tick:
            tick()
        return margin_loss(later.y, fitted.margin(later.x), later.weight)

    study = optuna.create_study(direction="minimize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial(FIRST)
    study.optimize(objective, n_trials=trials, timeout=60 * minutes)
    best = study.best_trial
    log = {"trials": len(study.trials), "first_loss": study.trials[0].value, "best_loss": best.value}
    return dict(best.params), int(best.user_attrs["trees"]), log


def _sample(train: Examples, seed: int) -> Examples:
    if len(train) <= MOST_ROWS:
        return train
    rows = np.random.default_rng(seed).choice(len(train), MOST_ROWS, replace=False)
    return train.take(np.sort(rows))
