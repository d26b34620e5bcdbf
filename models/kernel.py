"""The compiled walk behind `models.packed`: a lead's points, probabilities, intervals, worth, curves, grades and reasons."""

# ruff: noqa: PLR0917  compiled code takes arrays one by one, and one walk does for all numbers

from __future__ import annotations

from typing import Any

import numpy as np

from features.common.compiled import compiled, inlined, part
from models.calibration.calibrator import TIE_BREAK
from models.calibration.intervals import QUANTILE, around
from models.calibration.timing import MOST
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
AHEAD = ("conditional", "probability", "low", "high", "rules", "expected_days")
STRAIGHT, BETA, ISOTONIC = range(3)  # ways to calibrate
# parts of the whole numbers
(
    SIZES, RULE_ROWS, LOGGED, LOG_SCALE, BOOSTER_TARGET, FIT_COLUMNS, ENGAGEMENT_COLUMNS, CALIBRATORS, BANDS, TIMINGS,
    SHARE_BEGIN, CURVE_BEGIN,
) = range(12)  # fmt: skip
TARGETS, FEATURES, MODEL_COLUMNS, LAST_SEEN, BEHAVIOUR, FIT_RULES, HAS_VALUE, VALUE_BOOSTED = range(8)  # of SIZES
# parts of the real ones
(
    RULES, CAPS, LINEAR, TRANSITIONS, BOOSTER_WEIGHT, SLOPES, KNOTS, LEVELS, CENTRES, SPREADS, PERCENTILES, FIT_THIRDS,
    ENGAGEMENT_THIRDS, WORTH, TIMING_DAYS, TIMING_SHARES, TIMING_SLOPES, TIMING_CENTRES, TIMING_SPREADS, SHARES,
) = range(20)  # fmt: skip
MEAN, DEVIATION, COEFFICIENT, PRESENT, ABSENT = range(5)  # of LINEAR, one after the other for each target


@compiled
def run(
    whole: Any, real: Any, tree_whole: Any, tree_real: Any, rows: Any, stage: Any, stage_days: Any, fits: Any, given: Any,
    groups: Any, count: int, x: Any, contributions: Any, out: Any, speaker: Any, effect: Any, begin: int, end: int,
) -> None:  # fmt: skip
    """Leads `begin` … `end`, all arrays as in `models.packed.Made.numbers`; `given` (n, targets + 1): margins from elsewhere."""
    sizes = part(whole, SIZES)
    targets = sizes[TARGETS]
    forest, switches = unpacked(tree_whole, tree_real)
    target, weight = part(whole, BOOSTER_TARGET), part(real, BOOSTER_WEIGHT)
    logs, added = np.zeros(sizes[FEATURES], np.float32), np.empty(sizes[FEATURES])
    margins, effects = np.empty(targets + 1), np.empty(count)
    space, words = room(), np.empty(len(forest.rounds), np.uint64)
    for i in range(begin, end):
        own, row = stage[i], out[i]
        row[:] = np.nan
        _points(whole, real, rows, i, fits, row)
        for j in range(sizes[FEATURES] - 1):
            x[i, j] = rows[j, i]
        x[i, sizes[FEATURES] - 1] = row[POINTS]
        margins[:] = given[i]
        _linear(whole, real, x[i], own, logs, added, margins, contributions[i])
        for tree in range(len(words)):
            words[tree] = np.uint64(switches.words[tree])
        turn(x[i], own, switches, words)
        for b in range(len(target)):
            if target[b] >= own:
                margins[target[b]] += weight[b] * add_up(b, forest, words)
                if target[b] == own:
                    explain(b, forest, switches.words, words, space, weight[b], contributions[i])
        _chances(whole, real, own, margins, row)
        _rules(whole, real, own, row)
        if sizes[HAS_VALUE]:
            _worth(whole, real, margins[targets], row)
        _curves(whole, real, own, stage_days[i], row)
        _grades(whole, real, own, contributions[i], row)
        chance = row[len(SCALARS) + own]
        row[TOTAL] = strongest(contributions[i], groups, effects, speaker[i], effect[i])
        row[START] = contributions[i, sizes[FEATURES]]
        row[CALIBRATION] = _logit(chance) - row[TOTAL]


