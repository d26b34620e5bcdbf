"""The small functions that all share, at their ends."""

from __future__ import annotations

import numpy as np
import pytest

from models.common.types import log_loss, logit, margin_loss, sigmoid


def test_sigmoid_and_logit_at_their_ends() -> None:
    assert sigmoid(np.array([-1e9, 0, 1e9])).tolist() == [0.0, 0.5, 1.0]
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()
    assert log_loss(np.array([True, False]), np.array([1.0, 0.0])) == pytest.approx(1e-6, rel=0.01)
    assert margin_loss(np.array([True]), np.array([-800.0]), np.ones(1)) == pytest.approx(800.0)
