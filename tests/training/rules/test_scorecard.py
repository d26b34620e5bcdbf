"""Points learned from data: what was planted is found, signs and lengths are kept, and the file can be used."""

from __future__ import annotations

import numpy as np
import pytest

from features.common.errors import DataError
from models.common.types import sigmoid
from models.rules.check import doubts
from models.rules.schema import BehaviourRule, FitRule
from tests.trained import Trained
from training.rules.replay import with_rules
from training.rules.scorecard import Candidates, candidates, decay_weights, learn_scorecard, select

N = 4_000


def world(effects: list[float], sign: list[int] | None = None) -> tuple[Candidates, np.ndarray]:
    """Yes-or-no candidates, half of the landmarks each, with these effects in log-odds."""
    random = np.random.default_rng(0)
    lines = (random.random((N, len(effects))) < 0.5).astype(np.float32)
    rules = tuple(FitRule(attribute=f"lead.a{i}", points=1, equals="x") for i in range(len(effects)))
    y = random.random(N) < sigmoid(-1 + lines @ np.array(effects))
    return Candidates(rules, lines, np.array(sign or [0] * len(effects), np.int8)), y


STAGE = np.zeros(N, np.int32)


def test_what_was_planted_is_found_and_noise_is_not() -> None:
    found, y = world([1.0, 0.0, -0.8, 0.0, 0.0])
    chosen, points = select(found, y, STAGE, 15)
    assert chosen[:2] == [0, 2]
    assert points[:2] == pytest.approx([1.0, -0.8], abs=0.2)
    assert len(chosen) <= 3


def test_at_most_so_many_rules() -> None:
    found, y = world([1.0, 0.9, -0.8, 0.7])
    assert len(select(found, y, STAGE, 2)[0]) == 2


def test_an_interaction_never_takes_points_though_the_data_say_so() -> None:
    found, y = world([-1.0, 1.0], sign=[1, 1])
    assert select(found, y, STAGE, 15)[0] == [1]


def test_points_are_taken_for_turning_away_alone(trained: Trained) -> None:
    prepared = trained.prepared
    rows = np.arange(len(prepared.looks), dtype=np.intp)
    found = candidates(prepared, rows, prepared.labels(prepared.extracted_at).reached[:, -1])
    signs = {
        (rule.types, sign)
        for rule, sign in zip(found.rules, found.sign.tolist(), strict=True)
        if isinstance(rule, BehaviourRule)
    }
    assert {types for types, sign in signs if sign < 0} == {("unsubscribed",)}
    assert ("unsubscribed",) not in {types for types, sign in signs if sign >= 0}


def test_the_steps_of_a_number_count_the_same_way() -> None:
    """Up, then down again: the steps after the first keep its sign, so points never fall as the number grows."""
    random = np.random.default_rng(1)
    value = random.integers(0, 3, N)
    lines = np.column_stack((value >= 1, value >= 2)).astype(np.float32)
    rules = tuple(FitRule(attribute="company.size", points=1, at_least=step) for step in (1, 2))
    y = random.random(N) < sigmoid(np.array([-1.5, 0.5, -0.5])[value])
    chosen, points = select(Candidates(rules, lines, np.zeros(2, np.int8)), y, STAGE, 15)
    assert (points >= 0).all()
    assert chosen[0] == 0


def test_lead_stages_have_their_own_base_rate() -> None:
    """A rule that only tells the lead stage tells nothing."""
    stage = np.repeat([0, 1], N // 2)
    y = np.random.default_rng(2).random(N) < np.where(stage == 1, 0.6, 0.1)
    rules = (FitRule(attribute="lead.a", points=1, equals="x"),)
    found = Candidates(rules, stage[:, None].astype(np.float32), np.zeros(1, np.int8))
    assert select(found, y, stage, 15)[0] == []


def test_faded_rows_count_as_many_as_they_are_worth() -> None:
    assert decay_weights(np.arange(100), None).sum() == pytest.approx(100)
    weight = decay_weights(np.arange(100), 0.1)
    assert weight.sum() < 40
    assert (np.diff(weight) > 0).all()


def test_a_learned_card_has_whole_points_and_leaves_nothing_to_complain_about(trained: Trained) -> None:
    prepared, held = trained.prepared, trained.outcome.holdout
    card = learn_scorecard(prepared, held.cut, held.train_rows, max_rules=8)
    every = [*card.book.behaviour, *card.book.fit]
    assert 1 <= len(every) <= 8
    assert all(rule.points == round(rule.points) != 0 for rule in every)
    assert not [d for d in doubts(card, {}, prepared.funnel.stages) if "nobody can become" not in str(d)]
    assert card.book.status == "draft"


def test_as_many_leads_reach_its_thresholds_as_those_of_the_rules(trained: Trained) -> None:
    prepared, held = trained.prepared, trained.outcome.holdout
    card = learn_scorecard(prepared, held.cut, held.train_rows)
    learned = with_rules(prepared, card).points.points
    for (stage, now), (same, new) in zip(prepared.rules.thresholds, card.thresholds, strict=True):
        assert stage == same
        assert (learned >= new).mean() == pytest.approx((prepared.points.points >= now).mean(), abs=0.1), "points have ties"


def test_where_nobody_converts_it_says_so(trained: Trained) -> None:
    prepared = trained.prepared
    nobody = np.zeros(len(prepared.looks), bool)
    nobody[np.flatnonzero(~prepared.labels(prepared.extracted_at).reached[:, -1])[:500]] = True
    with pytest.raises(DataError, match=r"No rule tells who becomes customer: 0 of \d+ landmarks did\."):
        learn_scorecard(prepared, prepared.extracted_at, nobody)
