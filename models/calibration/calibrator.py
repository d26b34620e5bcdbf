"""Calibration: log-odds → probabilities that come true as often as they say, learned on held-out rows.

Methods: `none`; `shift` (re-anchor the base rate); `temperature` (one slope; Guo et al. 2017, arXiv:1706.04599); `platt` (slope
and shift; Platt 1999); `beta` (Kull et al. 2017, doi:10.1214/17-EJS1338SI); `isotonic` (Zadrozny and Elkan 2002).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.common.compiled import exact, inlined
from models.common.log_odds import interpolated, logit_of, sigmoid_of
from models.common.types import TINY, Flags, Floats, clipped, margin_loss, sigmoid

MIN_OUTCOMES = 30  # fewer positives (or negatives) than this carry a shift at most
ISOTONIC_AT_LEAST = 200  # positives from which a free curve is worth a try
BLOCKS = 6  # of time, for trying calibrators
MIN_SEEN = 100  # rows to fit a calibrator on in a trial
MIN_TRIALS = 3
EVIDENCE = 2.0  # standard errors by which a method must beat doing nothing
RECENCY: dict[str, float | None] = {"": None, ", recent": 0.25, ", newest": 0.06}  # half-life as a share of the time seen
TIE_BREAK = 0.02  # isotonic steps keep this much of the learner's own order
STRAIGHT, BETA, ISOTONIC = range(3)  # the forms of a calibrator


@dataclass(frozen=True)
class Calibrator:
    """A monotone map of log-odds. Parametric methods: a·m₊ + b·m₋ + c on transformed log-odds; isotonic: a curve of knots."""

    method: str = "none"
    slope: float = 1.0
    slope_low: float = 1.0  # beta only: weight of -log(1 - p); `slope` is then that of log(p)
    shift: float = 0.0
    knots: tuple[float, ...] = ()
    values: tuple[float, ...] = ()

    @property
    def form(self) -> int:
        return {"beta": BETA, "isotonic": ISOTONIC}.get(self.method, STRAIGHT)

    def margin(self, margin: Floats) -> Floats:
        """Log-odds (n,) → calibrated log-odds (n,); never decreasing."""
        out = np.empty(len(margin))
        knots, levels = np.array(self.knots, np.float64), np.array(self.values, np.float64)
        margin = np.ascontiguousarray(margin, np.float64)
        _calibrate_all(margin, self.form, self.slope, self.slope_low, self.shift, knots, levels, out)
        return out

    def probability(self, margin: Floats) -> Floats:
        """Log-odds (n,) → probabilities (n,) strictly between 0 and 1."""
        return clipped(sigmoid(self.margin(margin)), TINY, 1 - TINY)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Calibrator:
        return cls(**{**saved, "knots": tuple(saved["knots"]), "values": tuple(saved["values"])})


@inlined
def calibrated_margin(margin: Any, form: Any, slope: Any, slope_low: Any, shift: Any, knots: Any, levels: Any) -> Any:
    """One log-odds calibrated; the rest as in `Calibrator`."""
    if form == ISOTONIC:
        log_odds = logit_of((1 - TIE_BREAK) * interpolated(margin, knots, levels) + TIE_BREAK * sigmoid_of(margin))
    elif form == BETA:
        common = np.log1p(np.exp(-abs(margin)))
        log_odds = slope * -(common + max(-margin, 0.0)) + slope_low * (common + max(margin, 0.0)) + shift
    else:
        log_odds = slope * margin + shift
    return log_odds


@exact
def _calibrate_all(
    margin: Any, form: int, slope: float, slope_low: float, shift: float, knots: Any, levels: Any, out: Any
) -> None:
    for i in range(len(margin)):
        out[i] = calibrated_margin(margin[i], form, slope, slope_low, shift, knots, levels)


Rows = npt.NDArray[np.intp]
Ints = npt.NDArray[np.int64]
Fit = Callable[[Floats, Flags, Floats], Calibrator]


def _minimised(
    y: Flags, weight: Floats, parts: Sequence[Floats], offset: Floats | float, start: list[float], low: list[float | None]
) -> Floats:
    """The v with the lowest log loss of the log-odds Σ v·parts + offset (n,), at least `low`."""
    from scipy.optimize import minimize  # a server never fits

    share = weight / weight.sum()
    sign = np.where(y, -1.0, 1.0)

    def loss(v: Floats) -> tuple[float, Floats]:
        margin = v[0] * parts[0]
        for value, part in zip(v[1:], parts[1:], strict=True):
            margin += value * part
        margin += offset
        wrong = share * (sigmoid(margin) - y)
        # sums rather than products of vectors: a BLAS would wake its threads for these few rows, and they spin on afterwards
        return float((share * np.logaddexp(0.0, sign * margin)).sum()), np.array([(wrong * part).sum() for part in parts])

    solution = minimize(loss, np.array(start), jac=True, method="L-BFGS-B", bounds=[(b, None) for b in low])
    return np.asarray(solution.x, np.float64)


def _shift(margin: Floats, y: Flags, weight: Floats) -> Calibrator:
    """Half an outcome of each kind is added, so that no outcome at all still says something."""
    middle = float(np.average(margin, weights=weight))
    labels, heavy = np.append(y, [True, False]), np.append(weight, [0.5, 0.5])
    (shift,) = _minimised(labels, heavy, [np.ones(len(labels))], np.append(margin, [middle, middle]), [0.0], [None])
    return Calibrator("shift", shift=float(shift))


def _temperature(margin: Floats, y: Flags, weight: Floats) -> Calibrator:
    (slope,) = _minimised(y, weight, [margin], 0.0, [1.0], [0.05])
    return Calibrator("temperature", slope=float(slope))


def _platt(margin: Floats, y: Flags, weight: Floats) -> Calibrator:
    slope, shift = _minimised(y, weight, [margin, np.ones(len(y))], 0.0, [1.0, 0.0], [0.05, None])
    return Calibrator("platt", slope=float(slope), shift=float(shift))


def _beta(margin: Floats, y: Flags, weight: Floats) -> Calibrator:
    log_p, minus_log_q = -np.logaddexp(0, -margin), np.logaddexp(0, margin)
    coefficients = _minimised(y, weight, [log_p, minus_log_q, np.ones(len(y))], 0.0, [1.0, 1.0, 0.0], [0.05, 0.05, None])
    return Calibrator("beta", slope=float(coefficients[0]), slope_low=float(coefficients[1]), shift=float(coefficients[2]))


def _isotonic(margin: Floats, y: Flags, weight: Floats) -> Calibrator:
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(out_of_bounds="clip", y_min=TINY, y_max=1 - TINY).fit(margin, y, sample_weight=weight)
    return Calibrator("isotonic", knots=tuple(fitted.X_thresholds_.tolist()), values=tuple(fitted.y_thresholds_.tolist()))


def _identity(margin: Floats, y: Flags, weight: Floats) -> Calibrator:
    return Calibrator()


METHODS: dict[str, Fit] = {
    "none": _identity,
    "shift": _shift,
    "temperature": _temperature,
    "platt": _platt,
    "beta": _beta,
    "isotonic": _isotonic,
}


def allowed_methods(y: Flags) -> list[str]:
    """The methods that so many positives and negatives can carry."""
    rarer = int(min(y.sum(), (~y).sum()))
    if rarer < MIN_OUTCOMES:
        return ["none", "shift"]
    return [m for m in METHODS if m != "isotonic" or rarer >= ISOTONIC_AT_LEAST]


@dataclass(frozen=True)
class Trial:
    """One trial of the calibrators: rows known by a moment, and the rows after it."""

    train: Rows
    test: Rows


def trials(as_of: Ints, known_at: Ints) -> list[Trial]:
    """Cross-validation over time: cut it into `BLOCKS`; each block is judged with what was known when it began.

    A label is known a horizon after its landmark, so what looks like the newest base rate is that old when it is used. Where
    the horizon leaves nothing known, the rows before the block stand in.
    """
    edges = np.quantile(as_of, np.linspace(0, 1, BLOCKS + 1), method="lower") if len(as_of) else np.zeros(BLOCKS + 1)
    time_trials = []
    for number in range(1, BLOCKS):
        begin, end = edges[number], edges[number + 1]
        test = np.flatnonzero((as_of >= begin) & ((as_of < end) | (number == BLOCKS - 1)))
        train = np.flatnonzero(known_at <= begin)
        if len(train) < MIN_SEEN:
            train = np.flatnonzero(as_of < begin)
        if len(train) >= MIN_SEEN and len(test):
            time_trials.append(Trial(train, test))
    return time_trials


def recent(weight: Floats, as_of: Ints, half_life: float | None) -> Floats:
    """Weights (n,) that halve with every `half_life` (a share of the time the rows span) before the newest row; their sum
    stays."""
    span = max(int(np.ptp(as_of)), 1) if len(as_of) else 1
    return faded(weight, as_of, None if half_life is None else half_life * span)


def faded(weight: Floats, as_of: Ints, half_life: float | None) -> Floats:
    """The same with a half-life in microseconds (exponential decay)."""
    if half_life is None or not len(as_of):
        return weight
    decayed = weight * np.exp2((as_of - as_of.max()) / half_life)
    return np.asarray(decayed * (weight.sum() / decayed.sum()), np.float64)


def choose_calibrator(
    margin: Floats, y: Flags, weight: Floats, as_of: Ints, known_at: Ints, *, default: str | None = "none"
) -> tuple[Calibrator, dict[str, float]]:
    """The method with the lowest log loss on later rows, then fitted on all rows.

    All arrays are (n,). What claims to be log-odds already stays as it is (`default`) unless a method gains more than
    `EVIDENCE` standard errors of its gain over the trials, and gains in the newest of them too. Without a `default` the lowest
    loss decides, and each method is tried on all that was known at a moment alike and with more weight on what is recent
    ("platt, newest"), which wins where the base rate drifts for good and loses where it only swings; log-odds of learners that
    fade have that behind them. Returns the calibrator and the mean log loss of every candidate.
    """
    time_trials = trials(as_of, known_at)
    if len(time_trials) < MIN_TRIALS and default:
        return Calibrator(), {}
    if len(time_trials) < MIN_TRIALS:
        return _fit("platt" if len(allowed_methods(y)) > 2 else "shift", margin, y, weight), {}
    losses = {
        f"{method}{suffix}": np.array([_trial_loss(method, half_life, t, margin, y, weight, as_of) for t in time_trials])
        for method in allowed_methods(y)
        for suffix, half_life in RECENCY.items()
        if not suffix or (default is None and method != "none")
    }
    best_first = sorted(losses, key=lambda name: float(losses[name].mean()))
    chosen = best_first[0] if default is None else default
    for name in best_first if default else ():
        gain = losses[chosen] - losses[name]
        if gain[-1] > 0 and gain.mean() > EVIDENCE * gain.std(ddof=1) / np.sqrt(len(gain)):
            chosen = name
            break
    method, comma, recency = chosen.partition(",")
    fitted = _fit(method, margin, y, recent(weight, as_of, RECENCY[comma + recency]))
    return fitted, {name: float(loss.mean()) for name, loss in losses.items()}


def _trial_loss(
    method: str, half_life: float | None, trial: Trial, margin: Floats, y: Flags, weight: Floats, as_of: Ints
) -> float:
    rows = trial.train
    fitted = _fit(method, margin[rows], y[rows], recent(weight[rows], as_of[rows], half_life))
    return margin_loss(y[trial.test], fitted.margin(margin[trial.test]), weight[trial.test])


def _fit(method: str, margin: Floats, y: Flags, weight: Floats) -> Calibrator:
    """The method, or the strongest that these rows can carry."""
    allowed = allowed_methods(y)
    return METHODS[method if method in allowed else allowed[-1]](margin, y, weight)
