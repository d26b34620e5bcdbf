"""Points as probabilities: the rules' points calibrated on history, so that rules and model can be compared fairly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from features.common.compiled import exact, inlined
from models.calibration.calibrator import MIN_OUTCOMES, MIN_TRIALS, RECENCY, Calibrator, choose_calibrator, recent, trials
from models.common.types import Flags, Floats, margin_loss
from models.learners.linear import LEAST_POINTS, rules_prior

Ints = npt.NDArray[np.int64]

MOST_ROWS = 20_000  # drawn by chance where there are more: a curve of a few parameters needs no more
SCALE = 25.0  # points per unit of log-odds before calibration: a matter of numbers' size only


@dataclass(frozen=True)
class RuleOdds:
    """A calibrator per (lead-stage position, target position)."""

    calibrators: Mapping[tuple[int, int], Calibrator] = field(default_factory=dict)

    def probabilities(self, points: Floats, stage: npt.NDArray[np.integer], targets: int) -> Floats:
        """Points (n,) → P(target within its horizon) (n, targets); NaN where it is not ahead or was never learned.

        Where only the last step was learned, not the whole way from a lead stage, it is the chance of what comes before times
        that of the last step for these points.
        """
        direct, step, out = (np.full((len(points), targets), np.nan) for _ in range(3))
        for begin in sorted(set(stage.tolist())):
            rows = np.flatnonzero(stage == begin)
            for target in range(begin, targets):
                for chance, calibrator in (
                    (direct, self.calibrators.get((begin, target))),
                    (step, self.calibrators.get((target, target))),
                ):
                    if calibrator:
                        chance[rows, target] = calibrator.probability(points[rows] / SCALE)
        _each_lead(direct, step, out)
        return out

    def to_dict(self) -> dict[str, Any]:
        return {f"{begin}-{target}": c.to_dict() for (begin, target), c in self.calibrators.items()}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> RuleOdds:
        calibrators = {}
        for key, calibrator in saved.items():
            begin, target = key.split("-")
            calibrators[int(begin), int(target)] = Calibrator.from_dict(calibrator)
        return cls(calibrators)


@inlined
def next_chance(direct: Any, step: Any, earlier: Any, least: Any) -> Any:
    """The chance of a target, and the least so far, above which none is: of the `direct` way, else that of the target before
    (`earlier`) times that of the last `step`; NaN where it is not known."""
    chance = earlier * step if np.isnan(direct) else direct
    return chance, (least if np.isnan(chance) else min(least, chance))


@exact
def _each_lead(direct: Any, step: Any, out: Any) -> None:
    """`RuleOdds.probabilities` of chances (n, targets) that are NaN where they are not known."""
    for i in range(len(out)):
        earlier, least = np.nan, 1.0
        for target in range(out.shape[1]):
            earlier, least = next_chance(direct[i, target], step[i, target], earlier, least)
            if not np.isnan(earlier):
                out[i, target] = least


def points_calibrator(points: Floats, y: Flags, as_of: Ints, known_at: Ints, account: Ints) -> tuple[Calibrator, float | None]:
    """Points (n,) → a calibrator of points / `SCALE`, and the half-life of the rows' weights, as a share of the time they span.

    With `MIN_OUTCOMES` outcomes and more any method may win; with fewer it is `rules_prior`, which is defined from no outcome
    on. Either way the lowest loss on later rows says how fast rows fade. What is believed before any outcome counts against
    accounts, not rows: a lead looked at ten times is one piece of evidence.
    """
    if len(y) > MOST_ROWS:
        sample = np.sort(np.random.default_rng(7).choice(len(y), MOST_ROWS, replace=False))
        points, y, as_of, known_at, account = points[sample], y[sample], as_of[sample], known_at[sample], account[sample]
    margin = points / SCALE
    weight = np.full(len(y), len(np.unique(account)) / max(len(y), 1))
    if min(len(np.unique(account[side])) for side in (y, ~y)) >= MIN_OUTCOMES:
        calibrator, losses = choose_calibrator(margin, y, weight, as_of, known_at, default=None)
        _, comma, recency = min(losses, key=lambda name: losses[name]).partition(",") if losses else ("", "", "")
        return calibrator, RECENCY[comma + recency]
    time_trials = trials(as_of, known_at)
    half_life = None
    if y.any() and len(time_trials) >= MIN_TRIALS:
        trial_losses = {
            half_life: sum(_trial_loss(margin, y, weight, as_of, half_life, t.train, t.test) for t in time_trials)
            for half_life in RECENCY.values()
        }
        half_life = min(trial_losses, key=lambda half_life: trial_losses[half_life])
    return _prior(margin, y, recent(weight, as_of, half_life)), half_life


def _trial_loss(
    margin: Floats, y: Flags, weight: Floats, as_of: Ints, half_life: float | None, train: Ints, test: Ints
) -> float:
    """Mean log loss on the rows `test` of what the rows `train` teach."""
    fitted = _prior(margin[train], y[train], recent(weight[train], as_of[train], half_life))
    return margin_loss(y[test], fitted.margin(margin[test]), weight[test])


def _prior(margin: Floats, y: Flags, weight: Floats) -> Calibrator:
    middle, deviation = float(margin.mean()), max(float(margin.std()), LEAST_POINTS / SCALE)
    constant, slope = rules_prior((margin - middle) / deviation, y, weight)
    return Calibrator("platt", slope=slope / deviation, shift=constant - slope * middle / deviation)
