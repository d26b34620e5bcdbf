"""Points from data: a short list of rules with whole points, learned from what became of the leads, that any CRM can hold.

Candidates are rules themselves, so what is learned is exactly what the rules engine gives: steps of numbers, groups of
categories (levels in the order of their conversion, as in Breiman et al. 1984), and interactions in windows. They are
chosen greedily by the score test (orthogonal matching pursuit; Lozano et al. 2011) and refitted together by logistic
regression with signs that cannot turn, then rounded to whole points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from features.attributes.encoders import AttributeEncoder
from features.attributes.values import is_missing
from features.common.errors import DataError
from features.engine.build import attribute, build
from features.turning_away import TurningAway
from models.calibration.calibrator import RECENCY, recent
from models.common.types import Flags, Floats, log_loss, sigmoid
from models.rules.odds import SCALE, points_calibrator
from models.rules.rules import Rules
from models.rules.schema import BehaviourRule, Caps, FitRule, RuleBook
from training.data.prepare import Prepared

Rows = npt.NDArray[np.intp]

MAX_RULES = 15  # rules
PER_UNIT = 20.0  # points per unit of log-odds: the rarest of them worth typing in is one of 2 or 3
STEPS = 10  # quantiles at which a number may step
LEVELS = 30  # of a category, the most frequent
MOST_LEVELS = 6  # in one rule: a longer list nobody types in
MAX_PER_SUBJECT = 4  # rules on one attribute or interaction
LEAST_GAIN = 4.0  # of the score statistic, about two standard errors
NEWEST = 0.3  # of the landmarks judge how fast old ones fade
MIN_LANDMARKS = 20  # landmarks that a rule must concern, and leave out
MOST_ROWS = 40_000  # rules are chosen on so many landmarks at most
WINDOWS = (7.0, 30.0, 90.0, None)  # days
SMOOTH = 10.0  # landmarks at the base rate added to each level
PENALTY = 1.0  # of squared coefficients: as if each had been seen with a spread of 1

Rule = BehaviourRule | FitRule


@dataclass(frozen=True)
class Candidates:
    """Rules of one point each, what they give (n, rules), and the sign their points must have (0: either)."""

    rules: tuple[Rule, ...]
    lines: npt.NDArray[np.float32]
    sign: npt.NDArray[np.int8]


def learn_scorecard(prepared: Prepared, known_at: int, subset: Flags, max_rules: int = MAX_RULES, seed: int = 7) -> Rules:
    """A rule book of at most `max_rules` rules for the final lead stage, from the landmarks `subset` (n,) known at `known_at`.

    How fast old landmarks fade is chosen by what points learned on earlier ones say of the newest. Thresholds are where the
    rules in use put as many landmarks above them.

    Raises
    ------
    DataError
        if no rule tells anything about who converts.
    """
    labels = prepared.labels(known_at)
    rows = np.flatnonzero(subset & labels.matured[:, -1])
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_ROWS, replace=False))
    y, as_of = labels.reached[rows, -1], prepared.looks.as_of[rows]
    rule_pool = candidates(prepared, rows, y)
    half_life = choose_half_life(prepared, rule_pool, rows, y, max_rules)
    stage = prepared.looks.stage[rows]
    chosen, weight = select(rule_pool, y, stage, max_rules, decay_weights(as_of, half_life))
    points = np.round(PER_UNIT * weight)
    kept_rules = [(rule_pool.rules[c], p) for c, p in zip(chosen, points.tolist(), strict=True) if p]
    if not kept_rules:
        raise DataError(
            f"No rule tells who becomes {prepared.funnel.final}: {int(y.sum())} of {len(y):,} landmarks did.",
            "Bring more leads, interactions or attributes, or keep the rules you have.",
        )
    return _with_thresholds(Rules(_book(kept_rules)), prepared)


def choose_half_life(prepared: Prepared, rule_pool: Candidates, rows: Rows, y: Flags, max_rules: int) -> float | None:
    """The half-life (share of the time the landmarks span) with which points learned early say most of the newest landmarks."""
    as_of, stage = prepared.looks.as_of[rows], prepared.looks.stage[rows]
    edge = np.quantile(as_of, 1 - NEWEST)
    early_rows, late_rows = np.flatnonzero(prepared.deadline[rows, -1] <= edge), np.flatnonzero(as_of > edge)
    if min(int(y[early_rows].sum()), int((~y[early_rows]).sum())) < MIN_LANDMARKS or not len(late_rows):
        early_rows = np.flatnonzero(as_of <= edge)
    if min(int(y[early_rows].sum()), int((~y[early_rows]).sum()), len(late_rows)) < MIN_LANDMARKS:
        return None
    early_pool = replace(rule_pool, lines=rule_pool.lines[early_rows])
    losses = {}
    for half_life in RECENCY.values():
        weight = decay_weights(as_of[early_rows], half_life)
        chosen, points = select(early_pool, y[early_rows], stage[early_rows], max_rules, weight)
        total = rule_pool.lines[:, chosen] @ (SCALE * points)
        account, known_at = prepared.account[rows[early_rows]], prepared.deadline[rows[early_rows], -1]
        odds, _ = points_calibrator(total[early_rows], y[early_rows], as_of[early_rows], known_at, account)
        losses[half_life] = log_loss(y[late_rows], odds.probability(total[late_rows] / SCALE))
    return min(losses, key=lambda half_life: losses[half_life])


def candidates(prepared: Prepared, rows: Rows, y: Flags) -> Candidates:
    """Every rule that a marketer could write about the attributes and interactions of landmarks `rows` (n,)."""
    rules: list[Rule] = [*_behaviour(prepared)]
    for encoder in prepared.encoders:
        rules += _fit(prepared, encoder, rows, y)
    lines = lines_of(prepared, rules, rows).astype(np.float32)
    concerned = (lines != 0).sum(axis=0)
    use = np.flatnonzero((concerned >= MIN_LANDMARKS) & (concerned <= len(rows) - MIN_LANDMARKS))
    kept_rules = tuple(rules[i] for i in use)
    sign = np.array([_sign(rule, prepared.feature_set.turning_away) for rule in kept_rules], np.int8)
    return Candidates(kept_rules, lines[:, use], sign)


def lines_of(prepared: Prepared, rules: Sequence[Rule], rows: Rows) -> Floats:
    """What each rule gives to landmarks `rows`: (n, rules), in the order of `rules`, behaviour first."""
    book = _book([(rule, rule.points) for rule in rules])
    engine = Rules(book)
    looks, histories = prepared.looks.take(rows), prepared.histories
    features = tuple(dict.fromkeys(engine.features))  # several rules may look at one count
    feature_index = {feature: i for i, feature in enumerate(features)}
    counts = build(prepared.feature_set.plan(features), (), histories, looks) if features else np.zeros((0, len(rows)))
    rule_counts = counts[[feature_index[f] for f in engine.features]]
    return engine.points(rule_counts, lambda entity, column: attribute(histories, looks, entity, column)).lines


def decay_weights(as_of: npt.NDArray[np.int64], half_life: float | None) -> Floats:
    """Weights (n,) that halve with every half-life; they add up to as many rows as they are worth (Kish 1965)."""
    weight = recent(np.ones(len(as_of)), as_of, half_life)
    return np.asarray(weight * weight.sum() / (weight**2).sum(), np.float64)


def select(
    rule_pool: Candidates, y: Flags, stage: npt.NDArray[np.integer], max_rules: int, weight: Floats | None = None
) -> tuple[list[int], Floats]:
    """The places of at most `max_rules` candidates and their points in log-odds, beside one constant per lead stage (n,).

    `weight` (n,): how much each row counts. All steps of one number count the same way.
    """
    w = np.ones(len(y)) if weight is None else weight
    constants = (stage[:, None] == np.unique(stage)).astype(np.float64)
    sign = rule_pool.sign.copy()
    chosen: list[int] = []
    points, base = np.zeros(0), _fit_logistic(constants, np.zeros((len(y), 0)), y, w, np.zeros(0, np.int8))[0]
    for _ in range(min(max_rules, len(rule_pool.rules))):
        p = sigmoid(constants @ base + rule_pool.lines[:, chosen] @ points)
        gain, slope = _score(rule_pool.lines, sign, y, p, w, constants)
        gain[[*chosen, *_exhausted_rules(rule_pool, chosen)]] = 0
        best = int(gain.argmax())
        if gain[best] < LEAST_GAIN:
            break
        chosen.append(best)
        sign[[best, *_other_steps(rule_pool, best)]] = np.sign(slope[best])
        base, points = _fit_logistic(constants, rule_pool.lines[:, chosen].astype(np.float64), y, w, sign[chosen])
    return chosen, points


def _score(
    lines: npt.NDArray[np.float32], sign: npt.NDArray[np.int8], y: Flags, p: Floats, weight: Floats, constants: Floats
) -> tuple[Floats, Floats]:
    """Rao's score test (candidates,) of each candidate beside the constants, 0 where its sign would be wrong, and its slope."""
    w = weight * p * (1 - p)
    slope = (lines.T @ (weight * (y - p)).astype(np.float32)).astype(np.float64)
    shared = constants.T @ (lines * w[:, None].astype(np.float32))
    total_information = (lines**2).T @ w.astype(np.float32)
    residual_information = total_information - (shared**2 / np.maximum(constants.T @ w, 1e-9)[:, None]).sum(axis=0)
    gain = np.where(residual_information > 1e-6, slope**2 / np.maximum(residual_information, 1e-6), 0.0)
    return np.where(sign * slope < 0, 0.0, gain).astype(np.float64), slope


