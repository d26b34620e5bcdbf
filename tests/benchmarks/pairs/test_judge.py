"""Coverage: what holds, and that being wrong as a whole is no excuse."""

from __future__ import annotations

from benchmarks.pairs.judge import moved


def test_how_far_the_base_rate_moved() -> None:
    assert moved({"base_rate": 0.12, "base_rate_before": 0.1}) == 0.12 / 0.1 - 1
    assert moved({"base_rate": 0.12, "base_rate_before": None}) is None
