"""The chain of transitions: a later lead stage is never likelier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.calibration.chain import chain


@dataclass
class Says:
    p: float

    def probability(self, x: np.ndarray) -> np.ndarray:
        return np.full(len(x), self.p)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5), st.data())
def test_a_later_lead_stage_is_never_likelier(steps: list[float], data: st.DataObject) -> None:
    stage = np.array(data.draw(st.lists(st.integers(0, len(steps) - 1), min_size=1, max_size=6)))
    conditional, reached = chain([Says(p) for p in steps], np.zeros((len(stage), 1)), stage)
    for row, begin in enumerate(stage):
        assert np.isnan(reached[row, :begin]).all()
        assert np.all(np.diff(reached[row, begin:]) <= 0)
        assert reached[row, begin] == conditional[row, begin] == steps[begin]
