"""Where a lead stands at any moment is where the batch has it."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from features.dataset.funnel import Funnel
from features.dataset.landmarks import Path, open_leads
from serving.store.lead_state import lead_state

STAGES = st.sampled_from(["lead", "mql", "sql", "customer", "disqualified", "lost"])


@given(st.integers(0, 20), st.lists(st.tuples(STAGES, st.integers(0, 20)), max_size=8), st.integers(0, 22))
def test_where_one_lead_stands_is_where_the_batch_has_it(created: int, changes: list[tuple[str, int]], as_of: int) -> None:
    funnel = Funnel(horizons={"mql": 30, "sql": 30, "customer": 30})
    start = 1_700_000_000_000_000

    def at(moments: list[int]) -> pd.Series:
        return pd.Series(pd.to_datetime([start + m for m in moments], unit="us", utc=True))

    leads = pd.DataFrame({"lead_id": ["a"], "created_at": at([created])})
    stages = pd.DataFrame(
        {"lead_id": ["a"] * len(changes), "lead_stage": [c[0] for c in changes], "at": at([c[1] for c in changes])}
    )
    path = Path.from_tables(leads, stages, funnel)
    looks = open_leads(path, start + as_of)
    found = lead_state(start + created, [(name, start + m) for name, m in changes], funnel, start + as_of)
    assert (found.status == "open") == (len(looks) == 1)
    if len(looks):
        assert (found.stage, found.entered) == (looks.stage[0], looks.entered[0])
