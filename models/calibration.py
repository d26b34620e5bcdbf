"""Calibration: log-odds → probabilities that come true as often as they say, learned on rows the learner never saw.

Methods: `none`; `shift` (re-anchor the base rate); `temperature` (one slope; Guo et al. 2017, arXiv:1706.04599); `platt` (slope
and shift; Platt 1999); `beta` (Kull et al. 2017, doi:10.1214/17-EJS1338SI); `isotonic` (Zadrozny and Elkan 2002).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression

from models.types import TINY, Flags, Floats, logit, margin_loss, sigmoid

FEW = 30  # fewer positives (or negatives) than this carry a shift at most
ISOTONIC_AT_LEAST = 200  # positives from which a free curve is worth a try
TIE_BREAK = 0.02  # isotonic steps keep this much of the learner's own order


@dataclass(frozen=True)
class Calibrator:
    """A monotone map of log-odds. Parametric methods: a·m₊ + b·m₋ + c on transformed log-odds; isotonic: a curve of knots."""

    method: str = "none"
    slope: float = 1.0
    slope_low: float = 1.0  # beta only: weight of -log(1 - p); `slope` is then that of log(p)
    shift: float = 0.0
    knots: tuple[float, ...] = ()
    values: tuple[float, ...] = ()

    def margin(self, margin: Floats) -> Floats:
        """Log-odds (n,) → calibrated log-odds (n,); never decreasing."""
        if self.method == "isotonic":
            smooth = np.interp(margin, self.knots, self.values)
            return logit((1 - TIE_BREAK) * smooth + TIE_BREAK * sigmoid(margin))
        if self.method == "beta":
            log_p, log_q = -np.logaddexp(0, -margin), -np.logaddexp(0, margin)
            return np.asarray(self.slope * log_p - self.slope_low * log_q + self.shift, np.float64)
        return np.asarray(self.slope * margin + self.shift, np.float64)

    def probability(self, margin: Floats) -> Floats:
        """Log-odds (n,) → probabilities (n,) strictly between 0 and 1."""
        return np.clip(sigmoid(self.margin(margin)), TINY, 1 - TINY)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Calibrator:
        return cls(**{**saved, "knots": tuple(saved["knots"]), "values": tuple(saved["values"])})


Fit = Callable[[Floats, Flags, Floats], Calibrator]


def _minimised(loss: Callable[[Floats], float], start: list[float], low: list[float | None]) -> Floats:
    found = minimize(loss, np.array(start), method="L-BFGS-B", bounds=[(b, None) for b in low])
    return np.asarray(found.x, np.float64)


def _shift(margin: Floats, y: Flags, weight: Floats) -> Calibrator:
    (shift,) = _minimised(lambda v: margin_loss(y, margin + v[0], weight), [0.0], [None])
    return Calibrator("shift", shift=float(shift))


def _temperature(margin: Floats, y: Flags, weight: Floats) -> Calibrator:
    (slope,) = _minimised(lambda v: margin_loss(y, v[0] * margin, weight), [1.0], [0.05])
    return Calibrator("temperature", slope=float(slope))


def _platt(margin: Floats, y: Flags, weight: Floats) -> Calibrator:
    slope, shift = _minimised(lambda v: margin_loss(y, v[0] * margin + v[1], weight), [1.0, 0.0], [0.05, None])
    return Calibrator("platt", slope=float(slope), shift=float(shift))


def _beta(margin: Floats, y: Flags, weight: Floats) -> Calibrator:
    def made(v: Floats) -> Calibrator:
        return Calibrator("beta", slope=float(v[0]), slope_low=float(v[1]), shift=float(v[2]))

    found = _minimised(lambda v: margin_loss(y, made(v).margin(margin), weight), [1.0, 1.0, 0.0], [0.05, 0.05, None])
    return made(found)


def _isotonic(margin: Floats, y: Flags, weight: Floats) -> Calibrator:
    fitted = IsotonicRegression(out_of_bounds="clip", y_min=TINY, y_max=1 - TINY).fit(margin, y, sample_weight=weight)
    return Calibrator("isotonic", knots=tuple(fitted.X_thresholds_.tolist()), values=tuple(fitted.y_thresholds_.tolist()))


def _none(margin: Floats, y: Flags, weight: Floats) -> Calibrator:  # noqa: ARG001  the shape of all fits
    return Calibrator()


METHODS: dict[str, Fit] = {
    "none": _none,
    "shift": _shift,
    "temperature": _temperature,
    "platt": _platt,
    "beta": _beta,
    "isotonic": _isotonic,
}


def allowed_methods(y: Flags) -> list[str]:
    """The methods that so many positives and negatives can carry."""
    rarer = int(min(y.sum(), (~y).sum()))
    if rarer == 0:
        return ["none"]
    if rarer < FEW:
        return ["none", "shift"]
    return [m for m in METHODS if m != "isotonic" or rarer >= ISOTONIC_AT_LEAST]


def choose_calibrator(
    margin: Floats, y: Flags, weight: Floats, block: npt.NDArray[np.integer], newest_only: bool = True
) -> tuple[Calibrator, dict[str, float]]:
    """The method with the lowest log loss on later blocks, then fitted on all rows.

    `block` (n,) numbers the rows in time, 0, 1, 2, …: each method is fitted on the blocks before and judged on the next. With
    `newest_only`, each method is also tried on the newest block alone ("platt, newest"), which wins where the base rate drifts.
    Returns the calibrator and the log loss of every candidate. A plainer method is preferred unless another gains 0.1 %.
    """
    methods = allowed_methods(y)
    numbers = np.unique(block)
    if len(numbers) < 2 or len(methods) == 1:
        method = "platt" if "platt" in methods else methods[-1]
        return METHODS[method](margin, y, weight), {}
    losses: dict[str, float] = {}
    for method in methods:
        for suffix in ("", ", newest") if newest_only and method != "none" else ("",):
            parts, sizes = [], []
            for before, now in zip(numbers[:-1], numbers[1:], strict=True):
                seen = block == before if suffix else block <= before
                fit = METHODS[method] if method in allowed_methods(y[seen]) else METHODS[allowed_methods(y[seen])[-1]]
                judged = block == now
                calibrated = fit(margin[seen], y[seen], weight[seen]).margin(margin[judged])
                parts.append(margin_loss(y[judged], calibrated, weight[judged]))
                sizes.append(float(weight[judged].sum()))
            losses[method + suffix] = float(np.average(parts, weights=sizes))
    best = min(losses.values())
    chosen = next(name for name, loss in losses.items() if loss <= best * 1.001)
    method, _, newest = chosen.partition(", ")
    rows = block == numbers[-1] if newest else np.ones(len(y), bool)
    method = method if method in allowed_methods(y[rows]) else allowed_methods(y[rows])[-1]
    return METHODS[method](margin[rows], y[rows], weight[rows]), losses
