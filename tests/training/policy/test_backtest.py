"""The hand-over policy on history: a week by week replay whose every number can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from features.common.clock import DAY, NO_MOMENT, WEEK
from features.dataset.landmarks import Landmarks
from models.decision.recommend import Policy, Situation
from models.rules.rules import Points
from models.score import ModelInputs, Predictions
from tests.trained import Trained
from training.policy.backtest import HISTORICAL, MODEL, RULES, RULES_FITTED, backtest, in_words
from training.policy.weekly import Weekly

WEEKS = 4


def history(looks: list[tuple[int, int, float, float]], customers: set[int], sales: dict[int, int]) -> Weekly:
    """Looks (lead, week, P(customer), points), sorted; who became a customer; in which week sales found whom in fact."""
    lead, week, chance, points = (np.array(column) for column in zip(*looks, strict=True))
    p = chance[:, None].astype(float)
    points = points.astype(float)
    by_rules = Points(points, np.zeros((len(lead), 0)), np.zeros(len(lead)), points)
    parts = ModelInputs(np.zeros((len(lead), 1)), by_rules, np.ones(len(lead)), np.zeros((0, len(lead))))
    at = (100 * DAY + np.arange(WEEKS) * WEEK).astype(np.int64)
    situations = [
        Situation("mql", None, False, c, c * 0.9, min(c * 1.1, 1.0), c, c * 0.9, min(c * 1.1, 0.999), 1.0, 10.0, False)
        for c in chance.tolist()
    ]
    reached = np.full(lead.max() + 1, NO_MOMENT)
    for who, when in sales.items():
        reached[who] = at[when] + 2 * DAY
    became = np.isin(lead, list(customers))
    return Weekly(
        moments=at,
        share=np.ones(WEEKS),
        week=week.astype(np.int64),
        looks=Landmarks(lead.astype(np.intp), at[week], np.ones(len(lead), np.int32), at[week]),
        predictions=Predictions(parts, p, p, p * 0.9, np.minimum(p * 1.1, 1.0), None),
        situations=situations,
        with_sales=np.isin(lead, list(sales)),
        customer=became,
        revenue=np.where(became, 1_000.0, 0.0),
        reached=reached[lead],
        rules_chance=points / 100,
    )


POLICY = Policy("sql", {"sql": 0.5}, capacity_per_week=1, cost_per_contact=100.0, currency="EUR")


# 0 is a customer the model sees, 1 a false alarm that has to wait for a week, 2 a customer only sales sees
LOOKS = [(0, 2, 0.9, 10.0), (1, 2, 0.8, 90.0), (1, 3, 0.8, 90.0), (2, 2, 0.1, 20.0), (3, 0, 0.6, 50.0), (3, 1, 0.6, 50.0)]
PAST = history(LOOKS, customers={0, 2}, sales={0: 2, 2: 2})


def test_every_number_can_be_counted_by_hand() -> None:
    found = backtest(POLICY, PAST, rules_line=80.0)
    model = found.tally(MODEL)
    assert (model.contacts, model.customers) == (2, 1), "lead 0 in the third week, lead 1 in the fourth: one contact a week"
    assert model.profit == 1_000 - 2 * 100
    assert (model.early_contacts, model.late_customers) == (1, 1), "lead 1 never came to sales; lead 2 was never handed over"
    assert model.per_week.tolist() == [1, 1]
    rules = found.tally(RULES)
    assert (rules.contacts, rules.customers, rules.late_customers) == (1, 0, 2)
    fact = found.tally(HISTORICAL)
    assert (fact.contacts, fact.customers) == (2, 2)
    assert found.sales_customers == 2
    assert found.weeks == 2


def test_weeks_in_which_the_lines_were_chosen_are_not_judged() -> None:
    """Lead 3 is handed over in the first half: it takes capacity there and counts nowhere."""
    alone = backtest(POLICY, history([*LOOKS[:4]], {0, 2}, {0: 2, 2: 2}), rules_line=None)
    assert alone.tally(MODEL).contacts == backtest(POLICY, PAST, rules_line=None).tally(MODEL).contacts
    assert [t.name for t in alone.tallies] == [MODEL, RULES_FITTED, HISTORICAL], "rules without a threshold have no line"


def test_half_of_the_leads_are_scaled_up_to_all() -> None:
    from dataclasses import replace

    half = replace(PAST, share=np.full(WEEKS, 0.5))
    found = backtest(replace(POLICY, capacity_per_week=2.0), half, None).tally(MODEL)
    assert found.contacts == 2
    assert found.per_week.tolist() == [2, 2], "one contact among half the leads is two among all"


def test_hysteresis_keeps_a_lead_that_only_wavers() -> None:
    """Below the line with its estimate, above it with the high end: it stays handed over, and nobody changes their mind."""
    wavering = history([(0, 2, 0.6, 1.0), (0, 3, 0.48, 1.0), (1, 2, 0.9, 1.0), (1, 3, 0.2, 1.0)], set(), {})
    assert backtest(POLICY, wavering, None).tally(MODEL).changes == 1, "lead 1 fell far below, lead 0 only wavered"


def test_room_that_is_left_goes_to_close_calls_and_without_a_capacity_to_nobody() -> None:
    """Lead 1 straddles the line: sales calls it in the fourth week, when it has nobody better, and not before."""
    from dataclasses import replace

    past = history([(0, 2, 0.9, 1.0), (1, 2, 0.52, 1.0), (1, 3, 0.52, 1.0)], {1}, {})
    filled = backtest(POLICY, past, None).tally(MODEL)
    assert (filled.contacts, filled.customers, filled.per_week.tolist()) == (2, 1, [1, 1])
    assert backtest(replace(POLICY, capacity_per_week=None), past, None).tally(MODEL).contacts == 1


def test_the_sentence_gives_the_figures() -> None:
    first, second = in_words(backtest(POLICY, PAST, 80.0), share=0.4)
    assert "2 contacts, 1 customers" in first
    assert "40% of leads held out" in first
    assert "1 never reached sql in time (too early)" in second


def test_no_way_contacts_more_than_sales_can_take(trained: Trained) -> None:
    tested = trained.outcome.handover_result.backtest_result
    assert tested is not None
    for tally in tested.tallies:
        if tally.name != HISTORICAL:
            assert tally.contacts <= 10 * tested.weeks + 1
            assert tally.profit == pytest.approx(tally.revenue - 25 * tally.contacts)
