"""Scores: a model made ready says what its parts say, number by number."""

from __future__ import annotations

import numpy as np

from models.calibration.chain import chain
from models.calibration.curve import curves
from models.common.types import logit
from models.model import FunnelModel
from models.packed import MIN_BLOCK
from models.score import ScoringInput, interval, next_contributions, numbers, part_sums, score, split
from models.scored_lead import WORTH, LeadWords
from tests.models.looks import NEAR, seen


def test_every_number_is_that_of_its_part(model: FunnelModel) -> None:
    looked = seen(model, MIN_BLOCK + 40)
    found, plain = score(LeadWords(model, "en"), looked), split(model, looked)
    assert np.array_equal(found.numbers.x, plain.x, equal_nan=True)
    for name, wanted in (("points", plain.points.points), ("capped", plain.points.capped)):
        np.testing.assert_allclose(found.number(name), wanted, **NEAR)
    np.testing.assert_allclose(found.by_target("lines"), plain.points.lines, **NEAR)
    assert found.rules_grade == plain.points.grade
    conditional, probability = chain(model.transitions, plain.x, looked.stage)
    np.testing.assert_allclose(found.by_target("conditional"), conditional, **NEAR)
    np.testing.assert_allclose(found.by_target("probability"), probability, **NEAR)
    low, high = interval(model.transitions, conditional, probability)
    np.testing.assert_allclose(found.by_target("low"), low, **NEAR)
    np.testing.assert_allclose(found.by_target("high"), high, **NEAR)
    odds = model.rule_odds.probabilities(plain.points.points, looked.stage, len(model.transitions))
    np.testing.assert_allclose(found.by_target("rules"), odds, **NEAR)
    contributions = next_contributions(model, plain.x, looked.stage)
    np.testing.assert_allclose(found.numbers.contributions, contributions, **NEAR)
    assert found.score.tolist() == model.reference.score(probability[:, -1]).tolist()
    assert found.grade == model.reference.grade(*part_sums(model, contributions), looked.stage)
    by_day = curves(model.funnel, model.timings, conditional, probability, looked.stage, looked.stage_days)
    np.testing.assert_allclose(found.by_target("expected_days"), by_day.expected, **NEAR)
    assert model.packed.days == by_day.days
    for target, wanted in zip(model.funnel.targets, by_day.chance, strict=True):
        np.testing.assert_allclose(found.by_target(f"curve {target}"), wanted, **NEAR)
    assert model.value is not None
    worth = model.value.expected(plain.x, probability[:, -1], low[:, -1], high[:, -1])
    amounts = worth.amounts
    wanted_worth = (worth.value, worth.low, worth.high, amounts.mean, amounts.low, amounts.high)
    for name, wanted in zip(WORTH.values(), wanted_worth, strict=True):
        np.testing.assert_allclose(found.number(name), wanted, **NEAR)


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
    found = numbers(model, seen(model, 20), 50)
    columns = model.packed.columns
    said = found.row[:, [columns[name].start for name in ("total", "calibration")]].sum(axis=1)
    stage = seen(model, 20).stage
    chance = found.row[:, columns["conditional"]][np.arange(20), stage]
    np.testing.assert_allclose(said, logit(chance), **NEAR)
    groups = [np.bincount(model.groups, weights=row[:-1]) for row in found.contributions]
    for effects, row in zip(found.effect, groups, strict=True):
        largest = np.sort(np.abs(row))[::-1][: len(effects)]
        np.testing.assert_allclose(np.abs(effects)[: len(largest)], largest, **NEAR)
