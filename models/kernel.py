"""The compiled walk behind `models.packed`: a lead's points, probabilities, intervals, worth, curves, grades and reasons."""

# ruff: noqa: PLR0917  compiled code takes arrays one by one, and one walk does for all numbers

from __future__ import annotations

from typing import Any

import numpy as np

from features.common.compiled import compiled, inlined, part
from models.calibration.calibrator import TIE_BREAK
from models.calibration.intervals import QUANTILE, interval_bounds
from models.calibration.timing import MAX_DEVIATION
from models.common.types import TINY
from models.learners.forest import add_up, explain, room, unpacked
from models.learners.linear import CLIP
from models.learners.switches import turn
from models.rules.odds import SCALE

# columns of a row that are one number each …
SCALARS = (
    "points", "capped", "quiet", "rules_fit", "rules_engagement", "score", "fit", "engagement", "value", "value_low",
    "value_high", "amount", "amount_low", "amount_high", "total", "start", "calibration",
)  # fmt: skip
(
    POINTS, CAPPED, QUIET, RULES_FIT, RULES_ENGAGEMENT, SCORE, FIT, ENGAGEMENT, VALUE, VALUE_LOW,
    VALUE_HIGH, AMOUNT, AMOUNT_LOW, AMOUNT_HIGH, TOTAL, START, CALIBRATION,
) = range(len(SCALARS))  # fmt: skip
# … and those with one number per target
TARGET_COLUMNS = ("conditional", "probability", "low", "high", "rules", "expected_days")
STRAIGHT, BETA, ISOTONIC = range(3)  # ways to calibrate
# parts of the whole numbers
(
    SIZES, RULE_ROWS, LOGGED, LOG_SCALE, BOOSTER_TARGET, FIT_COLUMNS, ENGAGEMENT_COLUMNS, CALIBRATORS, BANDS, TIMINGS,
    SHARE_BEGIN, CURVE_BEGIN,
) = range(12)  # fmt: skip
TARGETS, FEATURES, MODEL_COLUMNS, LAST_INTERACTION, BEHAVIOUR, FIT_RULES, HAS_VALUE, VALUE_BOOSTED = range(8)  # of SIZES
# parts of the real ones
(
    RULES, CAPS, LINEAR, TRANSITIONS, BOOSTER_WEIGHT, SLOPES, KNOTS, LEVELS, CENTRES, SPREADS, PERCENTILES, FIT_THIRDS,
    ENGAGEMENT_THIRDS, WORTH, TIMING_DAYS, TIMING_SHARES, TIMING_SLOPES, TIMING_CENTRES, TIMING_SPREADS, SHARES,
) = range(20)  # fmt: skip
# LINEAR, one after the other for each target: mean, deviation, coefficient, what present and absent add (features,)


@compiled
def run(
    integers: Any, real: Any, tree_integers: Any, tree_real: Any, rows: Any, stage: Any, stage_days: Any, fits: Any,
    external_margins: Any, groups: Any, count: int, x: Any, contributions: Any, out: Any, speaker: Any, effect: Any,
    begin: int, end: int,
) -> None:  # fmt: skip
    """Leads `begin` … `end`, all arrays as in `models.packed.PackedModel.numbers`; `external_margins` (n, targets + 1): margins
    from elsewhere."""
    sizes = part(integers, SIZES)
    targets = sizes[TARGETS]
    forest, switches = unpacked(tree_integers, tree_real)
    target, weight = part(integers, BOOSTER_TARGET), part(real, BOOSTER_WEIGHT)
    logs, added = np.zeros(sizes[FEATURES], np.float32), np.empty(sizes[FEATURES])
    margins, effects = np.empty(targets + 1), np.empty(count)
    space, words = room(), np.empty(len(forest.rounds), np.uint64)
    for i in range(begin, end):
        lead_stage, row = stage[i], out[i]
        row[:] = np.nan
        _points(integers, real, rows, i, fits, row)
        for j in range(sizes[FEATURES] - 1):
            x[i, j] = rows[j, i]
        x[i, sizes[FEATURES] - 1] = row[POINTS]
        margins[:] = external_margins[i]
        _linear(integers, real, x[i], lead_stage, logs, added, margins, contributions[i])
        for tree in range(len(words)):
            words[tree] = np.uint64(switches.words[tree])
        turn(x[i], lead_stage, switches, words)
        for b in range(len(target)):
            if target[b] >= lead_stage:
                margins[target[b]] += weight[b] * add_up(b, forest, words)
                if target[b] == lead_stage:
                    explain(b, forest, switches.words, words, space, weight[b], contributions[i])
        _chances(integers, real, lead_stage, margins, row)
        _rules(integers, real, lead_stage, row)
        if sizes[HAS_VALUE]:
            _worth(integers, real, margins[targets], row)
        _curves(integers, real, lead_stage, stage_days[i], row)
        _grades(integers, real, lead_stage, contributions[i], row)
        chance = row[len(SCALARS) + lead_stage]
        row[TOTAL] = strongest(contributions[i], groups, effects, speaker[i], effect[i])
        row[START] = contributions[i, sizes[FEATURES]]
        row[CALIBRATION] = _logit(chance) - row[TOTAL]


