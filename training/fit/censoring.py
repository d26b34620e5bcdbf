"""Unripe (right-censored) labels: landmarks whose horizon had not passed are neither dropped nor taken as a "no".

Such a landmark says one of three things: it has converted, it has left, or it is still open after so many days. The last is
evidence as well: the longer it takes, the likelier a "no", by exactly as much as the timing of earlier conversions and exits
says. It enters with the slope of its likelihood in a mixture cure model (Farewell 1982, doi:10.2307/2529885) with censoring by
the day of knowledge and exits as competing events. `benchmarks/honesty.py` compares it with its rivals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from features.common.clock import DAY, NO_MOMENT
from features.dataset.landmarks import Landmarks, Path
from models.calibration.timing import Timing
from models.common.types import TINY, Examples, Flags, Floats, Matrix, sigmoid
from training.data.prepare import Prepared

SMALLEST = 0.01  # a row of less weight is left out
USUAL_SWING = 0.4  # log-odds by which seasons and holidays move what the newest leads seem to do: a third more or less
MOST_SHIFT = 3.0  # log-odds by which the newest leads may differ from earlier ones

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class CensoredState:
    """What was known at a moment of landmarks (n) in the lead stage before the target: `reached`, `exited`, or open for so
    long.

    `covariates` (n, 1): log(1 + days in the lead stage) at the landmark.
    """

    reached: Flags
    exited: Flags
    open_days: Floats
    covariates: Floats

    @classmethod
    def from_landmarks(cls, path: Path, looks: Landmarks, target: int, known_at: int) -> CensoredState:
        spell = path.spells(looks.lead, looks.as_of)
        reached = path.reached[spell, target + 1] <= known_at
        exited = (path.exited_at[spell] <= known_at) & ~reached
        return cls(reached, exited, (known_at - looks.as_of) / DAY, days_in_stage(looks)[:, None])


@dataclass(frozen=True)
class ConversionSpeed:
    """How fast a lead stage is left: `timing` of those who convert in time, `exits` (days, ascending) of those who do not.

    `non_converters` is the number of those who do not convert, whether they left within the horizon or not.
    """

    timing: Timing
    exits: Floats
    non_converters: int

    @classmethod
    def learn(cls, prepared: Prepared, target: int, rows: Rows, reached: Flags, margin: Floats) -> ConversionSpeed:
        """From matured landmarks `rows` (n,) in the lead stage before the target; log-odds `margin` (n,) are out-of-fold."""
        spell, as_of = prepared.spell[rows], prepared.looks.as_of[rows]
        horizon = prepared.funnel.horizons[prepared.funnel.targets[target]]
        conversion_days = (prepared.path.reached[spell[reached], target + 1] - as_of[reached]) / DAY
        z = np.column_stack((margin, days_in_stage(prepared.looks.take(rows))))
        end = as_of[~reached] + int(horizon * DAY)
        exit_times = prepared.path.exited_at[spell[~reached]]
        exits = (exit_times - as_of[~reached])[exit_times <= end] / DAY
        return cls(Timing.fit(conversion_days, z[reached], horizon), np.sort(exits), int((~reached).sum()))

    def exit_share(self, days: Floats) -> Floats:
        """Share of those who do not convert that has left within `days` (n,)."""
        return np.searchsorted(self.exits, days, side="right") / max(self.non_converters, 1)


def censored_landmarks(looks: Landmarks, deadline: npt.NDArray[np.int64], target: int, known_at: int, subset: Flags) -> Rows:
    """Those `subset` (n,) in the lead stage before the target, looked at before `known_at`, whose label was not known then."""
    return np.flatnonzero(subset & (looks.stage == target) & (looks.as_of < known_at) & (deadline[:, target] > known_at))


def days_in_stage(looks: Landmarks) -> Floats:
    """log(1 + days in the lead stage) of landmarks (n,), the covariate of the timing beside the log-odds."""
    return np.log1p((looks.as_of - looks.entered) / DAY)


def _survival(state: CensoredState, margin: Floats, speed: ConversionSpeed) -> tuple[Floats, Floats]:
    """(n,) each: P(not yet | converts in time) and P(has not left | does not)."""
    conversion_survival = 1 - speed.timing.cdf(state.open_days[:, None], np.column_stack((margin, state.covariates)))[:, 0]
    return conversion_survival, 1 - speed.exit_share(state.open_days)


def newest_shift(state: CensoredState, margin: Floats, speed: ConversionSpeed) -> float:
    """How much better or worse, in log-odds, these landmarks do than `margin` (n,) says: the maximum of their likelihood."""
    conversion_survival, exit_survival = _survival(state, margin, speed)

    def loss(shift: float) -> float:
        p = sigmoid(margin + shift)
        chance = np.where(state.reached, p, np.where(state.exited, 1 - p, p * conversion_survival + (1 - p) * exit_survival))
        return float(-np.log(np.maximum(chance, TINY)).sum() + 0.5 * shift**2)

    return float(minimize_scalar(loss, bounds=(-MOST_SHIFT, MOST_SHIFT), method="bounded").x)


def shrunk_shift(shift: float) -> float:
    """The part of a shift to believe in (positive-part James and Stein 1961): none if it is no larger than a usual swing."""
    return shift * max(0.0, 1 - (USUAL_SWING / shift) ** 2) if shift else 0.0


def censoring_weights(state: CensoredState, margin: Floats, speed: ConversionSpeed, shift: float) -> tuple[Floats, Floats]:
    """Weights (n,) with which each landmark counts as a "yes" and as a "no", given log-odds (n,) that know nothing of it.

    What has converted or left counts once. With F and E the shares of those who convert, and who do not, that have done so or
    left by now, an open landmark has the likelihood p (1 - F) + (1 - p) (1 - E). A "no" of weight (1 - p) (F - E) over that has
    the same slope in log-odds; where those who do not convert leave sooner, it is a "yes" of weight p (E - F) over that.
    All these landmarks together do better by `shift` log-odds than `margin` says. Seasons and holidays delay conversions and
    look the same, so the weights are balanced: of the shift, learners see no more than is `shrunk_shift`; of the rest only
    which leads do better than others.
    """
    conversion_survival, exit_survival = _survival(state, margin, speed)
    p = sigmoid(margin + shift)
    chance = np.maximum(p * conversion_survival + (1 - p) * exit_survival, TINY)
    positive_weight = np.where(
        state.reached, 1.0, np.where(state.exited, 0.0, p * np.maximum(conversion_survival - exit_survival, 0) / chance)
    )
    negative_weight = np.where(
        state.reached, 0.0, np.where(state.exited, 1.0, (1 - p) * np.maximum(exit_survival - conversion_survival, 0) / chance)
    )
    tilt = float(np.exp(0.5 * (shrunk_shift(shift) - shift)))
    return positive_weight * tilt, negative_weight / tilt


@dataclass(frozen=True)
class CensoredExamples:
    """Unripe landmarks (n) as training rows, and the weights with which they count as a "yes" and as a "no"."""

    x: Matrix
    positive_weight: Floats
    negative_weight: Floats
    as_of: npt.NDArray[np.int64]
    account: npt.NDArray[np.int64]


def weighted_rows(positive_weight: Floats, negative_weight: Floats) -> tuple[Rows, Flags, Floats]:
    """Unripe landmarks (n) as training rows: which, with which outcome, and how much each weighs; those that weigh hardly
    anything are left out."""
    positive_rows, negative_rows = np.flatnonzero(positive_weight > SMALLEST), np.flatnonzero(negative_weight > SMALLEST)
    return (
        np.append(positive_rows, negative_rows),
        np.arange(len(positive_rows) + len(negative_rows)) < len(positive_rows),
        np.append(positive_weight[positive_rows], negative_weight[negative_rows]),
    )


def with_censored(examples: Examples, rows: CensoredExamples) -> Examples:
    """The examples and the unripe rows, each as often as it has weight."""
    repeated_rows, outcomes, weights = weighted_rows(rows.positive_weight, rows.negative_weight)
    return Examples(
        x=np.concatenate((examples.x, rows.x[repeated_rows])),
        y=np.concatenate((examples.y, outcomes)),
        weight=np.concatenate((examples.weight, weights)),
        as_of=np.concatenate((examples.as_of, rows.as_of[repeated_rows])),
        account=np.concatenate((examples.account, rows.account[repeated_rows])),
        known_at=np.concatenate((examples.known_at, np.full(len(repeated_rows), NO_MOMENT))),
        points=examples.points,
        pooled=examples.pooled,
        signs=examples.signs,
        levels=examples.levels,
    )
