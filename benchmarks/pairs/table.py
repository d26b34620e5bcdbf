"""All records as one list of questions, and what they add up to: wins, ties and losses beyond doubt, regret, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from benchmarks.pairs.judge import Record, moved
from benchmarks.pairs.sources import MODEL
from training.evaluation.gate import Difference

CALM = 0.2  # the base rate moved by less than a fifth
EXCESS = 0.01  # by so much a calibration error may lie above its chance level
SLOPES = (0.85, 1.15)


@dataclass(frozen=True)
class Question:
    """One question of one pair: will these landmarks become `target`?"""

    task: str
    origin: int
    target: str
    record: Record

    @property
    def title(self) -> str:
        return f"{self.task}/{self.origin} {self.target}"

    @cached_property
    def loss(self) -> dict[str, float]:
        """Log loss of each source."""
        return {name: source["metrics"]["log_loss"] for name, source in self.record["sources"].items()}

    @property
    def lowest(self) -> str:
        return min(self.loss, key=lambda name: self.loss[name])

    @property
    def best_peer(self) -> str:
        """The source with the lowest log loss but for the model, chosen afterwards."""
        return min((name for name in self.loss if name != MODEL), key=lambda name: self.loss[name])

    @property
    def regret(self) -> float:
        """By which share the model's log loss lies above the best peer's; below 0 it is lower."""
        return self.loss[MODEL] / self.loss[self.best_peer] - 1

    def difference(self, name: str) -> Difference:
        """The model's log loss minus that of a source, with its interval."""
        return Difference(*self.record["sources"][name]["difference"])

    def verdict(self, name: str) -> str:
        """Of the model against a source; empty where it was not asked."""
        return "" if name not in self.record["sources"] else self.difference(name).verdict

    @property
    def metrics(self) -> dict[str, float]:
        """The model's own."""
        metrics: dict[str, float] = self.record["sources"][MODEL]["metrics"]
        return metrics

    @property
    def calm(self) -> bool:
        """The base rate moved by less than a fifth."""
        share = moved(self.record)
        return share is not None and share < CALM

    @property
    def calibrated(self) -> bool:
        """The calibration error is near what chance gives."""
        return self.metrics["calibration_error"] <= self.metrics["calibration_chance"] + EXCESS


def questions(records: Sequence[Record]) -> list[Question]:
    """All questions of all pairs."""
    return [Question(r["task"], r["origin"], q["target"], q) for r in records for q in r["questions"]]


def peers_of(judged: Sequence[Question]) -> list[str]:
    """Every source but the model, in the order of the longest list."""
    longest = max(judged, key=lambda q: len(q.loss))
    return [name for name in longest.loss if name != MODEL]


def against(judged: Sequence[Question]) -> list[list[Any]]:
    """Per peer: questions, better, tied, worse beyond doubt, share with a lower log loss, mean difference as a share of it."""
    rows = []
    for name in peers_of(judged):
        both = [q for q in judged if name in q.loss]
        verdicts = [q.verdict(name) for q in both]
        change = np.array([q.loss[MODEL] / q.loss[name] - 1 for q in both])
        counts = [verdicts.count(v) for v in ("better", "tied", "worse")]
        rows.append([name, len(both), *counts, float((change < 0).mean()), float(change.mean())])
    return rows


def totals(judged: Sequence[Question]) -> dict[str, float]:
    """What the pairs come to for the model."""
    regret = np.array([q.regret for q in judged])
    calm = [q for q in judged if q.calm]
    slopes = np.array([q.metrics["calibration_slope"] for q in judged])
    covered = [q.record["coverage"] for q in judged if q.record["coverage"]["groups"]]
    groups = sum(c["groups"] for c in covered)
    return {
        "pairs": len(judged),
        "lowest_or_tied": float(np.mean([q.verdict(q.best_peer) != "worse" for q in judged])),
        "lowest": float(np.mean([q.lowest == MODEL for q in judged])),
        "mean_regret": float(regret.mean()),
        "mean_regret_above_0": float(np.maximum(regret, 0).mean()),
        "worst_regret": float(regret.max()),
        "calm": len(calm),
        "calibrated": sum(q.calibrated for q in calm),
        "slopes_right": float(((slopes >= SLOPES[0]) & (slopes <= SLOPES[1])).mean()),
        "slope_median": float(np.median(slopes)),
        "groups": groups,
        "covered": sum(c["inside"] * c["groups"] for c in covered) / groups if groups else float("nan"),
    }
