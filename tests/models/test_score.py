"""Scores: every number of a lead is the naive one, alone as among others, and what training computes of many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from features.common.threads import MIN_ROWS
from models.calibration.chain import chain
from models.calibration.intervals import chain_intervals
from models.common.types import logit
from models.model import FunnelModel
from models.score import ScoringInput, next_contributions, numbers, part_sums, score, split
from models.scored_lead import WORTH, LeadWords, ScoredLeads
from tests.models import oracles
from tests.models.looks import NEAR, seen

LEADS = 60


@pytest.fixture(scope="module")
def looked(model: FunnelModel) -> ScoringInput:
    return seen(model, LEADS)


@pytest.fixture(scope="module")
def scores(model: FunnelModel, looked: ScoringInput) -> ScoredLeads:
    return score(LeadWords(model, "en"), looked)


def near(value: Any, wanted: Any) -> None:
    np.testing.assert_allclose(value, wanted, **NEAR)


def test_points_are_the_naive_ones(model: FunnelModel, looked: ScoringInput, scores: ScoredLeads) -> None:
    counts = looked.rows[model.feature_set.attribute_columns + model.rule_rows]
    fits = model.rules.fits(looked.values, LEADS)
    for i in range(LEADS):
        wanted = oracles.points(model.rules, counts[:, i].tolist(), fits[i].tolist())
        for name in ("points", "capped"):
            near(scores.number(name)[i], wanted[name])
        near(scores.by_target("lines")[i], wanted["lines"])
        assert (scores.rules_grade[i] if scores.rules_grade else None) == wanted["grade"]
        chances = oracles.rule_chances(model.rule_odds, wanted["points"], int(looked.stage[i]), len(model.transitions))
        near(scores.by_target("rules")[i], chances)


def test_what_each_column_adds_is_the_naive_sum(model: FunnelModel, looked: ScoringInput, scores: ScoredLeads) -> None:
    """Of the trees LightGBM says it; the sum of all is the log-odds that are calibrated."""
    x, contributions = scores.numbers.x, scores.numbers.contributions
    for i, stage in enumerate(looked.stage.tolist()):
        transition = model.transitions[stage]
        wanted = transition.weights[0] * np.array(oracles.linear(transition.linear, x[i]))
        for weight, gbm in transition.weighted_boosters:
            if gbm and gbm.trees:
                wanted += weight * gbm.booster.predict(x[i : i + 1], pred_contrib=True)[0]
        wanted[-1] += transition.constant
        np.testing.assert_allclose(contributions[i], wanted, rtol=1e-5, atol=1e-6)  # the linear learner's are float32
        chance = oracles.probability(transition.calibrator, float(contributions[i].sum()))
        near(scores.by_target("conditional")[i, stage], chance)


def test_probabilities_and_intervals_are_the_naive_products(
    model: FunnelModel, looked: ScoringInput, scores: ScoredLeads
) -> None:
    bands = [t.interval for t in model.transitions]
    conditional, probability, low, high = (scores.by_target(name) for name in ("conditional", "probability", "low", "high"))
    for i, stage in enumerate(looked.stage.tolist()):
        for target, transition in enumerate(model.transitions):
            if target < stage:
                assert np.isnan([probability[i, target], low[i, target], high[i, target]]).all()
                continue
            margin = float(transition.margin(scores.numbers.x[i : i + 1])[0])
            near(conditional[i, target], oracles.probability(transition.calibrator, margin))
            steps = conditional[i, stage : target + 1].tolist()
            near(probability[i, target], np.prod(steps))
            near((low[i, target], high[i, target]), oracles.chain_bounds(bands[stage : target + 1], steps))


def test_curves_are_the_naive_ones(model: FunnelModel, looked: ScoringInput, scores: ScoredLeads) -> None:
    horizons = [model.funnel.horizons[t] for t in model.funnel.targets]
    for i, stage in enumerate(looked.stage.tolist()):
        z = oracles.logit(scores.by_target("conditional")[i, stage]), np.log1p(looked.stage_days[i])
        timings = {t: model.timings.by_pair[stage, t] for t in range(stage, len(horizons))}
        for target, (name, days) in enumerate(zip(model.funnel.targets, model.packed.days, strict=True)):
            chances = scores.by_target(f"curve {name}")[i]
            if target < stage:
                assert np.isnan(chances).all()
                continue
            ahead = range(stage, target + 1)
            reached = scores.by_target("probability")[i, stage : target + 1].tolist()
            curve = oracles.curve([timings[t] for t in ahead], horizons[stage : target + 1], z, reached, days)
            near(chances, curve)
            expected = oracles.expected_days(timings[target], oracles.power(timings[target], z))
            near(scores.number("expected_days", target)[i], expected)


def test_worth_score_and_grade_are_the_naive_ones(model: FunnelModel, looked: ScoringInput, scores: ScoredLeads) -> None:
    assert model.value is not None
    fit, engagement = model.part_columns
    x, contributions = scores.numbers.x, scores.numbers.contributions
    for i, stage in enumerate(looked.stage.tolist()):
        final = [scores.by_target(name)[i, -1] for name in ("probability", "low", "high")]
        mean = scores.number("amount")[i]
        added = float(model.value.gbm.booster.predict(x[i : i + 1], raw_score=True)[0]) if model.value.gbm else 0.0
        near(mean, model.value.base * np.exp(added))
        amounts = mean, mean * model.value.low, mean * model.value.high
        worth = oracles.worth(model.value, mean, *final)
        near([scores.number(name)[i] for name in WORTH.values()], (*worth, *amounts))
        assert scores.score[i] == oracles.score(model.reference.percentiles, final[0])
        sums = [float(contributions[i, columns].sum()) for columns in (fit, engagement)]
        thirds = [part[stage].tolist() for part in (model.reference.fit, model.reference.engagement)]
        assert scores.grade[i] == oracles.grade(*sums, *thirds)


def test_training_computes_the_same_of_many(model: FunnelModel) -> None:
    """More leads than one thread gets: by the parts' arrays what the walk says of each lead."""
    looked = seen(model, MIN_ROWS + 40)
    scores, plain = score(LeadWords(model, "en"), looked), split(model, looked)
    assert np.array_equal(scores.numbers.x, plain.x, equal_nan=True)
    near(scores.number("points"), plain.points.points)
    near(scores.by_target("lines"), plain.points.lines)
    near(scores.number("capped"), plain.points.capped)
    assert scores.rules_grade == plain.points.grade
    conditional, probability = chain(model.transitions, plain.x, looked.stage)
    near(scores.by_target("conditional"), conditional)
    near(scores.by_target("probability"), probability)
    low, high = chain_intervals([t.interval for t in model.transitions], conditional, probability)
    near((scores.by_target("low"), scores.by_target("high")), (low, high))
    near(scores.by_target("rules"), model.rule_odds.probabilities(plain.points.points, looked.stage, len(model.transitions)))
    contributions = next_contributions(model, plain.x, looked.stage)
    near(scores.numbers.contributions, contributions)
    near(part_sums(model, contributions), [contributions[:, columns].sum(axis=1) for columns in model.part_columns])
    assert model.value is not None
    worth = model.value.expected(plain.x, probability[:, -1], low[:, -1], high[:, -1])
    amounts = worth.amounts
    wanted = (worth.value, worth.low, worth.high, amounts.mean, amounts.low, amounts.high)
    near([scores.number(name) for name in WORTH.values()], wanted)


def test_a_lead_alone_has_the_bits_it_has_among_others(model: FunnelModel) -> None:
    looked = seen(model, 30)
    together = numbers(model, looked, 3)
    for i in range(30):
        one = ScoringInput(
            looked.rows[:, [i]], looked.stage[[i]], looked.age_days[[i]], looked.stage_days[[i]],
            lambda entity, column, i=i: [looked.values(entity, column)[i]],
        )  # fmt: skip
        alone = numbers(model, one, 3)
        for name in ("x", "contributions", "row", "speaker", "effect"):
            assert np.array_equal(getattr(alone, name)[0], getattr(together, name)[i], equal_nan=True), name


def test_reasons_and_what_is_left_add_up_to_the_chance(model: FunnelModel) -> None:
    looked = seen(model, 20)
    found = numbers(model, looked, 50)
    columns = model.packed.columns
    said = found.row[:, [columns[name].start for name in ("total", "calibration")]].sum(axis=1)
    chance = found.row[:, columns["conditional"]][np.arange(20), looked.stage]
    near(said, logit(chance))
