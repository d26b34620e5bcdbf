"""What a customer would bring: the expected amount of a lead's deal, and what a lead is worth now, with an interval."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from features.common.compiled import compiled, inlined
from models.calibration.intervals import QUANTILE
from models.common.types import Floats, Log, Matrix
from models.learners.gbm import Gbm


@dataclass(frozen=True)
class Amounts:
    """In `Value.currency`, (n,) each: the expected amount of the deal, and the range in which nine deals in ten lie."""

    mean: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Expected:
    """What leads are worth now, (n,) each: P(final) x amount x lifetime, and its 90 % interval."""

    value: Floats
    low: Floats
    high: Floats
    amounts: Amounts


@dataclass(frozen=True)
class Value:
    """E[amount | becomes a customer]: `base` (in `currency`) times what `gbm` adds in logarithms, if it was better than that.

    `spread`: standard deviation of the logarithm of what deals bring on average next time, around what was said. `low`, `high`:
    5 % and 95 % quantiles of amount over expectation. `lifetime`: the customer lifetime value, as a multiple of the first deal.
    """

    currency: str
    base: float
    gbm: Gbm | None
    spread: float
    low: float
    high: float
    lifetime: float = 1.0
    log: Log = field(default_factory=dict)

    def amounts(self, x: Matrix) -> Amounts:
        """Rows x (n, features) → amounts of their first deal, should they become customers."""
        mean = np.full(len(x), self.base)
        if self.gbm:
            mean *= np.exp(self.gbm.margin(x))
        return Amounts(mean, mean * self.low, mean * self.high)

    def expected(self, x: Matrix, probability: Floats, low: Floats, high: Floats) -> Expected:
        """P(final) (n,) and its interval → what the leads are worth."""
        amounts = self.amounts(x)
        out = np.empty((3, len(x)))
        _each_worth(probability, low, high, amounts.mean, self.spread, self.lifetime, out)
        return Expected(out[0], out[1], out[2], amounts)

    def save(self, folder: Path) -> None:
        """Write value.json and, where there is one, the text of the booster."""
        saved = {key: value for key, value in self.__dict__.items() if key != "gbm"}
        (folder / "value.json").write_text(
            json.dumps({**saved, "gbm": self.gbm is not None}, indent=1) + "\n", encoding="utf-8"
        )
        if self.gbm:
            self.gbm.save(folder, "value")

    @classmethod
    def load(cls, folder: Path) -> Value | None:
        """The value of a model folder; None where it was trained without deals."""
        path = folder / "value.json"
        if not path.is_file():
            return None
        saved: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{**saved, "gbm": Gbm.load(folder, "value") if saved["gbm"] else None})


@inlined
def worth_of(probability: Any, low: Any, high: Any, amount: Any, spread: Any, lifetime: Any) -> Any:
    """What one lead is worth with its interval, from P(final) with its own; the doubts of both factors are independent."""
    value, doubt = probability * amount * lifetime, (QUANTILE * spread) ** 2
    lower = value * np.exp(-np.sqrt(np.log(probability / low) ** 2 + doubt))
    upper = value * np.exp(np.sqrt(np.log(high / probability) ** 2 + doubt))
    return value, lower, upper


@compiled
def _each_worth(probability: Any, low: Any, high: Any, amount: Any, spread: float, lifetime: float, out: Any) -> None:
    for i in range(len(probability)):
        out[0, i], out[1, i], out[2, i] = worth_of(probability[i], low[i], high[i], amount[i], spread, lifetime)
