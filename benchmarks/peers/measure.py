"""What a training and its peers come to: log loss and its difference from the model's, per question and source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.peers.crossed import differences, losses, weeks
from benchmarks.peers.run import Said, peers, say
from models.common.types import Flags, Floats
from training.data.prepare import Prepared
from training.evaluation.evaluate import Slice, evaluate
from training.evaluation.gate import Difference
from training.evaluation.holdout import Holdout
from training.train import Outcome

MODEL = "model"


@dataclass(frozen=True)
class Line:
    """One source of probabilities on one question; `against` the model over accounts and weeks, `alone` over accounts only.

    `seconds` is what its fits of all transitions took, where that was measured.
    """

    metrics: Mapping[str, float]
    against: Difference | None
    alone: Difference | None
    seconds: float | None


@dataclass(frozen=True)
class Question:
    """One question of one task: will these landmarks, drawn from so many accounts and weeks, become `name`?"""

    task: str
    name: str
    accounts: int
    weeks: int
    lines: Mapping[str, Line]

    @property
    def title(self) -> str:
        return f"{self.task} {self.name}"

    @property
    def whole(self) -> bool:
        """It is asked of all lead stages, not of one."""
        return ".from_" not in self.name

    @property
    def best(self) -> str:
        """The source with the lowest log loss."""
        return min(self.lines, key=lambda source: self.lines[source].metrics["log_loss"])


def measure(task: str, outcome: Outcome, seed: int) -> list[Question]:
    """Fit every peer and judge all sources on the held-out landmarks of a training."""
    prepared, held = outcome.prepared, outcome.holdout
    said = {name: Said(p, None) for name, p in held.probability.items()}
    said[MODEL] = Said(held.probability[MODEL], held.seconds)
    for peer in peers(prepared, held, seed):
        said.update(say(prepared, held, peer))
    return [_question(task, prepared, held, q, said) for q in held.questions]


def _question(task: str, prepared: Prepared, held: Holdout, question: Slice, said: Mapping[str, Said]) -> Question:
    target = prepared.funnel.targets.index(question.target)
    y = held.labels.reached[question.rows, target]
    p = {name: found.probability[question.rows, target] for name, found in said.items()}
    rows = held.rows[question.rows]
    account, week = prepared.account[rows], weeks(prepared.looks.as_of[rows], prepared.dated)
    others = [name for name in p if name != MODEL]
    each = _each(y, p, others)
    crossed = dict(zip(others, differences(each, (account, week)), strict=True))
    alone = dict(zip(others, differences(each, (account,)), strict=True))
    lines = {n: Line(evaluate(y, p[n]), crossed.get(n), alone.get(n), found.seconds) for n, found in said.items()}
    return Question(task, question.name, len(np.unique(account)), len(np.unique(week)), lines)


def _each(y: Flags, p: Mapping[str, Floats], others: list[str]) -> Floats:
    """Log loss of the model minus that of each other (n, others)."""
    return np.column_stack([losses(y, p[MODEL]) - losses(y, p[name]) for name in others])
