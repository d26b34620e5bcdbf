"""The page of the learning curve: gains and their interval, from draws made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.clients import DrawResult
from benchmarks.clients_page import gain, plot, table


def draws(*gains: float, target: str = "mql") -> list[DrawResult]:
    """A business each, whose log loss is lower by so much with the prior."""
    return [DrawResult(0.3, 50, business, 0, target, 9, g > 0, (0.5 - g, 0.5, 0.6)) for business, g in enumerate(gains)]


def test_the_gain_is_the_mean_over_businesses_and_its_interval_holds_it() -> None:
    mean, low, high = gain(draws(0.1, 0.2, 0.3))
    assert mean == pytest.approx(0.2)
    assert 0.1 <= low < mean < high <= 0.3


def test_a_line_for_each_size_and_transition() -> None:
    lines = table([*draws(0.1, 0.1), *draws(-0.1, -0.1, target="sql")])
    assert len(lines) == 4
    assert "| 0.3 | mql | 50 | 9 | 2 | 100% | 0.4000 | 0.5000 | 0.6000 | +0.1000 (+0.1000 to +0.1000) |" in lines
    assert "-0.1000" in lines[3]


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    plot([*draws(0.1), *draws(0.1, target="sql")], tmp_path / "c.png")
    assert (tmp_path / "c.png").stat().st_size > 1_000
