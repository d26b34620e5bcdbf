"""A lead of the store is the lead of the batch: the same features to the last bit, the same scores, at every moment."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path as FilePath

import numpy as np
import pandas as pd
import pytest

from features.common.clock import DAY, moment
from features.dataset.dataset import Dataset
from features.engine.build import build
from features.engine.request import request_rows
from models.batch import score_open
from models.decision.recommend import Action
from serving.scoring.scorer import Scorer
from serving.store.export import export
from serving.store.lead_reads import read
from serving.store.load import load
from serving.store.score_writes import model_id, save_scores
from serving.store.scoring import StoredScorer
from serving.store.store import Store
from tests.serving.requests_from import open_at
from tests.trained import Trained


@pytest.fixture(scope="module")
def batch_scores(trained: Trained, dataset: Dataset) -> Callable[[int], pd.DataFrame]:
    """What the batch says of all open leads so many days before the extraction."""
    return cache(lambda days: score_open(trained.model, dataset, dataset.extracted_at - pd.Timedelta(days=days)))


@pytest.mark.parametrize("days_ago", [0, 400])
def test_features_and_scores_equal_those_of_the_batch(
    loaded: Store, trained: Trained, dataset: Dataset, days_ago: int, batch_scores: Callable[[int], pd.DataFrame]
) -> None:
    store, model, as_of = loaded, trained.model, moment(dataset.extracted_at) - days_ago * DAY
    histories, looks = open_at(model, dataset, as_of)
    ids = histories.leads["lead_id"].to_numpy(object)[looks.lead]
    batch = build(model.plan, model.feature_set.encoders, histories, looks)
    with store.read() as connection:
        found = read(connection, model.funnel, dataset.leads["lead_id"].tolist(), as_of)
    assert {name for name, person in found.people.items() if person.status == "open"} == set(ids)
    people = list(found.people.values())
    rows = request_rows(model.plan, model.feature_set.encoders, [p.live for p in people], as_of, mail=model.feature_set.mail)
    place = {person.live.lead_id: i for i, person in enumerate(people)}
    mine = rows[:, [place[name] for name in ids]]
    names = [*model.feature_set.names, *(f.name for f in model.plan.features[len(model.feature_set.features) :])]
    wrong = [n for n, a, b in zip(names, mine, batch, strict=True) if not np.array_equal(a, b, equal_nan=True)]
    assert wrong == []
    subjects, others = found.to_score(found.people)
    scored = Scorer(model).scored(subjects, as_of, context=others)
    table = batch_scores(days_ago).set_index("lead_id")
    table = table.loc[[lead.lead_id for lead in subjects]]
    assert len(table) > 100
    np.testing.assert_allclose(scored.by_target("probability")[:, -1], table["p_customer"], rtol=1e-9)
    assert scored.score.tolist() == table["score"].tolist()
    assert scored.grade == table["grade"].tolist()
    assert [advice.action for advice in scored.advice] == table["action"].tolist()
    assert [advice.why for advice in scored.advice] == table["why"].tolist()
    np.testing.assert_allclose(scored.number("points"), table["points"], rtol=1e-12)


def test_a_lead_asked_for_alone_comes_with_its_whole_account(
    loaded: Store, trained: Trained, dataset: Dataset, batch_scores: Callable[[int], pd.DataFrame]
) -> None:
    """As in the batch, whose account holds everybody."""
    store, model, as_of = loaded, trained.model, moment(dataset.extracted_at)
    table = batch_scores(0).set_index("lead_id")
    groups = dataset.leads.groupby("company_id")["lead_id"].agg(list)
    name = next(lead for people in groups if len(people) > 3 for lead in people if lead in table.index)
    with store.read() as connection:
        subjects, others = read(connection, model.funnel, [name], as_of).to_score([name])
    assert len(others) >= 3
    scored = Scorer(model).scored(subjects, as_of, context=others)
    assert scored.by_target("probability")[0, -1] == pytest.approx(table.loc[name, "p_customer"], rel=1e-9)


@pytest.mark.parametrize("loaded", ["sqlite"], indirect=True)
def test_the_recommendation_memory_is_that_of_the_batch(
    loaded: Store, tmp_path: FilePath, trained: Trained, dataset: Dataset, batch_scores: Callable[[int], pd.DataFrame]
) -> None:
    """`make score PREVIOUS=…` and the history of the store say the same."""
    with closing(sqlite3.connect(str(loaded.url.database), isolation_level=None)) as original:
        original.execute("VACUUM INTO ?", (str(tmp_path / "leads.db"),))
    store = Store.from_address(f"sqlite:///{tmp_path / 'leads.db'}")
    store.open()
    model, now = trained.model, moment(dataset.extracted_at)
    before = now - 30 * DAY
    stored = StoredScorer(Scorer(model))
    with store.read() as connection:
        found = read(connection, model.funnel, dataset.leads["lead_id"].tolist(), before)
    subjects, others = found.to_score(found.people)
    rows = stored.rows(subjects, others, before, [False] * len(subjects))
    store.write(lambda c: save_scores(c, rows, model_id(c, stored), before, before))
    told: dict[str, tuple[Action, pd.Timestamp]] = {
        row["lead_id"]: (row["action"], pd.Timestamp(before, unit="us", tz="UTC")) for row in rows
    }
    table = score_open(model, dataset, dataset.extracted_at, previous=told).set_index("lead_id")
    forgetful = batch_scores(0).set_index("lead_id")
    assert (table["action"] != forgetful["action"].reindex(table.index)).any()
    with store.read() as connection:
        found = read(connection, model.funnel, dataset.leads["lead_id"].tolist(), now)
    subjects, others = found.to_score(found.people)
    scored = stored.scorer.scored(subjects, now, context=others)
    said = {lead.lead_id: advice.action for lead, advice in zip(subjects, scored.advice, strict=True)}
    assert said == table["action"].to_dict()


def test_a_dataset_that_went_through_the_store_is_the_same(
    loaded: Store, trained: Trained, dataset: Dataset, batch_scores: Callable[[int], pd.DataFrame]
) -> None:
    """Training reads from the store what it would have read without it; loading again adds nothing."""
    assert sum(load(loaded, dataset).values()) == 0
    back = export(loaded, moment(dataset.extracted_at))
    assert {name: len(table) for name, table in back.tables.items()} == {n: len(t) for n, t in dataset.tables.items()}
    assert back.extracted_at == dataset.extracted_at
    for days in (0, 200):
        at = dataset.extracted_at - pd.Timedelta(days=days)
        pd.testing.assert_frame_equal(score_open(trained.model, back, at), batch_scores(days), rtol=1e-9)
