"""The compiled walk behind `models.packed`: a lead's points, probabilities, intervals, worth, curves, grades and reasons.

What each number is stands in its part, as a function of one lead; here they are composed, from packed numbers into a row.
"""

# ruff: noqa: PLR0917  compiled code takes arrays one by one, and one walk does for all numbers

from __future__ import annotations

from typing import Any

import numpy as np

from features.common.compiled import compiled, part
from models.calibration.calibrator import calibrated_margin
from models.calibration.curve import lower_curve
from models.calibration.intervals import chain_bounds
from models.calibration.reference import part_sum, score_of, third_of
from models.calibration.timing import expected_days, power_of
from models.common.level_effects import level_effect
from models.common.log_odds import clipped_of, logit_of, sigmoid_of
from models.decision.value import worth_of
from models.learners.forest import add_up, explain, room, unpacked
from models.learners.linear import add_columns, take_logs
from models.learners.switches import turn
from models.reason_groups import strongest
from models.rules.odds import SCALE, next_chance
from models.rules.rules import lead_points

# columns of a row that are one number each …
SCALARS = (
    "points", "capped", "days_quiet", "rules_fit", "rules_engagement", "score", "fit", "engagement", "value", "value_low",
    "value_high", "amount", "amount_low", "amount_high", "total", "start", "calibration",
)  # fmt: skip
(
    POINTS, CAPPED, DAYS_QUIET, RULES_FIT, RULES_ENGAGEMENT, SCORE, FIT, ENGAGEMENT, VALUE, VALUE_LOW,
    VALUE_HIGH, AMOUNT, AMOUNT_LOW, AMOUNT_HIGH, TOTAL, START, CALIBRATION,
) = range(len(SCALARS))  # fmt: skip
# … and those with one number per target
TARGET_COLUMNS = ("conditional", "probability", "low", "high", "rules", "expected_days")
# parts of the whole numbers
(
    SIZES, RULE_ROWS, LOGGED, LOG_SCALE, BOOSTER_TARGET, FIT_COLUMNS, ENGAGEMENT_COLUMNS, CALIBRATORS, BANDS, TIMINGS,
    SHARE_BEGIN, CURVE_BEGIN, LEVEL_TABLES,
) = range(13)  # fmt: skip
TARGETS, FEATURES, LAST_INTERACTION, HAS_VALUE = range(4)  # of SIZES
# parts of the real ones
(
    RULES, LIMITS, LINEAR, TRANSITIONS, BOOSTER_WEIGHT, SLOPES, KNOTS, LEVELS, CENTRES, SPREADS, PERCENTILES, FIT_THIRDS,
    ENGAGEMENT_THIRDS, WORTH, TIMING_DAYS, TIMING_SHARES, TIMING_SLOPES, TIMING_CENTRES, TIMING_SPREADS, SHARES,
    LEVEL_EFFECTS,
) = range(21)  # fmt: skip
# LEVEL_TABLES: of each column of levels its place and from where to where its numbers go in LEVEL_EFFECTS
# LINEAR: `models.learners.linear.Linear.block` of each target


@compiled
def run(
    integers: Any, reals: Any, tree_integers: Any, tree_reals: Any, rows: Any, stage: Any, stage_days: Any, fits: Any,
    external_margins: Any, groups: Any, count: int, x: Any, contributions: Any, out: Any, speaker: Any, effect: Any,
    chance_effect: Any, begin: int, end: int,
) -> None:  # fmt: skip
    """Leads `begin` … `end`, all arrays as in `models.packed.PackedModel.numbers`; `external_margins` (n, targets + 1): margins
    from elsewhere."""
    sizes = part(integers, SIZES)
    targets = sizes[TARGETS]
    forest, switches = unpacked(tree_integers, tree_reals)
    target, weight = part(integers, BOOSTER_TARGET), part(reals, BOOSTER_WEIGHT)
    logs, added = np.zeros(sizes[FEATURES], np.float32), np.empty(sizes[FEATURES])
    margins, effects = np.empty(targets + 1), np.empty(count)
    space, words = room(), np.empty(len(forest.rounds), np.uint64)
    for i in range(begin, end):
        lead_stage, row = stage[i], out[i]
        row[:] = np.nan
        points = _points(integers, reals, rows, i, fits, row)
        for j in range(sizes[FEATURES] - 1):
            x[i, j] = rows[j, i]
        x[i, sizes[FEATURES] - 1] = points
        _levels(integers, reals, x[i])
        margins[:] = external_margins[i]
        _linear(integers, reals, x[i], lead_stage, logs, added, margins, contributions[i])
        turn(x[i], switches, words)
        for b in range(len(target)):
            if target[b] >= lead_stage:
                margins[target[b]] += weight[b] * add_up(b, forest, words)
                if target[b] == lead_stage:
                    explain(b, forest, switches.words, words, space, weight[b], contributions[i])
        _chances(integers, reals, lead_stage, margins, row)
        _rules(integers, reals, lead_stage, row)
        if sizes[HAS_VALUE]:
            _worth(integers, reals, margins[targets], row)
        _curves(integers, reals, lead_stage, stage_days[i], row)
        _grades(integers, reals, lead_stage, contributions[i], row)
        chance = row[len(SCALARS) + lead_stage]
        row[TOTAL] = strongest(contributions[i], groups, effects, speaker[i], effect[i])
        for rank in range(effect.shape[1]):
            without = _calibrated(integers, reals, lead_stage, margins[lead_stage] - effect[i, rank])
            chance_effect[i, rank] = chance - without
        row[START] = contributions[i, sizes[FEATURES]]
        row[CALIBRATION] = logit_of(chance) - row[TOTAL]