@inlined
def _logit(probability: Any) -> Any:
    p = min(max(probability, TINY), 1 - TINY)
    return np.log(p) - np.log1p(-p)


@compiled
def _points(whole: Any, real: Any, rows: Any, i: int, fits: Any, row: Any) -> None:
    """As `models.rules.rules.Rules.points`; the lines stand at the end of the row."""
    sizes, places = part(whole, SIZES), part(whole, RULE_ROWS)
    rules, caps = part(real, RULES), part(real, CAPS)
    behaviour = sizes[BEHAVIOUR]
    lines = row[len(row) - behaviour - sizes[FIT_RULES] :]
    engagement, fit = 0.0, 0.0
    for r in range(behaviour):
        seen: Any = np.float64(rows[places[r], i])
        times, most = rules[3 * r + 1], rules[3 * r + 2]
        if not np.isnan(times):
            seen = 1.0 if seen >= times else 0.0
        lines[r] = min(max(rules[3 * r] * seen, -most), most)
        engagement += lines[r]
    for r in range(sizes[FIT_RULES]):
        lines[behaviour + r] = fits[i, r]
        fit += fits[i, r]
    did, suits = min(engagement, caps[0]), min(fit, caps[1])
    row[POINTS] = did + suits
    row[CAPPED] = row[POINTS] - engagement - fit
    row[RULES_FIT] = (suits >= caps[2]) + (suits >= caps[3])
    row[RULES_ENGAGEMENT] = (did >= caps[4]) + (did >= caps[5])
    row[QUIET] = rows[sizes[LAST_SEEN], i]


@compiled
def _linear(whole: Any, real: Any, x: Any, own: int, logs: Any, added: Any, margins: Any, contributions: Any) -> None:
    """As `models.learners.linear.Linear` of each target ahead; `logs` and `added` (features + 1,) are room. What is asked of a column is
    cut out beforehand, since only indices that are counted up from 0 let a loop become vectors."""
    sizes, logged, log_scale = part(whole, SIZES), part(whole, LOGGED), part(whole, LOG_SCALE)
    linear, transitions = part(real, LINEAR), part(real, TRANSITIONS)
    clip, width = np.float32(CLIP), sizes[FEATURES]
    for k in range(len(logged)):
        value = np.float32(x[logged[k]])
        logs[logged[k]] = np.log1p(value) if value > 0 else np.float32(0)  # most are 0, and what is missing counts below
    for t in range(own, sizes[TARGETS]):
        weight, intercept, constant = transitions[3 * t], transitions[3 * t + 1], transitions[3 * t + 2]
        here, logs_here = linear[5 * width * t : 5 * width * (t + 1)], log_scale[width * t : width * (t + 1)]
        mean, deviation, coefficient = here[:width], here[width : 2 * width], here[2 * width : 3 * width]
        present, absent = here[3 * width : 4 * width], here[4 * width :]
        found = 0.0
        for j in range(width):
            given, logarithm = x[j], logs[j]
            value = logarithm if logs_here[j] else np.float32(given)
            z = min(max((value - np.float32(mean[j])) / np.float32(deviation[j]), -clip), clip)
            there, missing = z * coefficient[j] + present[j], absent[j]
            added[j] = missing if np.isnan(given) else there
            found += added[j]
        if t == own:
            for j in range(width):
                contributions[j] += weight * added[j]
        margins[t] += weight * (found + intercept) + constant
        if t == own:
            contributions[width] += weight * intercept + constant


@inlined
def _between(value: Any, at: Any, levels: Any) -> Any:
    """As `np.interp`, by binary search."""
    last = len(at) - 1
    if value <= at[0]:
        found = levels[0]
    elif value >= at[last]:
        found = levels[last]
    else:
        low, high = 0, last
        while high - low > 1:
            middle = (low + high) >> 1
            if at[middle] <= value:
                low = middle
            else:
                high = middle
        found = levels[low] + (value - at[low]) * ((levels[low + 1] - levels[low]) / (at[low + 1] - at[low]))
    return found