def _exhausted_rules(rule_pool: Candidates, chosen: Sequence[int]) -> list[int]:
    """Candidates on an attribute or interaction that enough of the chosen rules speak of already."""
    subject_counts: dict[str, int] = {}
    for rule_index in chosen:
        subject_counts[_subject(rule_pool.rules[rule_index])] = subject_counts.get(_subject(rule_pool.rules[rule_index]), 0) + 1
    return [i for i, rule in enumerate(rule_pool.rules) if subject_counts.get(_subject(rule), 0) >= MAX_PER_SUBJECT]


def _other_steps(rule_pool: Candidates, rule_index: int) -> list[int]:
    """Where a step of a number was chosen: all steps of that number."""
    rule = rule_pool.rules[rule_index]
    if isinstance(rule, BehaviourRule) or (rule.at_least is None and rule.seniority_at_least is None):
        return []
    return [
        i
        for i, candidate in enumerate(rule_pool.rules)
        if isinstance(candidate, FitRule)
        and candidate.attribute == rule.attribute
        and (candidate.at_least is None) == (rule.at_least is None)
        and (candidate.seniority_at_least is None) == (rule.seniority_at_least is None)
    ]


def _fit_logistic(
    constants: Floats, lines: Floats, y: Flags, weight: Floats, sign: npt.NDArray[np.integer]
) -> tuple[Floats, Floats]:
    """Logistic regression, L2 regularisation: constants (lead stages,) and points in log-odds (rules,) that keep their sign."""
    x = np.column_stack((constants, lines))
    constant_count = constants.shape[1]

    def loss(v: Floats) -> tuple[float, Floats]:
        m = x @ v
        value = float(weight @ np.logaddexp(0, np.where(y, -m, m))) + 0.5 * PENALTY * float(
            v[constant_count:] @ v[constant_count:]
        )
        slope = x.T @ (weight * (sigmoid(m) - y))
        slope[constant_count:] += PENALTY * v[constant_count:]
        return value, slope

    free: list[tuple[float | None, float | None]] = [(None, None)] * constant_count
    bounds = free + [(0.0, None) if s > 0 else (None, 0.0) if s < 0 else (None, None) for s in sign.tolist()]
    solution = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds).x
    return solution[:constant_count], solution[constant_count:]