@inlined
def _logit(probability: Any) -> Any:
    p = min(max(probability, TINY), 1 - TINY)
    return np.log(p) - np.log1p(-p)


@compiled
def _points(integers: Any, real: Any, rows: Any, i: int, fits: Any, row: Any) -> None:
    """As `models.rules.rules.Rules.points`; the lines stand at the end of the row."""
    sizes, places = part(integers, SIZES), part(integers, RULE_ROWS)
    rules, caps = part(real, RULES), part(real, CAPS)
    behaviour = sizes[BEHAVIOUR]
    lines = row[len(row) - behaviour - sizes[FIT_RULES] :]
    engagement, fit = 0.0, 0.0
    for r in range(behaviour):
        amount: Any = np.float64(rows[places[r], i])
        times, limit = rules[3 * r + 1], rules[3 * r + 2]
        if not np.isnan(times):
            amount = 1.0 if amount >= times else 0.0
        lines[r] = min(max(rules[3 * r] * amount, -limit), limit)
        engagement += lines[r]
    for r in range(sizes[FIT_RULES]):
        lines[behaviour + r] = fits[i, r]
        fit += fits[i, r]
    capped_engagement, capped_fit = min(engagement, caps[0]), min(fit, caps[1])
    row[POINTS] = capped_engagement + capped_fit
    row[CAPPED] = row[POINTS] - engagement - fit
    row[RULES_FIT] = (capped_fit >= caps[2]) + (capped_fit >= caps[3])
    row[RULES_ENGAGEMENT] = (capped_engagement >= caps[4]) + (capped_engagement >= caps[5])
    row[QUIET] = rows[sizes[LAST_INTERACTION], i]


@compiled
def _linear(integers: Any, real: Any, x: Any, lead_stage: int, logs: Any, added: Any, margins: Any, contributions: Any) -> None:
    """As `models.learners.linear.Linear` of each target ahead; `logs` and `added` (features + 1,) are room. What is asked of a
    column is cut out beforehand, since only indices that are counted up from 0 let a loop become vectors."""
    sizes, logged, log_scale = part(integers, SIZES), part(integers, LOGGED), part(integers, LOG_SCALE)
    linear, transitions = part(real, LINEAR), part(real, TRANSITIONS)
    clip, width = np.float32(CLIP), sizes[FEATURES]
    for k in range(len(logged)):
        value = np.float32(x[logged[k]])
        logs[logged[k]] = np.log1p(value) if value > 0 else np.float32(0)  # most are 0, and what is missing counts below
    for t in range(lead_stage, sizes[TARGETS]):
        weight, intercept, constant = transitions[3 * t], transitions[3 * t + 1], transitions[3 * t + 2]
        block, is_logged = linear[5 * width * t : 5 * width * (t + 1)], log_scale[width * t : width * (t + 1)]
        mean, deviation, coefficient = block[:width], block[width : 2 * width], block[2 * width : 3 * width]
        present, absent = block[3 * width : 4 * width], block[4 * width :]
        total = 0.0
        for j in range(width):
            raw, logarithm = x[j], logs[j]
            value = logarithm if is_logged[j] else np.float32(raw)
            z = min(max((value - np.float32(mean[j])) / np.float32(deviation[j]), -clip), clip)
            contribution, missing = z * coefficient[j] + present[j], absent[j]
            added[j] = missing if np.isnan(raw) else contribution
            total += added[j]
        if t == lead_stage:
            for j in range(width):
                contributions[j] += weight * added[j]
        margins[t] += weight * (total + intercept) + constant
        if t == lead_stage:
            contributions[width] += weight * intercept + constant


