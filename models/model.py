"""The model of one business: everything needed to score a lead, and nothing that knows where leads come from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from features.common.clock import AFTER_ENTRY, Moments
from features.dataset.funnel import Funnel
from features.engine.feature_set import ColumnDescription, FeatureSet
from features.engine.plan import Plan
from features.feature import Feature, InteractionFilter
from features.spec import DaysSince
from models.calibration.drift import Drift
from models.calibration.reference import Reference
from models.calibration.timing import Timings
from models.calibration.transition import Transition
from models.common.level_effects import LevelEffects
from models.common.types import Floats, Matrix
from models.decision.next_steps import NextSteps
from models.decision.recommend import Policy
from models.decision.value import Value
from models.packed import PackedModel
from models.rules.odds import RuleOdds
from models.rules.rules import Rules

LAST_INTERACTION = DaysSince(InteractionFilter("any"))
POINTS = ColumnDescription(
    "points",
    "points",
    "rules",
    {"en": "points of the rules", "de": "Punkte nach den Regeln"},
    {"en": "points", "de": "Punkte"},
)


def design(columns: Matrix, points: Floats, rows: npt.NDArray[np.intp] | None = None) -> Matrix:
    """What a model sees: `columns` (features, n) and `points` (n,) of the wanted rows → (rows, features + 1), points last."""
    selected_rows = np.arange(columns.shape[1]) if rows is None else rows
    out = np.empty((len(selected_rows), len(columns) + 1), columns.dtype)
    out[:, :-1] = columns.T if rows is None else columns[:, rows].T
    out[:, -1] = points[selected_rows]
    return out


@dataclass(frozen=True)
class FunnelModel:
    """Transitions over a funnel and their timing, the rules beside them, and what turns probabilities into scores and advice.

    `next_steps`: what has gone before progress, for leads to be nurtured.

    `drift` is what the strongest features were like in training; None in folders from before it was kept.

    `value` is what customers bring; None without deals. `dated` is false for data without dates, where a horizon in days has no
    meaning.
    """

    name: str
    funnel: Funnel
    feature_set: FeatureSet
    transitions: tuple[Transition, ...]
    rules: Rules
    rule_odds: RuleOdds
    timings: Timings
    reference: Reference
    policy: Policy
    value: Value | None = None
    next_steps: NextSteps = field(default_factory=NextSteps)
    dated: bool = True
    version: str = "0"
    trained_at: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()
    drift: Drift | None = None

    def looked_at(self, entered: Moments, as_of: int) -> Moments:
        """When leads (n,) that `entered` their lead stage are looked at, asked about at `as_of`: then; without dates the moment
        they entered it, as in training, for nothing was learned of what days do to a lead."""
        return np.full(len(entered), as_of, np.int64) if self.dated else np.minimum(entered + AFTER_ENTRY, as_of)

    @cached_property
    def plan(self) -> Plan:
        """The model's features, then those of the rules and the silence of a lead that the model lacks; one pass for all."""
        plan = self.feature_set.plan(self._combined)
        plan.compile()
        return plan

    @cached_property
    def described(self) -> tuple[ColumnDescription, ...]:
        """What each column of x means: the feature set's, then the points."""
        return (*self.feature_set.column_descriptions, POINTS)

    @cached_property
    def part_columns(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """The columns of x that say what a lead is (fit), and those that say what it does (engagement)."""
        kinds = np.array([d.part for d in self.described])
        return np.flatnonzero(kinds == "fit"), np.flatnonzero(kinds == "engagement")

    @cached_property
    def groups(self) -> npt.NDArray[np.intp]:
        """The group of each column of x: columns of one group tell one story and are summed into one reason."""
        names: dict[str, int] = {}
        return np.array([names.setdefault(d.group, len(names)) for d in self.described], np.intp)

    @cached_property
    def levels(self) -> LevelEffects:
        """What stands in the place of levels in x, as the transitions have it: each column is for one of them."""
        return LevelEffects.merged([t.levels for t in self.transitions])

    @cached_property
    def packed(self) -> PackedModel:
        """All its numbers, ready to score."""
        return PackedModel.from_model(self)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The columns of x: the feature set's, then the points."""
        return (*self.feature_set.names, POINTS.name)

    @cached_property
    def _combined(self) -> tuple[Feature, ...]:
        return tuple(
            dict.fromkeys((*self.feature_set.features, *self.rules.features, LAST_INTERACTION, *self.next_steps.features))
        )

    @cached_property
    def rule_rows(self) -> npt.NDArray[np.intp]:
        """Where the rules' features stand in the combined plan."""
        return self._places(self.rules.features)

    @cached_property
    def watched_rows(self) -> npt.NDArray[np.intp]:
        """Where the counts that the next steps ask for stand in the combined plan."""
        return self._places(self.next_steps.features)

    @cached_property
    def last_interaction_row(self) -> int:
        return self._combined.index(LAST_INTERACTION)

    def _places(self, features: Sequence[Feature]) -> npt.NDArray[np.intp]:
        positions = {feature: i for i, feature in enumerate(self._combined)}
        return np.array([positions[f] for f in features], np.intp)

    @cached_property
    def lines_ahead(self) -> list[tuple[int, float]]:
        """Position and line of the lead stages before sales, the latest first."""
        lines = self.policy.lines.items()
        return sorted(((self.funnel.position(s), line) for s, line in lines if s != self.policy.stage), reverse=True)

    @cached_property
    def rules_hand_over_from(self) -> float:
        """The points from which the rules would hand a lead over, as thresholds rise along the funnel; endless if never."""
        thresholds = [threshold for stage, threshold in self.rules.thresholds if self.funnel.position(stage) >= self.sales_from]
        return min(thresholds, default=math.inf)

    @cached_property
    def sales_from(self) -> int:
        """Position of the lead stage from which leads are with sales."""
        return self.funnel.position(self.policy.stage)
