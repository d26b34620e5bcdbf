"""Leads on which model and rules disagree most."""

from __future__ import annotations

from tests.trained import Trained
from training.evaluation.disagreements import disagreements, disagreements_in_words


def test_the_furthest_apart_come_first_and_each_lead_once(trained: Trained) -> None:
    table = disagreements(trained.prepared, trained.outcome.holdout)
    for higher, rows in table.groupby("who_is_higher"):
        gap = rows["rank_model"] - rows["rank_rules"]
        assert ((gap > 0) == (higher == "model")).all()
        assert (gap.abs().diff().dropna() < 0.25).all()  # ranks are rounded
        assert rows["lead_id"].is_unique


def test_it_holds_ids_and_nothing_personal(trained: Trained) -> None:
    table = disagreements(trained.prepared, trained.outcome.holdout)
    assert list(table.columns) == [
        "lead_id", "lead_stage", "as_of", "who_is_higher", "rank_model", "rank_rules", "p_model", "p_rules", "points", "became"
    ]  # fmt: skip


def test_words_count_who_was_right(trained: Trained) -> None:
    table = disagreements(trained.prepared, trained.outcome.holdout)
    right = int(table.loc[table["who_is_higher"] == "model", "became"].sum())
    assert f"ranked furthest above the rules, {right} became customer." in disagreements_in_words(table, "customer")[0]