def _behaviour(prepared: Prepared) -> list[BehaviourRule]:
    """Each interaction in each window: once, three times, and each time up to three."""
    rules = []
    for name in prepared.feature_set.types:
        for days in WINDOWS:
            rules += [
                BehaviourRule(interaction=name, points=1, days=days, at_most=1),
                BehaviourRule(interaction=name, points=1, days=days, times=3),
                BehaviourRule(interaction=name, points=1, days=days, at_most=3),
            ]
    return rules


def _fit(prepared: Prepared, encoder: AttributeEncoder, rows: Rows, y: Flags) -> list[FitRule]:
    """Rules on one column: steps of a number, groups of a category's levels, yes or no, ranks, functions."""
    name = f"{encoder.entity}.{encoder.column}"
    values = attribute(prepared.histories, prepared.looks.take(rows), encoder.entity, encoder.column)
    if encoder.kind == "number":
        known_values = encoder.encode(values, 0)[:, 0]
        known_values = known_values[~np.isnan(known_values)]
        steps = (
            np.unique(np.quantile(known_values, np.arange(1, STEPS) / STEPS, method="lower"))
            if len(known_values)
            else np.zeros(0)
        )
        return [FitRule(attribute=name, points=1, at_least=_plain(step)) for step in steps if step > known_values.min()]
    if encoder.kind == "seniority":
        return [FitRule(attribute=name, points=1, seniority_at_least=rank) for rank in range(1, 7)]
    if encoder.kind == "function":
        return [FitRule(attribute=name, points=1, function=level) for level in encoder.levels]
    if encoder.kind == "free_mail":
        return [FitRule(attribute=name, points=1, free_mail=True)]
    if encoder.kind in ("category", "flag"):
        return [FitRule(attribute=name, points=1, equals=group) for group in _groups(values, y)]
    return []