@compiled
def _calibrated(whole: Any, real: Any, which: int, margin: float) -> Any:
    """As `models.calibration.calibrator.Calibrator.probability`."""
    of, slopes = part(whole, CALIBRATORS), part(real, SLOPES)
    method, slope, low, shift = of[3 * which], slopes[3 * which], slopes[3 * which + 1], slopes[3 * which + 2]
    if method == ISOTONIC:
        knots = part(real, KNOTS)[of[3 * which + 1] : of[3 * which + 2]]
        smooth = _between(margin, knots, part(real, LEVELS)[of[3 * which + 1] : of[3 * which + 2]])
        found = _logit((1 - TIE_BREAK) * smooth + TIE_BREAK * (0.5 * (1.0 + np.tanh(0.5 * margin))))
    elif method == BETA:
        common = np.log1p(np.exp(-abs(margin)))
        found = slope * -(common + max(-margin, 0.0)) + low * (common + max(margin, 0.0)) + shift
    else:
        found = slope * margin + shift
    return min(max(0.5 * (1.0 + np.tanh(0.5 * found)), TINY), 1 - TINY)


@compiled
def _chances(whole: Any, real: Any, own: int, margins: Any, row: Any) -> None:
    """As `models.calibration.chain.chain` and `models.score.interval`."""
    targets, bands = part(whole, SIZES)[TARGETS], part(whole, BANDS)
    ahead, below, above, reached = len(SCALARS), 0.0, 0.0, 1.0
    for t in range(own, targets):
        p = _calibrated(whole, real, t, margins[t])
        reached *= p
        row[ahead + t], row[ahead + targets + t] = p, reached
        band = slice(bands[t], bands[t + 1])
        at_least, at_most = around(p, (part(real, CENTRES)[band], part(real, SPREADS)[band]))
        below += np.log(p / at_least) ** 2
        above += np.log(at_most / p) ** 2
        row[ahead + 2 * targets + t] = reached * np.exp(-np.sqrt(below))
        row[ahead + 3 * targets + t] = min(reached * np.exp(np.sqrt(above)), 1.0)


@compiled
def _rules(whole: Any, real: Any, own: int, row: Any) -> None:
    """As `models.rules.odds.RuleOdds.probabilities`."""
    targets, of = part(whole, SIZES)[TARGETS], part(whole, CALIBRATORS)
    at, margin, least, before = len(SCALARS) + 4 * targets, row[POINTS] / SCALE, 1.0, np.nan
    for t in range(own, targets):
        way, step = targets + own * targets + t, targets + t * targets + t
        found = np.nan
        if of[3 * way] >= 0:
            found = _calibrated(whole, real, way, margin)
        elif of[3 * step] >= 0 and t > own:
            found = before * _calibrated(whole, real, step, margin)
        before = found
        if not np.isnan(found):
            least = min(least, found)
            row[at + t] = least


@compiled
def _worth(whole: Any, real: Any, margin: float, row: Any) -> None:
    """As `models.decision.value.Value.expected`."""
    sizes, worth = part(whole, SIZES), part(real, WORTH)
    base, spread, low, high, lifetime = worth[0], worth[1], worth[2], worth[3], worth[4]
    mean = base * np.exp(margin) if sizes[VALUE_BOOSTED] else base
    last = len(SCALARS) + sizes[TARGETS] - 1
    final, at_least = row[last + sizes[TARGETS]], row[last + 2 * sizes[TARGETS]]
    at_most = row[last + 3 * sizes[TARGETS]]
    value, doubt = final * mean * lifetime, (QUANTILE * spread) ** 2
    row[AMOUNT], row[AMOUNT_LOW], row[AMOUNT_HIGH] = mean, mean * low, mean * high
    row[VALUE] = value
    row[VALUE_LOW] = value * np.exp(-np.sqrt(np.log(final / at_least) ** 2 + doubt))
    row[VALUE_HIGH] = value * np.exp(np.sqrt(np.log(at_most / final) ** 2 + doubt))


