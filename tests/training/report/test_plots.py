"""The plots of a run are drawn, also where nobody converted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.report.plots import plot_capacity, plot_reliability


@pytest.mark.parametrize("rate", [0.3, 0.0])
def test_both_plots_are_drawn(tmp_path: Path, rate: float) -> None:
    random = np.random.default_rng(0)
    y, p = random.random(200) < rate, random.random(200)
    said = {"model": p, "rules": np.full(200, 0.3)}
    plot_reliability(y, said, np.arange(200), "mql", tmp_path / "reliability.png")
    plot_capacity(y, said, "mql", tmp_path / "capacity.png")
    assert all((tmp_path / f"{name}.png").stat().st_size > 5_000 for name in ("reliability", "capacity"))
