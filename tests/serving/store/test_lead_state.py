"""Where the store has a lead at any moment is where the batch has it, and what a plain walk through its past says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.dataset.landmarks import Path, open_leads
from serving.store.lead_state import lead_states
from tests.features.dataset.lives import FUNNEL, HISTORIES, MOMENTS, START, STEP, History, standing, tables


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(MOMENTS, HISTORIES), min_size=1, max_size=4), MOMENTS, st.integers(-1, 2))
def test_leads_stand_where_the_batch_and_a_plain_walk_have_them(
    people: list[tuple[int, History]], moment: int, more: int
) -> None:
    as_of = moment + more
    looks = open_leads(Path.from_tables(*tables(people), FUNNEL), as_of)
    found = lead_states([created for created, _ in people], [history for _, history in people], FUNNEL, as_of)
    opened = [(i, s.stage, s.entered) for i, s in enumerate(found) if s.status == "open"]
    assert opened == list(zip(looks.lead, looks.stage, looks.entered, strict=True))
    for state, (created, history) in zip(found, people, strict=True):
        right = standing(created, history, as_of)
        assert (state.status == "not_yet") == (right is None)
        if right is not None:
            name = right.left_by or FUNNEL.stages[right.stage]
            assert (state.stage, state.entered, state.name) == (right.stage, right.since, name)


@pytest.mark.parametrize(("as_of", "status", "name"), [(2, "open", "mql"), (4, "closed", "lost"), (9, "open", "sql")])
def test_a_lead_that_came_back_is_open_again(as_of: int, status: str, name: str) -> None:
    history = [("mql", START + STEP), ("lost", START + 3 * STEP), ("sql", START + 8 * STEP), ("retired", START + 5 * STEP)]
    (state,) = lead_states([START], [history], FUNNEL, START + as_of * STEP)
    assert (state.status, state.name) == (status, name)