def _groups(values: Sequence[object], y: Flags) -> list[str | list[str]]:
    """Groups of levels: those that convert best, and those that convert worst, one more at a time."""
    key: dict[object, int] = {}
    code = np.array([-1 if is_missing(v) else key.setdefault(str(v).strip(), len(key)) for v in values])
    counts, hits = (np.bincount(code[code >= 0], weights=w, minlength=len(key)) for w in (None, y[code >= 0]))
    names = list(key)
    frequent = [i for i in np.argsort(-counts, kind="stable")[:LEVELS] if counts[i] >= MIN_LANDMARKS]
    rate = (hits + SMOOTH * y.mean()) / (counts + SMOOTH)
    order = sorted(frequent, key=lambda i: -rate[i])
    longest = min(len(order) - 1, MOST_LEVELS)
    best = [[str(names[i]) for i in order[:count]] for count in range(1, longest + 1)]
    worst = [[str(names[i]) for i in order[-count:]] for count in range(1, longest + 1)]
    single = [[str(names[i])] for i in order]
    unique = dict.fromkeys(tuple(sorted(group)) for group in (*single, *best, *worst))
    return [group[0] if len(group) == 1 else list(group) for group in unique]


def _plain(step: float) -> float:
    """A step as a marketer would write it: three digits that count."""
    return float(f"{step:.3g}") if abs(step) < 1000 else float(round(step))


def _sign(rule: Rule, turning_away: TurningAway) -> int:
    """An interaction gives points, unless it is one of turning away; what a lead is may count either way."""
    if isinstance(rule, FitRule):
        return 0
    return -1 if any(name in turning_away.types for name in rule.types) else 1


def _subject(rule: Rule) -> str:
    return rule.attribute if isinstance(rule, FitRule) else "+".join(rule.types)


def _book(rules: Sequence[tuple[Rule, float]]) -> RuleBook:
    """A rule book of these rules, each with so many points; caps of a rule go along."""
    behaviour, fit = [], []
    for rule, points in rules:
        if isinstance(rule, FitRule):
            fit.append(rule.model_copy(update={"points": points}))
        else:
            cap = None if rule.at_most is None else rule.at_most * abs(points)
            behaviour.append(rule.model_copy(update={"points": points, "at_most": cap}))
    return RuleBook.model_construct(version=1, status="draft", thresholds={}, caps=Caps(), behaviour=behaviour, fit=fit)


def _with_thresholds(rules: Rules, prepared: Prepared) -> Rules:
    """As many landmarks above each threshold as with the rules in use."""
    all_rows = np.arange(len(prepared.looks), dtype=np.intp)
    points = lines_of(prepared, [*rules.book.behaviour, *rules.book.fit], all_rows).sum(axis=1)
    values, count = np.unique(points, return_counts=True)
    share_above = np.cumsum(count[::-1])[::-1] / max(len(points), 1)  # share of landmarks with at least so many points
    thresholds = {
        stage: float(values[np.abs(share_above - (prepared.points.points >= threshold).mean()).argmin()])
        for stage, threshold in prepared.rules.thresholds
    }
    return Rules(rules.book.model_copy(update={"thresholds": thresholds}))
