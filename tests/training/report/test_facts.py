"""The facts of the report are those of its run."""

from __future__ import annotations

import pytest

from training.report.facts import ReportFacts


@pytest.mark.parametrize("language", ["en", "de"])
def test_rules_at_their_best_are_what_the_model_is_held_against(facts: dict[str, ReportFacts], language: str) -> None:
    """The share at the capacity is that of the run's own metrics, not of raw points."""
    f = facts[language]
    lift = f.results["rules"]["customer"]["lift_at_10"]
    assert f.curves.set_index("percent").loc[10, "rules"] == pytest.approx(lift / 10)
