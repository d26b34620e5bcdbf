"""The rules as the matrix needs them: points of landmarks, and a digest that changes with the rules."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from features.feature import Feature
from models.common.types import Floats, Matrix
from models.rules.rules import Rules


@dataclass(frozen=True)
class RulesJudge:
    """`features.partitions.spec.Judge` of a rule book."""

    rules: Rules

    @property
    def features(self) -> tuple[Feature, ...]:
        return tuple(self.rules.features)

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.rules.book.model_dump_json().encode()).hexdigest()[:16]

    def points(self, behaviour: Matrix, values: Callable[[str, str], Sequence[object]]) -> Floats:
        """As a model sees them."""
        return self.rules.points(behaviour, values).learned_from
