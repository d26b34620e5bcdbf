"""A model made ready to score: every number that its parts hold, packed, and one compiled walk for all of a lead's numbers.

The parts (`Transition`, `Calibrator`, `Timing` …) say what each number is, in functions of one lead: training judges with them,
and the walk (`models.kernel`) composes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from features.common.compiled import packed
from features.common.threads import by_rows
from features.dataset.funnel import Funnel
from features.engine.feature_set import FeatureSet
from models import kernel as k
from models.calibration.calibrator import Calibrator
from models.calibration.curve import curve_days
from models.calibration.reference import Reference
from models.calibration.timing import Timings
from models.calibration.transition import Transition
from models.common.level_effects import LevelEffects
from models.common.types import Floats, Matrix
from models.decision.value import Value
from models.kernel import run
from models.learners.gbm import Gbm
from models.learners.tree_shap import Shapley
from models.learners.trees import Trees
from models.rules.odds import RuleOdds
from models.rules.rules import Rules

SPARE_REASONS = 4  # beyond those asked for, in place of those of which nothing can be said


@dataclass(frozen=True)
class Numbers:
    """Of n leads: x (n, features + 1) and its contributions (n, features + 2) to the log-odds of the next lead stage; all other
    numbers in `row` (n, columns), as `PackedModel.columns` names them. `speaker` and `effect` (n, reasons) as in
    `models.reason_groups`; `chance_effect` (n, reasons): by how much each moves P(next lead stage), which would be so much less
    without it. They are a few more than the `max_reasons` that were asked for, since of some nothing can be said."""

    x: Matrix
    contributions: Floats
    row: Floats
    speaker: npt.NDArray[np.int64]
    effect: Floats
    chance_effect: Floats
    max_reasons: int


class ModelParts(Protocol):
    """What a model must have; `models.model.FunnelModel` does."""

    @property
    def funnel(self) -> Funnel: ...
    @property
    def feature_set(self) -> FeatureSet: ...
    @property
    def transitions(self) -> tuple[Transition, ...]: ...
    @property
    def rules(self) -> Rules: ...
    @property
    def rule_odds(self) -> RuleOdds: ...
    @property
    def timings(self) -> Timings: ...
    @property
    def reference(self) -> Reference: ...
    @property
    def value(self) -> Value | None: ...
    @property
    def rule_rows(self) -> npt.NDArray[np.intp]: ...
    @property
    def last_interaction_row(self) -> int: ...
    @property
    def part_columns(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]: ...
    @property
    def groups(self) -> npt.NDArray[np.intp]: ...
    @property
    def levels(self) -> LevelEffects: ...


@dataclass(frozen=True)
class PackedModel:
    """A model made ready. `external_boosters`: boosters that only LightGBM can ask, by the target they are for and their
    weight. `count`: groups of columns; `features`: columns of x, the points among them; `width`: numbers of a lead in `row`;
    `levels`: what stands in the place of levels."""

    integers: npt.NDArray[np.int64]
    reals: Floats
    forest: Shapley
    external_boosters: tuple[tuple[int, float, Gbm], ...]
    columns: Mapping[str, slice]
    days: tuple[tuple[float, ...], ...]
    groups: npt.NDArray[np.intp]
    count: int
    features: int
    width: int
    levels: LevelEffects

    @classmethod
    def from_model(cls, model: ModelParts) -> PackedModel:
        packer = _Packer(model)
        packer.rules()
        packer.learners()
        packer.calibration()
        packer.timing()
        return packer.pack()

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each of `columns` begins."""
        return {name: span.start for name, span in self.columns.items()}

    def numbers(
        self,
        rows: Matrix,
        stage: npt.NDArray[np.int32],
        stage_days: Floats,
        fits: Floats,
        max_reasons: int,
        x: Matrix | None = None,
        threads: int | None = None,
    ) -> Numbers:
        """Of n leads: `rows` (columns, n) of attributes and the combined plan, lead-stage positions, days in the lead stage and
        the points of the fit rules (n, fit rules), with so many reasons at the most. `x` is asked for where there are
        `external_boosters`; `threads`: at most so many, all cores where it is not said."""
        leads, ranks = rows.shape[1], min(max_reasons + SPARE_REASONS, self.count) if max_reasons else 0
        rows = np.ascontiguousarray(rows)  # a cut would be another type, and the walk be compiled anew for it
        numbers = Numbers(
            np.empty((leads, self.features), rows.dtype),
            np.zeros((leads, self.features + 1)),
            np.empty((leads, self.width)),
            np.empty((leads, ranks), np.int64),
            np.empty((leads, ranks)),
            np.empty((leads, ranks)),
            max_reasons,
        )
        external_margins = np.zeros((leads, len(self.days) + 1))
        for target, weight, gbm in self.external_boosters:
            assert x is not None  # noqa: S101  as the docstring says
            with_effects = self.levels.apply(x)
            external_margins[:, target] += weight * gbm.margin(with_effects)
            stage_leads = np.flatnonzero(stage == target)
            numbers.contributions[stage_leads] += weight * gbm.contributions(with_effects[stage_leads])

        def work(block: slice) -> None:
            run(
                self.integers, self.reals, self.forest.integers, self.forest.reals, rows, stage, stage_days, fits,
                external_margins, self.groups, self.count, numbers.x, numbers.contributions, numbers.row, numbers.speaker,
                numbers.effect, numbers.chance_effect, block.start, block.stop,
            )  # fmt: skip

        by_rows(work, leads, threads)
        return numbers


