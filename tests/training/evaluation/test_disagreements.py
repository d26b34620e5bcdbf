"""Leads on which model and rules disagree most."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from features.common.clock import timestamps
from features.dataset.dataset import Dataset
from models.rules.rules import Rules
from training.common.config import Config
from training.data.prepare import Prepared, prepare
from training.evaluation.disagreements import COLUMNS, disagreements, disagreements_in_words, furthest_apart

RANKERS = ("model", "rules")


@pytest.fixture(scope="module")
def prepared(dataset: Dataset) -> Prepared:
    """The landmarks of the simulated CRM with the features of the rules alone: nothing is fitted."""
    config = Config.model_validate({
        "name": "small",
        "dataset": "set",
        "funnel": {
            "stages": ["lead", "mql", "sql", "customer"],
            "exits": ["disqualified", "lost"],
            "horizons": {"mql": 30, "sql": 45, "customer": 90},
        },
    })  # fmt: skip
    return prepare(dataset, config, config.funnel.build(), Rules.read(), rules_only=True)


@pytest.fixture(scope="module")
def holdout(prepared: Prepared) -> Any:
    """The later half of the landmarks, with probabilities by chance: some are equal, as those of rules are."""
    random = np.random.default_rng(5)
    rows = np.flatnonzero(prepared.looks.as_of > np.median(prepared.looks.as_of))
    probability = {name: np.round(random.random((len(rows), len(prepared.funnel.targets))), 2) for name in RANKERS}
    return SimpleNamespace(
        rows=rows, labels=prepared.labels(prepared.extracted_at).take(rows), probability=probability
    )  # fmt: skip


def percentile(values: list[float], value: float) -> float:
    """By counting: those below, and half of those that are equal."""
    return 100 * (sum(v < value for v in values) + sum(v == value for v in values) / 2) / len(values)


def test_the_furthest_apart_come_first_and_each_lead_once(prepared: Prepared, holdout: Any) -> None:
    table = disagreements(prepared, holdout)
    assert set(table["who_is_higher"]) == set(RANKERS)
    for higher, rows in table.groupby("who_is_higher"):
        gap = rows["rank_model"] - rows["rank_rules"]
        assert ((gap > 0) == (higher == "model")).all()
        assert (gap.abs().diff().dropna() < 0.25).all()  # ranks are rounded
        assert rows["lead_id"].is_unique
        assert len(rows) == 50


def test_each_row_is_a_landmark_that_has_matured_with_ranks_among_all_of_them(prepared: Prepared, holdout: Any) -> None:
    matured = holdout.labels.matured[:, -1]
    values = {name: holdout.probability[name][matured, -1].tolist() for name in RANKERS}
    ids = prepared.histories.leads["lead_id"].to_numpy(object)
    for row in itertools.chain.from_iterable(furthest_apart(prepared, holdout).values()):
        landmark = holdout.rows[row.row]
        assert matured[row.row]
        assert row.lead_id == ids[prepared.looks.lead[landmark]]
        assert row.as_of == timestamps(prepared.looks.as_of[[landmark]])[0].strftime("%Y-%m-%d")
        assert row.became == holdout.labels.reached[row.row, -1]
        for name in RANKERS:
            chance = float(holdout.probability[name][row.row, -1])
            assert getattr(row, f"p_{name}") == chance
            assert abs(getattr(row, f"rank_{name}") - percentile(values[name], chance)) <= 0.051


def test_it_holds_ids_and_nothing_personal(prepared: Prepared, holdout: Any) -> None:
    assert list(disagreements(prepared, holdout).columns) == COLUMNS
    assert COLUMNS == [
        "lead_id", "lead_stage", "as_of", "who_is_higher", "rank_model", "rank_rules", "p_model", "p_rules", "points", "became"
    ]  # fmt: skip


def test_words_count_who_was_right(prepared: Prepared, holdout: Any) -> None:
    table = disagreements(prepared, holdout)
    right = int(table.loc[table["who_is_higher"] == "model", "became"].sum())
    words = disagreements_in_words(table, "customer")[0]
    assert f"Of the 50 leads that the model ranked furthest above the rules, {right} became customer." == words
