"""Known truth with little data: from no conversion on, the model is never worse than the calibrated rules beyond noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import honesty


@pytest.mark.slow
def test_the_learning_curve_stays_with_the_rules_or_below(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each point is the mean of five draws of accounts; their noise is about a hundredth."""
    monkeypatch.setattr(honesty, "COUNTS", (0, 2, 10, 35, 100))
    _, prepared = next(honesty.tasks(Path("nowhere"), leads=4_000))
    cut = honesty.cut_at(prepared, 1)
    assert cut is not None
    curve = list(honesty.little(cut))
    behind = np.array([model - rules for _, model, rules, _ in curve])
    assert behind.max() < 0.02
    assert behind[-1] < 0, "a hundred conversions teach more than the points know"
    assert abs(behind[0]) < 0.02, "without any, the model is the calibrated rules, read per transition"
