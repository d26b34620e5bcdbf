"""A lead's numbers once more, naively: one lead, one formula after the other, plain Python and NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from models.calibration.calibrator import TIE_BREAK, Calibrator
from models.calibration.intervals import QUANTILE, Interval
from models.calibration.timing import MAX_DEVIATION, Timing
from models.common.types import TINY
from models.decision.value import Value
from models.learners.linear import CLIP, Linear
from models.rules.odds import SCALE, RuleOdds
from models.rules.rules import Rules


def sigmoid(margin: float) -> float:
    return 1 / (1 + math.exp(-margin)) if margin > 0 else math.exp(margin) / (1 + math.exp(margin))


def logit(probability: float) -> float:
    p = min(max(probability, TINY), 1 - TINY)
    return math.log(p / (1 - p))


def points(rules: Rules, counts: list[float], fits: list[float]) -> dict[str, Any]:
    """Points, lines, what the caps took, and the grade."""
    lines = []
    for rule, count in zip(rules.book.behaviour, counts, strict=True):
        times = count if rule.times is None else float(count >= rule.times)
        most = math.inf if rule.at_most is None else rule.at_most
        lines.append(max(-most, min(most, rule.points * times)))
    caps = rules.book.caps
    engagement, fit = sum(lines), sum(fits)
    capped = min(engagement, caps.engagement or math.inf), min(fit, caps.fit or math.inf)
    grade = None
    if edges := rules.book.grades:
        letter = "A" if capped[1] >= edges.fit["A"] else "B" if capped[1] >= edges.fit["B"] else "C"
        number = "1" if capped[0] >= edges.engagement["1"] else "2" if capped[0] >= edges.engagement["2"] else "3"
        grade = letter + number
    return {"points": sum(capped), "lines": lines + fits, "capped": sum(capped) - engagement - fit, "grade": grade}


def linear(learner: Linear, row: np.ndarray) -> list[float]:
    """What each column of a row adds, and the constant."""
    scaler, added = learner.scaler, []
    indicators = dict(zip(scaler.indicated.tolist(), learner.coefficient[len(row) :].tolist(), strict=True))
    for j, value in enumerate(row.tolist()):
        missing = math.isnan(value)
        total = (missing - scaler.missing[j]) * indicators.get(j, 0.0)
        if not missing:
            scaled = math.log1p(max(value, 0)) if scaler.log_scale[j] else value
            total += learner.coefficient[j] * min(max((scaled - scaler.mean[j]) / scaler.deviation[j], -CLIP), CLIP)
        added.append(total)
    return [*added, learner.intercept]


def calibrated(calibrator: Calibrator, margin: float) -> float:
    """Log-odds → calibrated log-odds."""
    if calibrator.method == "isotonic":
        smooth = float(np.interp(margin, calibrator.knots, calibrator.values))
        return logit((1 - TIE_BREAK) * smooth + TIE_BREAK * sigmoid(margin))
    if calibrator.method == "beta":
        log_p, log_q = math.log(sigmoid(margin)), math.log(sigmoid(-margin))
        return calibrator.slope * log_p - calibrator.slope_low * log_q + calibrator.shift
    return calibrator.slope * margin + calibrator.shift


def probability(calibrator: Calibrator, margin: float) -> float:
    return min(max(sigmoid(calibrated(calibrator, margin)), TINY), 1 - TINY)


def bounds(band: Interval, p: float) -> tuple[float, float]:
    """The 90 % interval around a probability."""
    width = QUANTILE * float(np.interp(logit(p), band.centre, band.spread))
    return min(sigmoid(logit(p) - width), p), max(sigmoid(logit(p) + width), p)


def chain_bounds(bands: list[Interval], conditional: list[float]) -> tuple[float, float]:
    """The 90 % interval of a product of conditional probabilities."""
    reached = math.prod(conditional)
    ends = [bounds(band, p) for band, p in zip(bands, conditional, strict=True)]
    down = math.sqrt(sum(math.log(p / low) ** 2 for p, (low, _) in zip(conditional, ends, strict=True)))
    up = math.sqrt(sum(math.log(high / p) ** 2 for p, (_, high) in zip(conditional, ends, strict=True)))
    return reached * math.exp(-down), min(reached * math.exp(up), 1.0)


def rule_chances(odds: RuleOdds, total: float, stage: int, targets: int) -> list[float]:
    """P(target) by the points, NaN where it is not known or not ahead."""
    raw = [math.nan] * targets
    for target in range(stage, targets):
        if whole := odds.calibrators.get((stage, target)):
            raw[target] = probability(whole, total / SCALE)
        elif target > stage and (step := odds.calibrators.get((target, target))):
            raw[target] = raw[target - 1] * probability(step, total / SCALE)
    return [math.nan if math.isnan(raw[t]) else float(np.nanmin(raw[: t + 1])) for t in range(targets)]


def power(timing: Timing, z: tuple[float, float]) -> float:
    """F(t | z) is F₀(t) to this power."""
    standard = [(v - c) / s for v, c, s in zip(z, timing.centre, timing.spread, strict=False)]
    return math.exp(sum(b * min(max(s, -MAX_DEVIATION), MAX_DEVIATION) for b, s in zip(timing.slope, standard, strict=True)))


def expected_days(timing: Timing, exponent: float) -> float:
    """∫ 1 - F over the knots."""
    return float(np.trapezoid(1 - np.array(timing.share) ** exponent, timing.days))


def curve(
    timings: list[Timing], horizons: list[float], z: tuple[float, float], reached: list[float], days: tuple[float, ...]
) -> list[float]:
    """P(by each day) of the last of some targets: no higher than that of any before it."""
    return [
        min(
            p * float(np.interp(min(day, horizon), timing.days, timing.share)) ** power(timing, z)
            for timing, horizon, p in zip(timings, horizons, reached, strict=True)
        )
        for day in days
    ]


def worth(value: Value, amount: float, p: float, low: float, high: float) -> tuple[float, float, float]:
    """What a lead is worth, and its interval."""
    middle = p * amount * value.lifetime
    down, up = (math.hypot(math.log(end / p), QUANTILE * value.spread) for end in (low, high))
    return middle, middle * math.exp(-down), middle * math.exp(up)


def score(percentiles: np.ndarray, final: float) -> int:
    return min(max(sum(level <= final for level in percentiles.tolist()), 1), 99)


def grade(fit: float, engagement: float, fit_thirds: list[float], engagement_thirds: list[float]) -> str:
    return "CBA"[sum(fit > edge for edge in fit_thirds)] + "321"[sum(engagement > edge for edge in engagement_thirds)]


def reasons(contributions: list[float], groups: list[int], most: int) -> list[tuple[int, float]]:
    """(speaker, effect) of the groups that moved a lead most, strongest first; (-1, 0.0) where none is left."""
    members = {g: [j for j, group in enumerate(groups) if group == g] for g in sorted(set(groups))}
    effects = {g: sum(contributions[j] for j in columns) for g, columns in members.items()}
    ranked = sorted(effects, key=lambda g: -abs(effects[g]))[:most]
    lines = [(max(members[g], key=lambda j: contributions[j] * np.sign(effects[g])), effects[g]) for g in ranked if effects[g]]
    return lines + [(-1, 0.0)] * (most - len(lines))
