"""Coherence of what is said, for any leads: over lead stages, over time, and inside an account."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.common.clock import DAY
from features.engine.request import Interaction, RequestLead
from serving.schemas.answer import Result
from serving.scoring.scorer import Scorer
from tests.tiny import TYPES, tiny_model

NOW = 20_000 * DAY
SCORER = Scorer(tiny_model())

acts = st.builds(
    Interaction,
    type=st.sampled_from([*TYPES, "never seen"]),
    time=st.integers(NOW - 300 * DAY, NOW - 1),
    direction=st.sampled_from(["in", "out", None]),
    value=st.sampled_from([float("nan"), 0.0, 50.0]),
    content=st.sampled_from([None, "a", "b"]),
)


@st.composite
def leads(draw: st.DrawFn, company: str = "C") -> list[RequestLead]:
    """One to four people of one account."""
    industry = draw(st.sampled_from(["retail", "software", None]))
    found = []
    for number in range(draw(st.integers(1, 4))):
        age = draw(st.integers(1, 400))
        found.append(
            RequestLead(
                f"{company}{number}",
                draw(st.integers(0, 2)),
                NOW - age * DAY,
                NOW - draw(st.integers(0, age)) * DAY,
                {"source": draw(st.sampled_from(["ads", "webinar", None])), "job_title": draw(st.sampled_from(["CEO", ""]))},
                company,
                {"industry": industry},
                tuple(draw(st.lists(acts, max_size=5))),
            )
        )
    return found


def said(found: list[RequestLead]) -> dict[str, Result]:
    """Answers by lead; without the reasons' frame, whose sums differ in the sixteenth digit from row to row."""
    answers = zip(found, SCORER.score(found, NOW), strict=True)
    return {lead.lead_id: result.model_copy(update={"explanation": None, "reasons": None}) for lead, result in answers}


@given(leads())
def test_no_lead_stage_is_likelier_than_the_one_before_it_at_any_time(found: list[RequestLead]) -> None:
    for result in said(found).values():
        ahead = list((result.probabilities or {}).values())
        for nearer, further in pairwise(ahead):
            assert further.value <= nearer.value
        for one in ahead:
            values = [point.value for point in one.curve]
            assert values == sorted(values)
            assert values[-1] == one.value
            assert one.low <= one.value <= one.high


@given(leads(), st.randoms())
def test_members_of_an_account_score_alike_in_any_order(found: list[RequestLead], random: object) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert said(shuffled) == said(found)


@given(leads())
def test_twins_in_an_account_get_the_same_answer(found: list[RequestLead]) -> None:
    """Two people who did the same at the same time, beside the same colleagues."""
    twin = replace(found[0], lead_id="twin")
    both = said([*found, twin])
    assert both["twin"].model_copy(update={"lead_id": "C0"}) == both["C0"]


@given(leads(), leads(company="D"))
def test_other_accounts_change_nothing(found: list[RequestLead], others: list[RequestLead]) -> None:
    together = said([*found, *others])
    for name, alone in said(found).items():
        same = together[name]
        assert same.probabilities is not None
        for target, probability in (alone.probabilities or {}).items():
            assert same.probabilities[target].value == pytest.approx(probability.value, abs=1e-6)
        assert (same.score, same.grade, same.rules, same.recommendation) == (
            alone.score, alone.grade, alone.rules, alone.recommendation
        )  # fmt: skip


@given(leads())
def test_members_who_share_a_company_share_its_fit(found: list[RequestLead]) -> None:
    """With the same history and attributes of their own, whatever their colleagues did counts for both alike."""
    one, two = replace(found[0], lead_id="one", interactions=()), replace(found[0], lead_id="two", interactions=())
    both = said([one, two, *found[1:]])
    assert both["one"].probabilities == both["two"].probabilities
