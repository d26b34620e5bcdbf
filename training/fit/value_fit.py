"""Learn what customers bring: LightGBM with a positive-amount loss, where later deals show that it beats one amount for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from features.common.clock import NO_MOMENT
from features.dataset.deals import DealValues
from models.calibration.intervals import equal_parts
from models.common.types import Flags, Floats, Matrix, Signs
from models.decision.value import Value
from models.learners.gbm import Gbm, defaults, sign_params
from training.common.config import Config
from training.data.prepare import Prepared
from training.fit.splits import separate_accounts

Rows = npt.NDArray[np.intp]
Ints = npt.NDArray[np.int64]

NOTABLE = 1.05  # so many times the first deal
MIN_DEALS = 30  # deals: fewer give no more than their mean
FOLDS, FIRST_SHARE = 3, 0.45
MOST_TREES, PATIENCE = 200, 20
SETTINGS = {"num_leaves": 7, "min_data_in_leaf": 20, "learning_rate": 0.05}
LOSSES = {
    # log link and variance that grows with the square of the mean; McCullagh and Nelder (1989), ch. 8
    "gamma": {"objective": "gamma"},
    # of the logarithm, put right by the mean of what is left (smearing); Duan (1983), doi:10.1080/01621459.1983.10478017
    "log-normal": {"objective": "regression"},
}
PRIOR_SPREAD, PRIOR_WEIGHT = (
    0.15,
    4.0,
)  # standard deviation of the logarithm from one time to the next, before anything is known
BLOCKS, BINS = 4, 4


@dataclass(frozen=True)
class WonDeals:
    """Landmarks (m,) of leads that became customers with an amount: what was seen of them, and what they brought.

    Each deal weighs 1 in all. `known_at` is when it was won. Amounts keep to the `signs` of the columns as chances do.
    """

    x: Matrix
    amount: Floats
    weight: Floats
    as_of: Ints
    known_at: Ints
    account: Ints
    signs: Signs | None = None

    @classmethod
    def from_landmarks(cls, prepared: Prepared, deals: DealValues, subset: Flags, known_at: int) -> WonDeals:
        """Those of the landmarks `subset` (n,) whose deal was won by `known_at`, after the landmark."""
        amount, won_at = deals.of_leads(len(prepared.histories))
        looks = prepared.looks
        use = np.flatnonzero(
            subset & (won_at[looks.lead] <= known_at) & (won_at[looks.lead] < NO_MOMENT) & (won_at[looks.lead] >= looks.as_of)
        )
        lead = looks.lead[use]
        weight = 1.0 / np.bincount(lead, minlength=1)[lead] if len(use) else np.zeros(0)
        x = prepared.x(use)
        x[:, prepared.levels] = 0.0  # what is learned of them are chances
        return cls(x, amount[lead], weight, looks.as_of[use], won_at[lead], prepared.account[use], prepared.signs)

    def __len__(self) -> int:
        return len(self.amount)

    @property
    def deals(self) -> float:
        """How many deals they are."""
        return float(self.weight.sum())

    def take(self, rows: Rows) -> WonDeals:
        columns = ("x", "amount", "weight", "as_of", "known_at", "account")
        return replace(self, **{name: getattr(self, name)[rows] for name in columns})

    @property
    def mean(self) -> float:
        return float(np.average(self.amount, weights=self.weight))

    @property
    def median(self) -> float:
        order = np.argsort(self.amount)
        upto = np.cumsum(self.weight[order])
        return float(self.amount[order][np.searchsorted(upto, upto[-1] / 2)])


def fit_value(won: WonDeals, currency: str, lifetime: float, seed: int) -> Value | None:
    """Fit on won deals; None without any. What is learned must beat the mean on later deals by two standard errors."""
    if not len(won):
        return None
    log: dict[str, Any] = {"deals": round(won.deals), "chosen": "mean"}
    folds = _folds(won) if won.deals >= MIN_DEALS else []
    if not folds:
        low, high = _range(won.amount / won.mean, won.weight)
        return Value(currency, won.mean, None, float(np.hypot(PRIOR_SPREAD, _noise(won, won.mean))), low, high, lifetime, log)
    validation = won.take(np.concatenate([validation_rows for _, validation_rows in folds]))
    predictions, trees = _out_of_fold(won, folds, seed)
    loss = {name: deviance(validation.amount, mean) for name, mean in predictions.items()}
    log |= {
        f"deviance.{name}": round(float(np.average(deviances, weights=validation.weight)), 4)
        for name, deviances in loss.items()
    }
    best = min(LOSSES, key=lambda name: float(np.average(loss[name], weights=validation.weight)))
    if not _beats(loss[best] - loss["mean"], validation):
        best = "mean"
    log["chosen"] = best
    gbm, base = _learn(won, best, seed, trees[best]) if best != "mean" else (None, won.mean)
    low, high = _range(validation.amount / predictions[best], validation.weight)
    spread = _spread(predictions[best], validation)
    return Value(currency, base, gbm, spread, low, high, lifetime, log)


def lifetime(config: Config, deals: DealValues) -> float:
    """What a customer is worth as a multiple of its first deal: as configured, or what customers won in their first year."""
    return deals.repeat if config.value.lifetime == "deals" else config.value.lifetime


def value_notes(value: Value | None, deals: DealValues) -> list[str]:
    """How amounts are told, and what the configuration could add."""
    if value is None:
        return []
    notes = []
    if value.gbm is None:
        reason = "too few to learn more from" if value.log["deals"] < MIN_DEALS else "nothing learned beats it on later deals"
        notes.append(f"value: every deal is expected to bring the mean of {value.log['deals']:,} won ones ({reason})")
    if deals.repeat > NOTABLE and value.lifetime == 1:
        notes.append(
            f"value: further deals of their first year make customers worth {deals.repeat:.2f} times their first one; "
            "`value: {lifetime: deals}` counts them"
        )
    return notes


def deviance(amount: Floats, mean: Floats) -> Floats:
    """Gamma deviance (n,) of each amount: 0 where it is as expected, in units of the squared relative error."""
    return np.asarray(2 * (amount / mean - 1 - np.log(amount / mean)), np.float64)


def _folds(won: WonDeals) -> list[tuple[Rows, Rows]]:
    """(train, validation): blocks of equal size in time, after deals that were won when the block began, of other accounts."""
    edges = np.quantile(won.as_of, np.linspace(FIRST_SHARE, 1, FOLDS + 1), method="lower")
    folds = []
    for number in range(FOLDS):
        validation_rows = (won.as_of >= edges[number]) & ((won.as_of < edges[number + 1]) | (number == FOLDS - 1))
        train_rows, validation_rows = separate_accounts(
            won.known_at <= edges[number], validation_rows, won.account, salt=number + 1
        )
        if won.weight[train_rows].sum() >= MIN_DEALS / 2 and validation_rows.any():
            folds.append((np.flatnonzero(train_rows), np.flatnonzero(validation_rows)))
    return folds


def _out_of_fold(won: WonDeals, folds: Sequence[tuple[Rows, Rows]], seed: int) -> tuple[dict[str, Floats], dict[str, int]]:
    """What each way says of the later rows, and how many trees it took."""
    predictions: dict[str, list[Floats]] = {name: [] for name in ("mean", "median", *LOSSES)}
    trees: dict[str, list[int]] = {name: [] for name in LOSSES}
    for train_rows, validation_rows in folds:
        train, validation = won.take(train_rows), won.take(validation_rows)
        predictions["mean"].append(np.full(len(validation), train.mean))
        predictions["median"].append(np.full(len(validation), train.median))
        for name in LOSSES:
            gbm, scale = _learn(train, name, seed, None, validation)
            predictions[name].append(scale * np.exp(gbm.margin(validation.x)))
            trees[name].append(gbm.trees)
    return {name: np.concatenate(parts) for name, parts in predictions.items()}, {
        n: int(np.median(t)) for n, t in trees.items()
    }


def _learn(train: WonDeals, loss: str, seed: int, trees: int | None, validation: WonDeals | None = None) -> tuple[Gbm, float]:
    """A booster of log amounts over `scale`, and `scale`, which makes the mean of its own rows right."""
    settings = {**defaults(), **SETTINGS, **LOSSES[loss], "seed": seed, **sign_params(train.signs)}
    mean = train.mean
    data = _dataset(train, mean, settings)
    booster = lgb.train(
        settings,
        data,
        num_boost_round=max(trees or MOST_TREES, 1),
        valid_sets=[_dataset(validation, mean, settings, data)] if validation is not None else [],
        callbacks=[lgb.early_stopping(PATIENCE, verbose=False)] if validation is not None else [],
    )
    gbm = Gbm(booster).truncate(booster.best_iteration if validation is not None else booster.num_trees())
    return gbm, float((train.weight @ train.amount) / (train.weight @ np.exp(gbm.margin(train.x))))


def _dataset(won: WonDeals, mean: float, settings: dict[str, Any], reference: lgb.Dataset | None = None) -> lgb.Dataset:
    label = won.amount / mean if settings["objective"] == "gamma" else np.log(won.amount / mean)
    return lgb.Dataset(np.ascontiguousarray(won.x), label=label, weight=won.weight, params=settings, reference=reference)


def _beats(difference: Floats, validation: WonDeals) -> bool:
    """The mean weighted difference (n,) is below zero by more than two standard errors over accounts."""
    total = validation.weight @ difference
    _, code = np.unique(validation.account, return_inverse=True)
    return bool(2 * np.sqrt((np.bincount(code, validation.weight * difference) ** 2).sum()) < -total)


def _range(ratio: Floats, weight: Floats) -> tuple[float, float]:
    """5 % and 95 % quantiles of amount over expectation, wide enough for one deal more (Vovk et al. 2005, split conformal)."""
    order = np.argsort(ratio)
    upto = np.cumsum(weight[order])
    tail = 0.05 * (upto[-1] + 1)
    low = np.searchsorted(upto, tail - 1, side="right")
    high = np.searchsorted(upto, upto[-1] + 1 - tail)
    return float(ratio[order][low]), float(ratio[order][min(high, len(ratio) - 1)])


def _noise(won: WonDeals, prediction: float | Floats) -> float:
    """Standard deviation of the logarithm of what deals bring in all over what was said, by chance alone."""
    mean = np.broadcast_to(np.asarray(prediction, np.float64), won.amount.shape)
    _, code = np.unique(won.account, return_inverse=True)
    per_account = np.bincount(code, won.weight * (won.amount - mean))
    return float(np.sqrt((per_account**2).sum()) / (won.weight @ mean))


def _spread(prediction: Floats, validation: WonDeals) -> float:
    """By how much cells of time and expectation lie off beyond chance, pulled towards the usual; of amounts what
    `models.calibration.intervals` learns of rates."""
    bin_of = equal_parts(prediction, BINS)
    block_of = equal_parts(validation.as_of.astype(np.float64), BLOCKS)
    excess = []
    for cell in np.unique(bin_of * BLOCKS + block_of):
        rows = np.flatnonzero(bin_of * BLOCKS + block_of == cell)
        part = validation.take(rows)
        if part.deals >= 5:
            deviation = np.log((part.weight @ part.amount) / (part.weight @ prediction[rows]))
            excess.append(deviation**2 - _noise(part, prediction[rows]) ** 2)
    drift = (sum(excess) + PRIOR_WEIGHT * PRIOR_SPREAD**2) / (len(excess) + PRIOR_WEIGHT)
    return float(np.sqrt(max(drift, 0.0) + _noise(validation, prediction) ** 2))
