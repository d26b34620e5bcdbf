"""A model made ready to score: every number that its parts hold, packed, and one compiled walk for all of a lead's numbers.

The parts (`Transition`, `Calibrator`, `Timing` …) say what each number means and are what training fits and judges; the tests
hold this file to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from features.common.compiled import packed
from features.common.threads import CORES, MOST_THREADS
from features.dataset.funnel import Funnel
from features.engine.feature_set import FeatureSet
from models import kernel as k
from models.calibration.calibrator import Calibrator
from models.calibration.curve import curve_days
from models.calibration.reference import Reference
from models.calibration.timing import Timings
from models.calibration.transition import Transition
from models.common.types import Floats, Matrix
from models.decision.value import Value
from models.kernel import run
from models.learners.gbm import Gbm
from models.learners.tree_shap import Shapley
from models.learners.trees import Trees
from models.rules.odds import RuleOdds
from models.rules.rules import Rules

TOGETHER = 256  # rows for which another core is worth asking


@dataclass(frozen=True)
class Numbers:
    """Of n leads: x (n, features + 1) and its contributions (n, features + 2) to the log-odds of the next lead stage; all other
    numbers in `row` (n, columns), as `Made.columns` names them. `speaker` and `effect` (n, reasons) as in `models.reasons`."""

    x: Matrix
    contributions: Floats
    row: Floats
    speaker: npt.NDArray[np.int64]
    effect: Floats


class Parts(Protocol):
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
    def last_seen_row(self) -> int: ...
    @property
    def part_columns(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]: ...
    @property
    def groups(self) -> npt.NDArray[np.intp]: ...


@dataclass(frozen=True)
class Made:
    """A model made ready. `outside`: boosters that only LightGBM can ask, by the target they are for and their weight."""

    whole: npt.NDArray[np.int64]
    real: Floats
    forest: Shapley
    outside: tuple[tuple[int, float, Gbm], ...]
    columns: Mapping[str, slice]
    days: tuple[tuple[float, ...], ...]
    groups: npt.NDArray[np.intp]
    count: int
    features: int
    width: int

    @classmethod
    def of(cls, model: Parts) -> Made:
        making = _Making(model)
        making.rules()
        making.learners()
        making.calibration()
        making.timing()
        return making.made()

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each of `columns` begins."""
        return {name: one.start for name, one in self.columns.items()}

    def numbers(
        self,
        rows: Matrix,
        stage: npt.NDArray[np.int32],
        stage_days: Floats,
        fits: Floats,
        most: int,
        x: Matrix | None = None,
        threads: int | None = None,
    ) -> Numbers:
        """Of n leads: `rows` (columns, n) of attributes and the combined plan, lead-stage positions, days in the lead stage and
        the points of the fit rules (n, fit rules), with so many reasons at the most. `x` is asked for where there are boosters
        `outside`; `threads`: at most so many, all cores where it is not said."""
        leads = rows.shape[1]
        rows = np.ascontiguousarray(rows)  # a cut would be another type, and the walk be compiled anew for it
        found = Numbers(
            np.empty((leads, self.features), rows.dtype),
            np.zeros((leads, self.features + 1)),
            np.empty((leads, self.width)),
            np.empty((leads, most), np.int64),
            np.empty((leads, most)),
        )
        given = np.zeros((leads, len(self.days) + 1))
        for target, weight, gbm in self.outside:
            assert x is not None  # noqa: S101  as the docstring says
            given[:, target] += weight * gbm.margin(x)
            own = np.flatnonzero(stage == target)
            found.contributions[own] += weight * gbm.contributions(x[own])

        threads = min(threads or CORES, MOST_THREADS)
        # few long pieces: after each one Python's lock is waited for, which others may hold
        together = max(TOGETHER, -(-leads // threads))

        def work(begin: int) -> None:
            run(
                self.whole, self.real, self.forest.whole, self.forest.real, rows, stage, stage_days, fits, given, self.groups,
                self.count, found.x, found.contributions, found.row, found.speaker, found.effect,
                begin, min(begin + together, leads),
            )  # fmt: skip

        blocks = range(0, leads, together)
        if len(blocks) > 1:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(work, blocks))
        else:
            for begin in blocks:
                work(begin)
        return found


class _Making:
    """The parts of the packed numbers, by their places in `models.kernel`."""

    def __init__(self, model: Parts) -> None:
        self.model = model
        self.targets = len(model.transitions)
        self.days = tuple(curve_days(model.funnel.horizons[t]) for t in model.funnel.targets)
        self.whole: dict[int, Any] = {}
        self.real: dict[int, Any] = {}
        self.outside: list[tuple[int, float, Gbm]] = []
        self.inside: list[Gbm] = []

    def rules(self) -> None:
        model, book = self.model, self.model.rules.book
        width = model.feature_set.attribute_columns
        grades = book.grades
        edges = [grades.fit["B"], grades.fit["A"], grades.engagement["2"], grades.engagement["1"]] if grades else [np.inf] * 4
        self.whole[k.RULE_ROWS] = width + model.rule_rows
        self.real[k.RULES] = np.column_stack(model.rules.given).ravel()
        self.real[k.CAPS] = [book.caps.engagement or np.inf, book.caps.fit or np.inf, *edges]
        self.whole[k.SIZES] = [
            self.targets, len(model.feature_set.names) + 1, width, width + model.last_seen_row,
            len(book.behaviour), len(book.fit),
            model.value is not None, model.value is not None and model.value.gbm is not None,
        ]  # fmt: skip

    def learners(self) -> None:
        model = self.model
        columns = [t.linear.columns for t in model.transitions]
        log_scale = np.array([scale for scale, *_ in columns])
        self.whole[k.LOG_SCALE], self.whole[k.LOGGED] = log_scale.ravel(), np.flatnonzero(log_scale.any(axis=0))
        self.real[k.LINEAR] = np.concatenate(
            [np.concatenate([mean, deviation, coefficient, *missing]) for _, mean, deviation, coefficient, missing in columns]
        )
        self.real[k.TRANSITIONS] = [
            number for t in model.transitions for number in (t.weights[0] + t.weights[2], t.linear.intercept, t.constant)
        ]
        asked: list[tuple[int, float, Gbm | None]] = []
        for number, t in enumerate(model.transitions):
            asked += [(number, t.weights[1], t.gbm), (number, t.weights[2], t.stacked)]
        asked.append((self.targets, 1.0, model.value.gbm if model.value else None))
        boosters = [(target, weight, gbm) for target, weight, gbm in asked if gbm is not None and gbm.trees]
        self.outside = [one for one in boosters if one[2].shapley is None]
        inside = [one for one in boosters if one[2].shapley is not None]
        self.inside = [gbm for *_, gbm in inside]
        self.whole[k.BOOSTER_TARGET] = [target for target, *_ in inside]
        self.real[k.BOOSTER_WEIGHT] = [weight for _, weight, _ in inside]
        self.whole[k.FIT_COLUMNS], self.whole[k.ENGAGEMENT_COLUMNS] = model.part_columns

    def calibration(self) -> None:
        model, targets = self.model, range(self.targets)
        found: list[Calibrator | None] = [t.calibrator for t in model.transitions]
        found += [model.rule_odds.calibrators.get((begin, target)) for begin in targets for target in targets]
        ends = np.cumsum([0, *(len(c.knots) if c else 0 for c in found)])
        self.whole[k.CALIBRATORS] = [
            number for place, c in enumerate(found) for number in (_method(c), ends[place], ends[place + 1])
        ]
        self.real[k.SLOPES] = [n for c in found for n in ((c.slope, c.slope_low, c.shift) if c else (0.0, 0.0, 0.0))]
        self.real[k.KNOTS] = [knot for c in found if c for knot in c.knots]
        self.real[k.LEVELS] = [level for c in found if c for level in c.values]
        bands = [t.interval for t in model.transitions]
        self.whole[k.BANDS] = np.cumsum([0, *(len(b.centre) for b in bands)])
        self.real[k.CENTRES] = [centre for b in bands for centre in b.centre]
        self.real[k.SPREADS] = [spread for b in bands for spread in b.spread]
        self.real[k.PERCENTILES] = model.reference.percentiles
        self.real[k.FIT_THIRDS], self.real[k.ENGAGEMENT_THIRDS] = (
            model.reference.fit.ravel(),
            model.reference.engagement.ravel(),
        )
        worth = model.value
        self.real[k.WORTH] = [worth.base, worth.spread, worth.low, worth.high, worth.lifetime] if worth else []

    def timing(self) -> None:
        funnel, targets = self.model.funnel, range(self.targets)
        of = self.model.timings.of
        timings = [of.get((begin, target)) for begin in targets for target in targets]
        knots = np.cumsum([0, *(len(t.days) if t else 0 for t in timings)])
        slopes = np.cumsum([0, *(len(t.slope) if t else 0 for t in timings)])
        self.whole[k.TIMINGS] = np.column_stack((knots[:-1], knots[1:], slopes[:-1], slopes[1:])).ravel()
        known = [t for t in timings if t]
        for place, name in (
            (k.TIMING_DAYS, "days"), (k.TIMING_SHARES, "share"), (k.TIMING_SLOPES, "slope"),
            (k.TIMING_CENTRES, "centre"), (k.TIMING_SPREADS, "spread"),
        ):  # fmt: skip
            self.real[place] = [number for t in known for number in getattr(t, name)]
        shares: list[float] = []
        begins = []
        for begin in targets:
            for before in targets:
                timing, horizon = of.get((begin, before)), funnel.horizons[funnel.targets[before]]
                for target in targets:
                    begins.append(len(shares))
                    if timing and begin <= before <= target:
                        # past its own horizon a curve stays level
                        shares += timing.share_by(tuple(min(day, horizon) for day in self.days[target])).tolist()
        self.whole[k.SHARE_BEGIN], self.real[k.SHARES] = begins, shares
        self.whole[k.CURVE_BEGIN] = np.cumsum([0, *map(len, self.days)])

    def made(self) -> Made:
        forest, model = self._forest(), self.model
        columns, at = {name: slice(i, i + 1) for i, name in enumerate(k.SCALARS)}, len(k.SCALARS)
        for name in k.AHEAD:
            columns[name] = slice(at, at + self.targets)
            at += self.targets
        for target, days in zip(model.funnel.targets, self.days, strict=True):
            columns[f"curve {target}"] = slice(at, at + len(days))
            at += len(days)
        lines = len(model.rules.book.behaviour) + len(model.rules.book.fit)
        columns["lines"] = slice(at, at + lines)
        whole = packed([self.whole[place] for place in range(len(self.whole))], np.int64)
        real = packed([self.real[place] for place in range(len(self.real))], np.float64)
        groups = model.groups
        return Made(
            whole, real, forest, tuple(self.outside), columns, self.days, groups, int(groups.max()) + 1,
            len(model.feature_set.names) + 1, at + lines,
        )  # fmt: skip

    def _forest(self) -> Shapley:
        """All boosters as one."""
        parts = [gbm.shapley.trees for gbm in self.inside if gbm.shapley]
        begin = np.cumsum([0, *map(len, parts)])
        # of each lead stage that one can be in, the first booster that is asked: those of earlier targets stand before it
        first = np.searchsorted(np.array(self.whole[k.BOOSTER_TARGET], np.int64), np.arange(self.targets))
        made = Shapley.of(Trees.joined(parts), begin[:-1].tolist(), begin[first].tolist())
        assert made is not None  # noqa: S101  each of them could be made ready
        return made


def _method(calibrator: Calibrator | None) -> int:
    """The way to calibrate; -1 for none."""
    return -1 if calibrator is None else {"beta": k.BETA, "isotonic": k.ISOTONIC}.get(calibrator.method, k.STRAIGHT)
