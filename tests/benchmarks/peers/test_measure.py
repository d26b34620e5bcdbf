"""All peers on a small training: the same landmarks, the same cut, one table and one picture of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers.categories import categories, numbers
from benchmarks.peers.measure import MODEL, Question, measure
from benchmarks.peers.picture import plot_forest
from benchmarks.peers.report import in_words, markdown, matrix
from benchmarks.peers.run import _examples, peers
from tests.trained import Trained

pytest.importorskip("flaml", reason="FLAML is not installed; `make setup-bench` installs it")


@pytest.fixture(scope="module")
def questions(trained: Trained) -> list[Question]:
    return measure("small", trained.outcome, seed=7)


def test_every_peer_answers_every_question(questions: list[Question]) -> None:
    for question in questions:
        assert {"rules", "logistic", "lightgbm-default", "odoo", "odoo, calibrated", "odoo+stage", "naive Bayes",
                "histogram boosting", "FLAML", "FLAML in time"} <= set(question.lines)  # fmt: skip
        assert all(np.isfinite(line.metrics["log_loss"]) for line in question.lines.values())


def test_model_and_rules_are_those_of_the_training(questions: list[Question], trained: Trained) -> None:
    for question in questions:
        for name in (MODEL, "rules"):
            assert question.lines[name].metrics == trained.outcome.results[name][question.name]


def test_the_mean_difference_is_that_of_the_log_losses(questions: list[Question]) -> None:
    for question in questions:
        mine = question.lines[MODEL].metrics["log_loss"]
        for line in question.lines.values():
            if line.against:
                assert line.against.mean == pytest.approx(mine - line.metrics["log_loss"], abs=1e-6)
                assert line.against.low <= line.against.mean <= line.against.high


def test_peers_learn_from_what_was_known_at_the_cut(trained: Trained) -> None:
    """The rows a chained peer is fitted on are the model's own: early ones, matured by the cut."""
    outcome = trained.outcome
    for peer in peers(outcome.prepared, outcome.holdout, seed=7):
        seen = []

        def look(rows: np.ndarray, seen: list[np.ndarray] = seen) -> np.ndarray:
            seen.append(rows)
            return np.zeros((len(rows), 1))

        known = outcome.prepared.labels(outcome.holdout.cut)
        _examples(outcome.prepared, replace(peer, view=look), 0, known, outcome.holdout)
        assert outcome.holdout.train_rows[seen[0]].all()
        assert known.matured[seen[0], 0].all()
        assert not np.isin(seen[0], outcome.holdout.rows).any()


def test_categories_and_numbers_share_no_column(trained: Trained) -> None:
    prepared = trained.prepared
    rows = np.arange(50)
    codes = categories(prepared, rows)
    assert codes.codes.shape == (50, len(codes.sizes))
    known = ~np.isnan(codes.codes)
    assert (codes.codes[known] < np.broadcast_to(codes.sizes, codes.codes.shape)[known]).all()
    assert "company.industry" in codes.names
    assert numbers(prepared, rows).shape[1] < prepared.width


def test_table_words_and_picture(questions: list[Question], tmp_path: Path) -> None:
    table = markdown(matrix(questions, {"small": 1.0}))
    assert len({line.count("|") for line in table}) == 1
    assert sum("**" in line for line in table)
    assert len(in_words(questions)) == sum(q.whole for q in questions)
    plot_forest([q for q in questions if q.whole], tmp_path / "forest.png")
    assert (tmp_path / "forest.png").stat().st_size > 10_000
