"""What is counted of parts adds up to what is counted of the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from features.common.clock import timestamps
from features.dataset.tables import conform
from features.dataset.tally import Tally

ROW = st.tuples(
    st.integers(0, 9),
    st.sampled_from(["visit", "mail", "é"]),
    st.sampled_from(["in", "out", "sideways", None]),
    st.sampled_from([None, "a", "B"]),
    st.sampled_from([None, 1.5]),
)


def tally_of(rows: list[tuple[Any, ...]]) -> Tally:
    frame = pd.DataFrame(rows, columns=["at", "type", "direction", "content", "value"], dtype="object")
    at = timestamps(frame["at"].to_numpy(np.int64))
    return Tally.of_frame(conform("interactions", frame.assign(lead_id="a", at=at)))


@settings(max_examples=40, deadline=None)
@given(st.lists(ROW, max_size=20), st.integers(0, 20))
def test_parts_add_up(rows: list[tuple[Any, ...]], cut: int) -> None:
    assert Tally.merged([tally_of(rows[:cut]), tally_of(rows[cut:])]) == tally_of(rows)


def test_what_is_counted() -> None:
    rows = [(3, "visit", "in", "b", 1.0), (1, "mail", "up", None, None), (2, "visit", None, "a", None)]
    assert tally_of(rows) == Tally({"mail": 1, "visit": 2}, {"visit": 1}, ("in",), ("a", "b"), {"up": 1}, 1, 3)
    assert tally_of([]) == Tally()