@compiled
def _points(integers: Any, reals: Any, rows: Any, i: int, fits: Any, row: Any) -> Any:
    """Into the row, at whose end the lines stand; returns the points that the model sees."""
    places, table, limits = part(integers, RULE_ROWS), part(reals, RULES), part(reals, LIMITS)
    lines = row[len(row) - len(places) - fits.shape[1] :]
    row[POINTS], row[CAPPED], row[RULES_FIT], row[RULES_ENGAGEMENT], learned = lead_points(
        rows, places, i, table, limits, fits[i], lines
    )
    row[DAYS_QUIET] = rows[part(integers, SIZES)[LAST_INTERACTION], i]
    return learned


@compiled
def _levels(integers: Any, reals: Any, x: Any) -> None:
    """Numbers in the place of levels."""
    tables, effects = part(integers, LEVEL_TABLES), part(reals, LEVEL_EFFECTS)
    for j in range(len(tables) // 3):
        column = tables[3 * j]
        x[column] = level_effect(x[column], effects[tables[3 * j + 1] : tables[3 * j + 2]])


@compiled
def _linear(
    integers: Any, reals: Any, x: Any, lead_stage: int, logs: Any, added: Any, margins: Any, contributions: Any
) -> None:
    """Of each target ahead; `logs` and `added` (features + 1,) are room."""
    sizes, log_scale = part(integers, SIZES), part(integers, LOG_SCALE)
    linear, transitions, width = part(reals, LINEAR), part(reals, TRANSITIONS), sizes[FEATURES]
    take_logs(x, part(integers, LOGGED), logs)
    for t in range(lead_stage, sizes[TARGETS]):
        weight, intercept, constant = transitions[3 * t], transitions[3 * t + 1], transitions[3 * t + 2]
        block, is_logged = linear[5 * width * t : 5 * width * (t + 1)], log_scale[width * t : width * (t + 1)]
        total = add_columns(x, logs, is_logged, block, added)
        if t == lead_stage:
            for j in range(width):
                contributions[j] += weight * added[j]
        margins[t] += weight * (total + intercept) + constant
        if t == lead_stage:
            contributions[width] += weight * intercept + constant


@compiled
def _calibrated(integers: Any, reals: Any, index: int, margin: float) -> Any:
    """The probability that a calibrator makes of log-odds."""
    calibrators, slopes = part(integers, CALIBRATORS), part(reals, SLOPES)
    knots = slice(calibrators[3 * index + 1], calibrators[3 * index + 2])
    log_odds = calibrated_margin(
        margin, calibrators[3 * index], slopes[3 * index], slopes[3 * index + 1], slopes[3 * index + 2],
        part(reals, KNOTS)[knots], part(reals, LEVELS)[knots],
    )  # fmt: skip
    return clipped_of(sigmoid_of(log_odds))


@compiled
def _chances(integers: Any, reals: Any, lead_stage: int, margins: Any, row: Any) -> None:
    """Conditional and along the whole way, as `models.calibration.chain` says, with intervals."""
    targets, bands = part(integers, SIZES)[TARGETS], part(integers, BANDS)
    offset, low_variance, high_variance, reached = len(SCALARS), 0.0, 0.0, 1.0
    for t in range(lead_stage, targets):
        p = _calibrated(integers, reals, t, margins[t])
        reached *= p
        row[offset + t], row[offset + targets + t] = p, reached
        band = slice(bands[t], bands[t + 1])
        row[offset + 2 * targets + t], row[offset + 3 * targets + t], low_variance, high_variance = chain_bounds(
            p, reached, (part(reals, CENTRES)[band], part(reals, SPREADS)[band]), low_variance, high_variance
        )


@compiled
def _rules(integers: Any, reals: Any, lead_stage: int, row: Any) -> None:
    targets, calibrators = part(integers, SIZES)[TARGETS], part(integers, CALIBRATORS)
    offset, margin, least, earlier = len(SCALARS) + 4 * targets, row[POINTS] / SCALE, 1.0, np.nan
    for t in range(lead_stage, targets):
        way, step = targets + lead_stage * targets + t, targets + t * targets + t
        of_way, of_step = np.nan, np.nan
        if calibrators[3 * way] >= 0:
            of_way = _calibrated(integers, reals, way, margin)
        elif calibrators[3 * step] >= 0:
            of_step = _calibrated(integers, reals, step, margin)
        earlier, least = next_chance(of_way, of_step, earlier, least)
        if not np.isnan(earlier):
            row[offset + t] = least


@compiled
def _worth(integers: Any, reals: Any, margin: float, row: Any) -> None:
    """`margin`: what the booster of amounts adds in logarithms, 0 where there is none."""
    targets, worth = part(integers, SIZES)[TARGETS], part(reals, WORTH)
    base, spread, low, high, lifetime = worth[0], worth[1], worth[2], worth[3], worth[4]
    mean, final = base * np.exp(margin), len(SCALARS) + 2 * targets - 1
    row[AMOUNT], row[AMOUNT_LOW], row[AMOUNT_HIGH] = mean, mean * low, mean * high
    row[VALUE], row[VALUE_LOW], row[VALUE_HIGH] = worth_of(
        row[final], row[final + targets], row[final + 2 * targets], mean, spread, lifetime
    )


@compiled
def _curves(integers: Any, reals: Any, lead_stage: int, stage_days: float, row: Any) -> None:
    """By target: its own timing, and below it no later one's curve is ever above."""
    targets, timings, curve = part(integers, SIZES)[TARGETS], part(integers, TIMINGS), part(integers, CURVE_BEGIN)
    shares, share_begin = part(reals, SHARES), part(integers, SHARE_BEGIN)
    covariates = (logit_of(row[len(SCALARS) + lead_stage]), np.log1p(max(stage_days, 0.0)))
    chances = row[len(SCALARS) + 6 * targets :]
    for earlier_target in range(lead_stage, targets):
        index = 4 * (lead_stage * targets + earlier_target)
        slopes, knots = slice(timings[index + 2], timings[index + 3]), slice(timings[index], timings[index + 1])
        centres, spreads = part(reals, TIMING_CENTRES)[slopes], part(reals, TIMING_SPREADS)[slopes]
        power = power_of(covariates, part(reals, TIMING_SLOPES)[slopes], centres, spreads)
        row[len(SCALARS) + 5 * targets + earlier_target] = expected_days(
            part(reals, TIMING_DAYS)[knots], part(reals, TIMING_SHARES)[knots], power
        )
        for target in range(earlier_target, targets):
            offset = share_begin[(lead_stage * targets + earlier_target) * targets + target]
            lower_curve(
                chances[curve[target] : curve[target + 1]], row[len(SCALARS) + targets + earlier_target], shares[offset:], power
            )


@compiled
def _grades(integers: Any, reals: Any, lead_stage: int, contributions: Any, row: Any) -> None:
    """The score, and what grades are made of."""
    row[SCORE] = score_of(row[len(SCALARS) + 2 * part(integers, SIZES)[TARGETS] - 1], part(reals, PERCENTILES))
    fit = part_sum(contributions, part(integers, FIT_COLUMNS))
    engagement = part_sum(contributions, part(integers, ENGAGEMENT_COLUMNS))
    row[FIT] = third_of(fit, part(reals, FIT_THIRDS), lead_stage)
    row[ENGAGEMENT] = third_of(engagement, part(reals, ENGAGEMENT_THIRDS), lead_stage)
