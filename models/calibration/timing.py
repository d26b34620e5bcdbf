"""Timing: when those who convert within the horizon do so, which turns one probability into a curve over days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from features.common.compiled import compiled, inlined
from models.common.types import Floats

KNOTS = 24
MIN_CONVERSIONS = 30  # conversions; with fewer all leads share one curve
PULL = 4.0  # strength, in conversions, of the pull of the slopes towards zero
STEPS = 12  # of Newton's method
MAX_DEVIATION = 3.0  # standard deviations of a covariate; beyond it nothing was learned
STEEPEST = 1.5  # |slope| per standard deviation


@dataclass(frozen=True)
class Timing:
    """F(t | z): of those who convert within the horizon, the share that has done so within t days.

    F(t | z) = F₀(t) ^ exp(Σ slope · (z - centre) / spread): proportional hazards in reversed time (horizon - t), so F is 1 at
    the horizon whatever z is. `days` ascends to the horizon; `share` are the values of F₀ there.
    """

    days: tuple[float, ...]
    share: tuple[float, ...]
    slope: tuple[float, ...] = ()
    centre: tuple[float, ...] = ()
    spread: tuple[float, ...] = ()

    @classmethod
    def fit(cls, durations: Floats, z: Floats, horizon: float) -> Timing:
        """Learn from the days `durations` (n,), each at most the horizon, and covariates `z` (n, c).

        Source: Cox's partial likelihood (1972) with Breslow's baseline, in reversed time. Without conversions F rises evenly.
        """
        if not len(durations):
            return cls((0.0, horizon), (0.0, 1.0))
        centre, spread = z.mean(axis=0), np.maximum(z.std(axis=0), 1e-9)
        order = np.argsort(-durations, kind="stable")  # reversed time runs from the horizon down
        standard, durations = ((z - centre) / spread)[order], np.maximum(durations[order], 0.0)
        slope = _slopes(standard) if len(durations) >= MIN_CONVERSIONS else np.zeros(z.shape[1])
        hazard = np.exp(standard @ slope)
        at_risk = np.cumsum(hazard[::-1])[::-1]
        survived = np.exp(-np.cumsum(1 / at_risk))  # F₀ just below each duration
        days = np.unique(np.append(np.quantile(durations, np.linspace(0, 1, KNOTS)), horizon))
        ascending = np.append(durations[::-1], horizon)
        baseline = np.append(survived[::-1], 1.0)
        # F₀(t) is what is left just above t: the value below the next duration
        share = baseline[np.searchsorted(ascending, days, side="right").clip(max=len(baseline) - 1)]
        share[-1] = 1.0
        return cls(
            (0.0, *(float(d) for d in days if d > 0)),
            (0.0, *(float(s) for s, d in zip(np.maximum.accumulate(share), days, strict=True) if d > 0)),
            tuple(slope.tolist()),
            tuple(centre.tolist()),
            tuple(spread.tolist()),
        )

    def cdf(self, days: Floats, z: Floats) -> Floats:
        """F(days | z): days (m,) or (n, 1), covariates (n, c) → (n, m)."""
        power = np.ones(len(z))
        if self.slope:
            _powers(z, np.array(self.slope), np.array(self.centre), np.array(self.spread), power)
        return np.asarray(self.share_by(days) ** power[:, None], np.float64)

    def share_by(self, days: Floats) -> Floats:
        """F₀ at these days."""
        return np.asarray(np.interp(days, self.days, self.share), np.float64)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Timing:
        return cls(**{key: tuple(value) for key, value in saved.items()})


@inlined
def power_of(z: Any, slope: Any, centre: Any, spread: Any) -> Any:
    """exp(Σ slope · (z - centre) / spread) for the covariates z (c,) of one lead: F(t | z) is F₀(t) to this power."""
    total = 0.0
    for j in range(len(slope)):
        standard = (z[j] - centre[j]) / spread[j]
        total += min(max(standard, -MAX_DEVIATION), MAX_DEVIATION) * slope[j]
    return np.exp(total)


@inlined
def expected_days(days: Any, share: Any, power: Any) -> Any:
    """Days to the conversion of those who convert within the horizon: the area above F, by trapezoids."""
    area, earlier_survival = 0.0, 1.0 - share[0] ** power
    for k in range(1, len(days)):
        survival = 1.0 - share[k] ** power
        area += 0.5 * (survival + earlier_survival) * (days[k] - days[k - 1])
        earlier_survival = survival
    return area


@compiled
def _powers(z: Any, slope: Any, centre: Any, spread: Any, out: Any) -> None:
    for i in range(len(z)):
        out[i] = power_of(z[i], slope, centre, spread)


@dataclass(frozen=True)
class Timings:
    """A timing per (lead-stage position, target position)."""

    by_pair: Mapping[tuple[int, int], Timing]

    def to_dict(self) -> dict[str, Any]:
        return {f"{begin}-{target}": timing.to_dict() for (begin, target), timing in self.by_pair.items()}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Timings:
        pairs = {tuple(map(int, key.split("-"))): Timing.from_dict(timing) for key, timing in saved.items()}
        return cls({(begin, target): timing for (begin, target), timing in pairs.items()})


def _slopes(z: Floats) -> Floats:
    """Maximise the partial likelihood of rows in the order of their reversed times: z (n, c) → slopes (c,)."""
    slope = np.zeros(z.shape[1])
    for _ in range(STEPS):
        weight = np.exp(z @ slope)
        total = np.cumsum(weight[::-1])[::-1]
        first_moment = np.cumsum((weight[:, None] * z)[::-1], axis=0)[::-1] / total[:, None]
        second_moment = (
            np.cumsum((weight[:, None, None] * z[:, :, None] * z[:, None, :])[::-1], axis=0)[::-1] / total[:, None, None]
        )
        gradient = (z - first_moment).sum(axis=0) - PULL * slope
        curvature = (second_moment - first_moment[:, :, None] * first_moment[:, None, :]).sum(axis=0) + PULL * np.eye(
            len(slope)
        )
        step = np.linalg.solve(curvature, gradient)
        slope = np.clip(slope + step, -STEEPEST, STEEPEST)
        if np.abs(step).max(initial=0.0) < 1e-6:
            break
    return slope