class _Packer:
    """The parts of the packed numbers, by their places in `models.kernel`."""

    def __init__(self, model: ModelParts) -> None:
        self.model = model
        self.targets = len(model.transitions)
        self.days = tuple(curve_days(model.funnel.horizons[t]) for t in model.funnel.targets)
        self.integers: dict[int, Any] = {}
        self.reals: dict[int, Any] = {}
        self.external_boosters: list[tuple[int, float, Gbm]] = []
        self.compiled_gbms: list[Gbm] = []

    def rules(self) -> None:
        model, width = self.model, self.model.feature_set.attribute_columns
        self.integers[k.RULE_ROWS] = width + model.rule_rows
        self.reals[k.RULES], self.reals[k.LIMITS] = model.rules.behaviour_table, model.rules.limits
        self.integers[k.SIZES] = [
            self.targets, len(model.feature_set.names) + 1, width + model.last_interaction_row, model.value is not None
        ]  # fmt: skip

    def learners(self) -> None:
        model = self.model
        log_scale = np.array([t.linear.scaler.log_scale for t in model.transitions])
        self.integers[k.LOG_SCALE], self.integers[k.LOGGED] = log_scale.ravel(), np.flatnonzero(log_scale.any(axis=0))
        self.reals[k.LINEAR] = np.concatenate([t.linear.block for t in model.transitions])
        self.reals[k.TRANSITIONS] = [
            number for t in model.transitions for number in (t.weights[0], t.linear.intercept, t.constant)
        ]
        ends = np.cumsum([0, *map(len, model.levels.tables.values())])
        self.integers[k.LEVEL_TABLES] = np.column_stack((list(model.levels.tables), ends[:-1], ends[1:])).ravel()
        self.reals[k.LEVEL_EFFECTS] = [effect for table in model.levels.tables.values() for effect in table.tolist()]
        candidates = [
            (number, weight, gbm) for number, t in enumerate(model.transitions) for weight, gbm in t.weighted_boosters
        ]
        candidates += [(self.targets, 1.0, model.value.gbm)] if model.value and model.value.gbm else []
        boosters = [booster for booster in candidates if booster[2].trees]
        self.external_boosters = [booster for booster in boosters if booster[2].shapley is None]
        compiled_boosters = [booster for booster in boosters if booster[2].shapley is not None]
        self.compiled_gbms = [gbm for *_, gbm in compiled_boosters]
        self.integers[k.BOOSTER_TARGET] = [target for target, *_ in compiled_boosters]
        self.reals[k.BOOSTER_WEIGHT] = [weight for _, weight, _ in compiled_boosters]
        self.integers[k.FIT_COLUMNS], self.integers[k.ENGAGEMENT_COLUMNS] = model.part_columns

    def calibration(self) -> None:
        model, targets = self.model, range(self.targets)
        calibrators: list[Calibrator | None] = [t.calibrator for t in model.transitions]
        calibrators += [model.rule_odds.calibrators.get((begin, target)) for begin in targets for target in targets]
        ends = np.cumsum([0, *(len(c.knots) if c else 0 for c in calibrators)])
        self.integers[k.CALIBRATORS] = [
            number
            for position, c in enumerate(calibrators)
            for number in (c.form if c else -1, ends[position], ends[position + 1])
        ]
        self.reals[k.SLOPES] = [n for c in calibrators for n in ((c.slope, c.slope_low, c.shift) if c else (0.0, 0.0, 0.0))]
        self.reals[k.KNOTS] = [knot for c in calibrators if c for knot in c.knots]
        self.reals[k.LEVELS] = [level for c in calibrators if c for level in c.values]
        bands = [t.interval for t in model.transitions]
        self.integers[k.BANDS] = np.cumsum([0, *(len(b.centre) for b in bands)])
        self.reals[k.CENTRES] = [centre for b in bands for centre in b.centre]
        self.reals[k.SPREADS] = [spread for b in bands for spread in b.spread]
        self.reals[k.PERCENTILES] = model.reference.percentiles
        self.reals[k.FIT_THIRDS], self.reals[k.ENGAGEMENT_THIRDS] = (
            model.reference.fit.ravel(),
            model.reference.engagement.ravel(),
        )
        worth = model.value
        self.reals[k.WORTH] = [worth.base, worth.spread, worth.low, worth.high, worth.lifetime] if worth else []

    def timing(self) -> None:
        funnel, targets = self.model.funnel, range(self.targets)
        by_pair = self.model.timings.by_pair
        timings = [by_pair.get((begin, target)) for begin in targets for target in targets]
        knots = np.cumsum([0, *(len(t.days) if t else 0 for t in timings)])
        slopes = np.cumsum([0, *(len(t.slope) if t else 0 for t in timings)])
        self.integers[k.TIMINGS] = np.column_stack((knots[:-1], knots[1:], slopes[:-1], slopes[1:])).ravel()
        fitted_timings = [t for t in timings if t]
        for slot, name in (
            (k.TIMING_DAYS, "days"), (k.TIMING_SHARES, "share"), (k.TIMING_SLOPES, "slope"),
            (k.TIMING_CENTRES, "centre"), (k.TIMING_SPREADS, "spread"),
        ):  # fmt: skip
            self.reals[slot] = [number for t in fitted_timings for number in getattr(t, name)]
        shares: list[float] = []
        begins = []
        for begin in targets:
            for earlier_target in targets:
                timing, horizon = by_pair.get((begin, earlier_target)), funnel.horizons[funnel.targets[earlier_target]]
                for target in targets:
                    begins.append(len(shares))
                    if timing and begin <= earlier_target <= target:
                        # past its own horizon a curve stays level
                        shares += timing.share_by(np.minimum(self.days[target], horizon)).tolist()
        self.integers[k.SHARE_BEGIN], self.reals[k.SHARES] = begins, shares
        self.integers[k.CURVE_BEGIN] = np.cumsum([0, *map(len, self.days)])

    def pack(self) -> PackedModel:
        forest, model = self._forest(), self.model
        columns, position = {name: slice(i, i + 1) for i, name in enumerate(k.SCALARS)}, len(k.SCALARS)
        for name in k.TARGET_COLUMNS:
            columns[name] = slice(position, position + self.targets)
            position += self.targets
        for target, days in zip(model.funnel.targets, self.days, strict=True):
            columns[f"curve {target}"] = slice(position, position + len(days))
            position += len(days)
        lines = len(model.rules.book.behaviour) + len(model.rules.book.fit)
        columns["lines"] = slice(position, position + lines)
        integers = packed([self.integers[slot] for slot in range(len(self.integers))], np.int64)
        reals = packed([self.reals[slot] for slot in range(len(self.reals))], np.float64)
        groups = model.groups
        return PackedModel(
            integers, reals, forest, tuple(self.external_boosters), columns, self.days, groups, int(groups.max()) + 1,
            len(model.feature_set.names) + 1, position + lines, model.levels,
        )  # fmt: skip

    def _forest(self) -> Shapley:
        """All boosters as one."""
        parts = [gbm.shapley.trees for gbm in self.compiled_gbms if gbm.shapley]
        begin = np.cumsum([0, *map(len, parts)])
        forest = Shapley.from_trees(Trees.joined(parts), begin[:-1].tolist())
        assert forest is not None  # noqa: S101  each of them could be made ready
        return forest
