"""Unripe (right-censored) labels: landmarks whose horizon had not passed are neither dropped nor taken as a "no".

Such a landmark says one of three things: it has converted, it has left, or it is still open after so many days. The last is
evidence as well: the longer it takes, the likelier a "no", by exactly as much as the timing of earlier conversions and exits
says. It enters with the slope of its likelihood in a mixture cure model (Farewell 1982, doi:10.2307/2529885) with censoring by
the day of knowledge and exits as competing events. `benchmarks/censoring.py` compares it with its rivals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from features.common.clock import DAY
from models.calibration.timing import Timing
from models.common.types import TINY, Examples, Flags, Floats, Matrix, sigmoid
from training.data.prepare import Prepared

SMALLEST = 0.01  # a row of less weight is left out
USUAL_SWING = 0.4  # log-odds by which seasons and holidays move what the newest leads seem to do: a third more or less
MOST_SHIFT = 3.0  # log-odds by which the newest leads may differ from earlier ones

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Standing:
    """What was known at a moment of landmarks (n) in the lead stage before the target: `reached`, `left`, or open for so long.

    `covariates` (n, 1): log(1 + days in the lead stage) at the landmark.
    """

    reached: Flags
    left: Flags
    open_days: Floats
    covariates: Floats

    @classmethod
    def of(cls, prepared: Prepared, target: int, rows: Rows, known_at: int) -> Standing:
        lead = prepared.looks.lead[rows]
        reached = prepared.path.reached[lead, target + 1] <= known_at
        left = (prepared.path.left[lead] <= known_at) & ~reached
        return cls(reached, left, (known_at - prepared.looks.as_of[rows]) / DAY, days_in_stage(prepared, rows)[:, None])


@dataclass(frozen=True)
class Pace:
    """How fast a lead stage is left: `timing` of those who convert in time, `exits` (days, ascending) of those who do not.

    `others` is the number of those who do not convert, whether they left within the horizon or not.
    """

    timing: Timing
    exits: Floats
    others: int

    @classmethod
    def learn(cls, prepared: Prepared, target: int, rows: Rows, reached: Flags, margin: Floats) -> Pace:
        """From matured landmarks `rows` (n,) in the lead stage before the target; log-odds `margin` (n,) are out-of-fold."""
        lead, as_of = prepared.looks.lead[rows], prepared.looks.as_of[rows]
        horizon = prepared.funnel.horizons[prepared.funnel.targets[target]]
        taken = (prepared.path.reached[lead[reached], target + 1] - as_of[reached]) / DAY
        z = np.column_stack((margin, days_in_stage(prepared, rows)))
        end = as_of[~reached] + int(horizon * DAY)
        away = prepared.path.left[lead[~reached]]
        exits = (away - as_of[~reached])[away <= end] / DAY
        return cls(Timing.fit(taken, z[reached], horizon), np.sort(exits), int((~reached).sum()))

    def gone(self, days: Floats) -> Floats:
        """Share of those who do not convert that has left within `days` (n,)."""
        return np.searchsorted(self.exits, days, side="right") / max(self.others, 1)


def unripe_rows(prepared: Prepared, target: int, known_at: int, among: Flags) -> Rows:
    """Those `among` (n,) in the lead stage before the target, looked at before `known_at`, whose label was not known then."""
    looks = prepared.looks
    return np.flatnonzero(
        among & (looks.stage == target) & (looks.as_of < known_at) & (prepared.deadline[:, target] > known_at)
    )


def days_in_stage(prepared: Prepared, rows: Rows) -> Floats:
    """log(1 + days in the lead stage) of landmarks (n,), the covariate of the timing beside the log-odds."""
    return np.log1p((prepared.looks.as_of[rows] - prepared.looks.entered[rows]) / DAY)


def _chances(now: Standing, margin: Floats, pace: Pace) -> tuple[Floats, Floats]:
    """(n,) each: P(not yet | converts in time) and P(has not left | does not)."""
    yet = 1 - pace.timing.by(now.open_days[:, None], np.column_stack((margin, now.covariates)))[:, 0]
    return yet, 1 - pace.gone(now.open_days)


def newest_shift(now: Standing, margin: Floats, pace: Pace) -> float:
    """How much better or worse, in log-odds, these landmarks do than `margin` (n,) says: the maximum of their likelihood."""
    yet, stays = _chances(now, margin, pace)

    def loss(shift: float) -> float:
        p = sigmoid(margin + shift)
        chance = np.where(now.reached, p, np.where(now.left, 1 - p, p * yet + (1 - p) * stays))
        return float(-np.log(np.maximum(chance, TINY)).sum() + 0.5 * shift**2)

    return float(minimize_scalar(loss, bounds=(-MOST_SHIFT, MOST_SHIFT), method="bounded").x)


def believed(shift: float) -> float:
    """The part of a shift to believe in (positive-part James and Stein 1961): none if it is no larger than a usual swing."""
    return shift * max(0.0, 1 - (USUAL_SWING / shift) ** 2) if shift else 0.0


def evidence(now: Standing, margin: Floats, pace: Pace, shift: float) -> tuple[Floats, Floats]:
    """Weights (n,) with which each landmark counts as a "yes" and as a "no", given log-odds (n,) that know nothing of it.

    What has converted or left counts once. With F and E the shares of those who convert, and who do not, that have done so or
    left by now, an open landmark has the likelihood p (1 - F) + (1 - p) (1 - E). A "no" of weight (1 - p) (F - E) over that has
    the same slope in log-odds; where those who do not convert leave sooner, it is a "yes" of weight p (E - F) over that.
    All these landmarks together do better by `shift` log-odds than `margin` says. Seasons and holidays delay conversions and
    look the same, so the weights are balanced: of the shift, learners see no more than is `believed`; of the rest only which
    leads do better than others.
    """
    yet, stays = _chances(now, margin, pace)
    p = sigmoid(margin + shift)
    chance = np.maximum(p * yet + (1 - p) * stays, TINY)
    yes = np.where(now.reached, 1.0, np.where(now.left, 0.0, p * np.maximum(yet - stays, 0) / chance))
    no = np.where(now.reached, 0.0, np.where(now.left, 1.0, (1 - p) * np.maximum(stays - yet, 0) / chance))
    tilt = float(np.exp(0.5 * (believed(shift) - shift)))
    return yes * tilt, no / tilt


@dataclass(frozen=True)
class Unripe:
    """Unripe landmarks (n) as training rows, and the weights with which they count as a "yes" and as a "no"."""

    x: Matrix
    yes: Floats
    no: Floats
    as_of: npt.NDArray[np.int64]
    account: npt.NDArray[np.int64]


def with_unripe(examples: Examples, rows: Unripe) -> Examples:
    """The examples and the unripe rows, each as often as it has weight."""
    yes, no = np.flatnonzero(rows.yes > SMALLEST), np.flatnonzero(rows.no > SMALLEST)
    both = np.append(yes, no)
    return Examples(
        x=np.concatenate((examples.x, rows.x[both])),
        y=np.concatenate((examples.y, np.ones(len(yes), bool), np.zeros(len(no), bool))),
        weight=np.concatenate((examples.weight, rows.yes[yes], rows.no[no])),
        as_of=np.concatenate((examples.as_of, rows.as_of[both])),
        account=np.concatenate((examples.account, rows.account[both])),
        known_at=np.concatenate((examples.known_at, rows.as_of[both])),
        points=examples.points,
        pooled=examples.pooled,
    )
