"""Records add up: verdicts, regret, and one page and picture of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.pairs.page import in_words, page
from benchmarks.pairs.picture import plot_pairs
from benchmarks.pairs.table import against, questions, totals


def source(loss: float, *difference: float, verdict: str = "tied") -> dict[str, Any]:
    metrics = {"log_loss": loss, "calibration_error": 0.02, "calibration_chance": 0.015, "calibration_slope": 1.1}
    return {"metrics": metrics, "seconds": 1.0, **({"difference": list(difference), "verdict": verdict} if difference else {})}


def record(task: str, model: float, rules: float, blend: float | None) -> dict[str, Any]:
    sources = {"model": source(model), "rules": source(rules, model - rules, -0.02, -0.001)}
    if blend is not None:
        sources["blend"] = source(blend, model - blend, 0.001, 0.02)
    question = {"target": "customer", "rows": 100, "base_rate": 0.11, "base_rate_before": 0.1, "sources": sources}
    return {"task": task, "origin": 1, "questions": [{**question, "coverage": {"groups": 4, "inside": 0.75}}]}


RECORDS = [record("one", 0.31, 0.32, 0.30), record("two", 0.20, 0.21, None)]
REFUSED = {"task": "three", "origin": 2, "refused": "Too little.\n  → Bring more.", "questions": []}


def test_verdicts_are_counted_where_a_peer_was_asked() -> None:
    rows = {row[0]: row[1:5] for row in against(questions(RECORDS))}
    assert rows == {"rules": [2, 2, 0, 0], "blend": [1, 0, 0, 1]}


def test_regret_is_against_the_best_other_source() -> None:
    found = totals(questions(RECORDS))
    assert found["worst_regret"] == pytest.approx(0.31 / 0.30 - 1)
    assert found["mean_regret"] == pytest.approx((0.31 / 0.30 - 1 + 0.20 / 0.21 - 1) / 2)
    assert (found["lowest_or_tied"], found["lowest"]) == (0.5, 0.5)
    assert (found["calm"], found["calibrated"], found["covered"]) == (2, 2, 0.75)


def test_page_and_picture(tmp_path: Path) -> None:
    text = page([*RECORDS, REFUSED], "Written today.", "quality.png")
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in tables} == {8, 10}
    assert "**0.3000** −" in text
    assert "0.3200 +" in text
    assert "- three/2: no training. Too little. → Bring more." in text
    assert "one/1 customer, blend" in in_words(questions(RECORDS))[0]
    plot_pairs(questions(RECORDS), tmp_path / "pairs.png")
    assert (tmp_path / "pairs.png").stat().st_size > 5_000
