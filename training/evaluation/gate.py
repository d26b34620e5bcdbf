"""The gate: the champion changes only for a challenger that beats it, and the rules, beyond doubt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.common.types import TINY, Flags, Floats

DRAWS = 1_000
LEVEL = 0.9


@dataclass(frozen=True)
class Difference:
    """Mean log loss of A minus that of B on the same rows, with a 90 % interval; below 0, A is better."""

    mean: float
    low: float
    high: float

    @property
    def better(self) -> bool:
        return self.high < 0

    @property
    def verdict(self) -> str:
        """Of A against B: `better` or `worse` beyond doubt, else `tied`."""
        return "better" if self.high < 0 else "worse" if self.low > 0 else "tied"


@dataclass(frozen=True)
class Verdict:
    """Whether the challenger becomes champion, and why in a sentence."""

    promote: bool
    reason: str


def compare(y: Flags, a: Floats, b: Floats, account: npt.NDArray[np.int64], seed: int = 7) -> Difference:
    """Paired bootstrap over accounts (Efron and Tibshirani 1993): whole accounts are drawn, as their leads hang together."""
    losses = -np.where(
        y,
        np.log(np.clip(a, TINY, 1)) - np.log(np.clip(b, TINY, 1)),
        np.log1p(-np.clip(a, 0, 1 - TINY)) - np.log1p(-np.clip(b, 0, 1 - TINY)),
    )
    _, code = np.unique(account, return_inverse=True)
    total, rows = np.bincount(code, weights=losses), np.bincount(code)
    random = np.random.default_rng(seed)
    means = np.empty(DRAWS)
    for draw in range(DRAWS):
        drawn = random.integers(0, len(total), len(total))
        means[draw] = total[drawn].sum() / rows[drawn].sum()
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Difference(float(losses.mean()), float(low), float(high))


def rules_serve(learned_worse: Difference | None) -> list[str]:
    """A sentence where the rules serve in place of what was learned, which was worse by so much."""
    if learned_worse is None:
        return []
    sentence = (
        "In this version the rules stand in for what was learned: on held-out leads its log loss on the next lead stage was "
        f"higher by {learned_worse.mean:.4f} (90 % interval {learned_worse.low:.4f} to {learned_worse.high:.4f}). "
        "Probabilities are those of the points; nothing else about a lead counts."
    )
    return [sentence]


def judge(
    champion: str | None,
    against_rules: Difference,
    against_champion: Difference | None,
    learned_worse: Difference | None = None,
) -> Verdict:
    """The decision. `against_champion` is None when there are no newer matured leads on which both could be judged; with
    `learned_worse` the challenger is the rules alone, which need not beat themselves, only the champion."""
    rules = f"log loss against the rules {against_rules.mean:+.4f} ({against_rules.low:+.4f} to {against_rules.high:+.4f})"
    if champion is None and learned_worse:
        return Verdict(
            True, "There was no champion: the rules serve, calibrated, until something learned is no worse than they are."
        )
    if champion is None:
        doubt = "" if against_rules.better else "; it does not clearly beat the rules yet, treat its scores with care"
        return Verdict(True, f"There was no champion: {rules}{doubt}.")
    if not against_rules.better and not learned_worse:
        return Verdict(False, f"Version {champion} stays: the challenger does not clearly beat the rules: {rules}.")
    if against_champion is None:
        return Verdict(
            False, f"Version {champion} stays: no lead has matured since it was trained, so the two cannot be told apart yet."
        )
    difference = f"{against_champion.mean:+.4f} ({against_champion.low:+.4f} to {against_champion.high:+.4f})"
    if against_champion.better:
        return Verdict(True, f"The challenger beats version {champion} on newer leads: log loss {difference}; {rules}.")
    return Verdict(False, f"Version {champion} stays: on newer leads the challenger's log loss differs by {difference}.")
