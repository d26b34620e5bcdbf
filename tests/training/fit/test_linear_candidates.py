"""Candidates: one linear learner again, with shares that sum to 1."""

from __future__ import annotations

import numpy as np
import pytest

from tests.models.learners.worlds import examples_with_points
from training.fit.linear_candidates import candidates, fit_candidates, fit_mixture, shared_out


def test_the_mixture_says_what_its_parts_say_by_their_shares() -> None:
    train = examples_with_points(400)
    chosen = candidates(train, 80)
    parts = fit_candidates(train, chosen)
    wanted = sum(c.share * part.margin(train.x) for c, part in zip(chosen, parts, strict=True))
    assert fit_mixture(train, chosen).margin(train.x) == pytest.approx(wanted)


def test_what_weighs_nothing_is_left_out_and_the_rest_sums_to_one() -> None:
    chosen = candidates(examples_with_points(400), 80)
    weights = np.zeros(len(chosen))
    weights[[1, 4]] = 0.3, 0.1
    kept = shared_out(chosen, weights)
    assert [c.share for c in kept] == pytest.approx([0.75, 0.25])
    assert [c.strength for c in kept] == [chosen[1].strength, chosen[4].strength]
    assert sum(c.share for c in shared_out(chosen, np.zeros(len(chosen)))) == pytest.approx(1)