@inlined
def _interpolate(value: Any, knots: Any, levels: Any) -> Any:
    """As `np.interp`, by binary search."""
    end = len(knots) - 1
    if value <= knots[0]:
        level = levels[0]
    elif value >= knots[end]:
        level = levels[end]
    else:
        low, high = 0, end
        while high - low > 1:
            middle = (low + high) >> 1
            if knots[middle] <= value:
                low = middle
            else:
                high = middle
        level = levels[low] + (value - knots[low]) * ((levels[low + 1] - levels[low]) / (knots[low + 1] - knots[low]))
    return level


@compiled
def _calibrated(integers: Any, real: Any, index: int, margin: float) -> Any:
    """As `models.calibration.calibrator.Calibrator.probability`."""
    calibrators, slopes = part(integers, CALIBRATORS), part(real, SLOPES)
    method, slope, slope_low, shift = calibrators[3 * index], slopes[3 * index], slopes[3 * index + 1], slopes[3 * index + 2]
    if method == ISOTONIC:
        knots = part(real, KNOTS)[calibrators[3 * index + 1] : calibrators[3 * index + 2]]
        smooth = _interpolate(margin, knots, part(real, LEVELS)[calibrators[3 * index + 1] : calibrators[3 * index + 2]])
        log_odds = _logit((1 - TIE_BREAK) * smooth + TIE_BREAK * (0.5 * (1.0 + np.tanh(0.5 * margin))))
    elif method == BETA:
        common = np.log1p(np.exp(-abs(margin)))
        log_odds = slope * -(common + max(-margin, 0.0)) + slope_low * (common + max(margin, 0.0)) + shift
    else:
        log_odds = slope * margin + shift
    return min(max(0.5 * (1.0 + np.tanh(0.5 * log_odds)), TINY), 1 - TINY)


@compiled
def _chances(integers: Any, real: Any, lead_stage: int, margins: Any, row: Any) -> None:
    """As `models.calibration.chain.chain` and `models.score.interval`."""
    targets, bands = part(integers, SIZES)[TARGETS], part(integers, BANDS)
    offset, low_variance, high_variance, cumulative = len(SCALARS), 0.0, 0.0, 1.0
    for t in range(lead_stage, targets):
        p = _calibrated(integers, real, t, margins[t])
        cumulative *= p
        row[offset + t], row[offset + targets + t] = p, cumulative
        band = slice(bands[t], bands[t + 1])
        lower, upper = interval_bounds(p, (part(real, CENTRES)[band], part(real, SPREADS)[band]))
        low_variance += np.log(p / lower) ** 2
        high_variance += np.log(upper / p) ** 2
        row[offset + 2 * targets + t] = cumulative * np.exp(-np.sqrt(low_variance))
        row[offset + 3 * targets + t] = min(cumulative * np.exp(np.sqrt(high_variance)), 1.0)


@compiled
def _rules(integers: Any, real: Any, lead_stage: int, row: Any) -> None:
    """As `models.rules.odds.RuleOdds.probabilities`."""
    targets, calibrators = part(integers, SIZES)[TARGETS], part(integers, CALIBRATORS)
    offset, margin, minimum, earlier_chance = len(SCALARS) + 4 * targets, row[POINTS] / SCALE, 1.0, np.nan
    for t in range(lead_stage, targets):
        way, step = targets + lead_stage * targets + t, targets + t * targets + t
        chance = np.nan
        if calibrators[3 * way] >= 0:
            chance = _calibrated(integers, real, way, margin)
        elif calibrators[3 * step] >= 0 and t > lead_stage:
            chance = earlier_chance * _calibrated(integers, real, step, margin)
        earlier_chance = chance
        if not np.isnan(chance):
            minimum = min(minimum, chance)
            row[offset + t] = minimum


@compiled
def _worth(integers: Any, real: Any, margin: float, row: Any) -> None:
    """As `models.decision.value.Value.expected`."""
    sizes, worth = part(integers, SIZES), part(real, WORTH)
    base, spread, low, high, lifetime = worth[0], worth[1], worth[2], worth[3], worth[4]
    mean = base * np.exp(margin) if sizes[VALUE_BOOSTED] else base
    final_column = len(SCALARS) + sizes[TARGETS] - 1
    final, lower = row[final_column + sizes[TARGETS]], row[final_column + 2 * sizes[TARGETS]]
    upper = row[final_column + 3 * sizes[TARGETS]]
    value, doubt = final * mean * lifetime, (QUANTILE * spread) ** 2
    row[AMOUNT], row[AMOUNT_LOW], row[AMOUNT_HIGH] = mean, mean * low, mean * high
    row[VALUE] = value
    row[VALUE_LOW] = value * np.exp(-np.sqrt(np.log(final / lower) ** 2 + doubt))
    row[VALUE_HIGH] = value * np.exp(np.sqrt(np.log(upper / final) ** 2 + doubt))


