"""Hidden states of interest, day by day."""

from __future__ import annotations

import numpy as np

from connectors.simulator.interest import transitions


def test_chances_of_the_next_state_add_up_to_one() -> None:
    moves = transitions(np.array([0.0, 0.3, 1.0, 4.0, 20.0]))
    np.testing.assert_allclose(moves.sum(axis=2), 1.0)
    assert moves.min() >= 0