@compiled
def _curves(whole: Any, real: Any, own: int, stage_days: float, row: Any) -> None:
    """As `models.calibration.curve.curves`."""
    targets, timings, curve = part(whole, SIZES)[TARGETS], part(whole, TIMINGS), part(whole, CURVE_BEGIN)
    shares, share_begin = part(real, SHARES), part(whole, SHARE_BEGIN)
    first, second = _logit(row[len(SCALARS) + own]), np.log1p(max(stage_days, 0.0))
    chances = row[len(SCALARS) + 6 * targets :]
    for before in range(own, targets):
        which = 4 * (own * targets + before)
        slopes = slice(timings[which + 2], timings[which + 3])
        slope, centre, spread = (
            part(real, TIMING_SLOPES)[slopes], part(real, TIMING_CENTRES)[slopes], part(real, TIMING_SPREADS)[slopes],
        )  # fmt: skip
        total = 0.0
        for j in range(len(slope)):
            standard = ((first if j == 0 else second) - centre[j]) / spread[j]
            total += min(max(standard, -MOST), MOST) * slope[j]
        power = np.exp(total)
        knots = slice(timings[which], timings[which + 1])
        days, share = part(real, TIMING_DAYS)[knots], part(real, TIMING_SHARES)[knots]
        area, earlier = 0.0, 1.0 - share[0] ** power
        for k in range(1, len(days)):
            left = 1.0 - share[k] ** power
            area += 0.5 * (left + earlier) * (days[k] - days[k - 1])
            earlier = left
        row[len(SCALARS) + 5 * targets + before] = area
        for target in range(before, targets):
            at = share_begin[(own * targets + before) * targets + target]
            for day in range(curve[target + 1] - curve[target]):
                by = row[len(SCALARS) + targets + before] * shares[at + day] ** power
                if not chances[curve[target] + day] <= by:  # nothing is known yet (NaN), or it is higher
                    chances[curve[target] + day] = by


@compiled
def _grades(whole: Any, real: Any, own: int, contributions: Any, row: Any) -> None:
    """As `models.calibration.reference.Reference`: the score, and what grades are made of."""
    percentiles = part(real, PERCENTILES)
    final = row[len(SCALARS) + 2 * part(whole, SIZES)[TARGETS] - 1]
    row[SCORE] = min(max(np.searchsorted(percentiles, final, side="right"), 1), 99)
    fit, engagement = 0.0, 0.0
    for column in part(whole, FIT_COLUMNS):
        fit += contributions[column]
    for column in part(whole, ENGAGEMENT_COLUMNS):
        engagement += contributions[column]
    thirds = part(real, FIT_THIRDS)
    row[FIT] = np.float64(fit > thirds[2 * own]) + np.float64(fit > thirds[2 * own + 1])
    thirds = part(real, ENGAGEMENT_THIRDS)
    row[ENGAGEMENT] = np.float64(engagement > thirds[2 * own]) + np.float64(engagement > thirds[2 * own + 1])


@compiled
def strongest(contributions: Any, groups: Any, effects: Any, speaker: Any, effect: Any) -> Any:
    """The groups that move a lead most (most,): what each adds, and the column that speaks for it, -1 where none is left.

    The member that moved most in the direction of the whole group speaks for it. `effects` is room for all groups; the sum of
    all `contributions` (features + 1,) is returned.
    """
    effects[:] = 0.0
    total = contributions[len(groups)]
    for j in range(len(groups)):
        effects[groups[j]] += contributions[j]
        total += contributions[j]
    for place in range(len(speaker)):
        best = 0
        for g in range(1, len(effects)):
            if abs(effects[g]) > abs(effects[best]):
                best = g
        moved = effects[best]
        effect[place] = moved
        speaker[place] = -1
        if moved == 0.0:
            continue
        for j in range(len(groups)):
            towards = contributions[j] * np.sign(moved)
            if groups[j] == best and (speaker[place] < 0 or towards > contributions[speaker[place]] * np.sign(moved)):
                speaker[place] = j
        effects[best] = 0.0
    return total