@compiled
def _curves(integers: Any, real: Any, lead_stage: int, stage_days: float, row: Any) -> None:
    """As `models.calibration.curve.curves`."""
    targets, timings, curve = part(integers, SIZES)[TARGETS], part(integers, TIMINGS), part(integers, CURVE_BEGIN)
    shares, share_begin = part(real, SHARES), part(integers, SHARE_BEGIN)
    margin, log_days = _logit(row[len(SCALARS) + lead_stage]), np.log1p(max(stage_days, 0.0))
    chances = row[len(SCALARS) + 6 * targets :]
    for earlier_target in range(lead_stage, targets):
        index = 4 * (lead_stage * targets + earlier_target)
        slopes = slice(timings[index + 2], timings[index + 3])
        slope, centre, spread = (
            part(real, TIMING_SLOPES)[slopes], part(real, TIMING_CENTRES)[slopes], part(real, TIMING_SPREADS)[slopes],
        )  # fmt: skip
        total = 0.0
        for j in range(len(slope)):
            standard = ((margin if j == 0 else log_days) - centre[j]) / spread[j]
            total += min(max(standard, -MAX_DEVIATION), MAX_DEVIATION) * slope[j]
        power = np.exp(total)
        knots = slice(timings[index], timings[index + 1])
        days, share = part(real, TIMING_DAYS)[knots], part(real, TIMING_SHARES)[knots]
        area, earlier_survival = 0.0, 1.0 - share[0] ** power
        for k in range(1, len(days)):
            survival = 1.0 - share[k] ** power
            area += 0.5 * (survival + earlier_survival) * (days[k] - days[k - 1])
            earlier_survival = survival
        row[len(SCALARS) + 5 * targets + earlier_target] = area
        for target in range(earlier_target, targets):
            offset = share_begin[(lead_stage * targets + earlier_target) * targets + target]
            for day in range(curve[target + 1] - curve[target]):
                bound = row[len(SCALARS) + targets + earlier_target] * shares[offset + day] ** power
                if not chances[curve[target] + day] <= bound:  # nothing is known yet (NaN), or it is higher
                    chances[curve[target] + day] = bound


@compiled
def _grades(integers: Any, real: Any, lead_stage: int, contributions: Any, row: Any) -> None:
    """As `models.calibration.reference.Reference`: the score, and what grades are made of."""
    percentiles = part(real, PERCENTILES)
    final = row[len(SCALARS) + 2 * part(integers, SIZES)[TARGETS] - 1]
    row[SCORE] = min(max(np.searchsorted(percentiles, final, side="right"), 1), 99)
    fit, engagement = 0.0, 0.0
    for column in part(integers, FIT_COLUMNS):
        fit += contributions[column]
    for column in part(integers, ENGAGEMENT_COLUMNS):
        engagement += contributions[column]
    thirds = part(real, FIT_THIRDS)
    row[FIT] = np.float64(fit > thirds[2 * lead_stage]) + np.float64(fit > thirds[2 * lead_stage + 1])
    thirds = part(real, ENGAGEMENT_THIRDS)
    row[ENGAGEMENT] = np.float64(engagement > thirds[2 * lead_stage]) + np.float64(engagement > thirds[2 * lead_stage + 1])


@compiled
def strongest(contributions: Any, groups: Any, effects: Any, speaker: Any, effect: Any) -> Any:
    """The groups that move a lead most (reasons,): what each adds, and the column that speaks for it, -1 where none is left.

    The member that moved most in the direction of the whole group speaks for it. `effects` is room for all groups; the sum of
    all `contributions` (features + 1,) is returned.
    """
    effects[:] = 0.0
    total = contributions[len(groups)]
    for j in range(len(groups)):
        effects[groups[j]] += contributions[j]
        total += contributions[j]
    for rank in range(len(speaker)):
        best = 0
        for g in range(1, len(effects)):
            if abs(effects[g]) > abs(effects[best]):
                best = g
        moved = effects[best]
        effect[rank] = moved
        speaker[rank] = -1
        if moved == 0.0:
            continue
        for j in range(len(groups)):
            towards = contributions[j] * np.sign(moved)
            if groups[j] == best and (speaker[rank] < 0 or towards > contributions[speaker[rank]] * np.sign(moved)):
                speaker[rank] = j
        effects[best] = 0.0
    return total
