"""A request gives the numbers of the batch, to the last bit of the features: one engine, no second implementation."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import select

from features.common.clock import DAY, moment
from features.dataset.dataset import Dataset
from features.dataset.landmarks import Path as LeadPath
from features.dataset.landmarks import landmarks
from features.engine.build import build
from features.engine.histories import Histories
from features.engine.request import request_rows
from models.batch import score_open, scoring_input
from models.model import FunnelModel
from models.score import predict
from serving.scoring.request import microseconds, read
from serving.scoring.scorer import Scorer
from serving.scoring.what_if import what_if
from serving.store.load import load as load_store
from serving.store.rescoring import Refresher
from serving.store.store import Store
from serving.store.tables import current_scores
from tests.connectors.files.test_load import load
from tests.serving.requests_from import open_at, payload
from tests.tiny import tiny_model
from tests.trained import Trained


@pytest.fixture(scope="module")
def request_and_rows(trained: Trained, dataset: Dataset):  # type: ignore[no-untyped-def]
    """All people of some accounts with open leads, as a request and as rows of the batch."""
    model = trained.model
    as_of = moment(dataset.extracted_at) - 60 * DAY
    histories, looks = open_at(model, dataset, as_of)
    account = histories.account[looks.lead]
    # accounts all of whose known people are open, so that a request can carry the whole buying group
    size, open_size = np.bincount(histories.account), np.bincount(account, minlength=int(histories.account.max()) + 1)
    rows = np.flatnonzero((size == open_size)[account])[:150]
    leads = payload(model, dataset, histories, looks, rows)
    body = json.dumps({"as_of": datetime.fromtimestamp(as_of / 1e6, UTC).isoformat(), "leads": leads}).encode()
    return histories, looks, rows, body


def test_features_of_a_request_equal_those_of_the_batch(trained: Trained, request_and_rows) -> None:  # type: ignore[no-untyped-def]
    histories, looks, rows, body = request_and_rows
    model = trained.model
    parsed = read(body, model.funnel, datetime.now(UTC))
    assert len(parsed.leads) == len(rows) >= 50
    live = request_rows(model.plan, model.feature_set.encoders, parsed.leads, parsed.as_of, mail=model.feature_set.mail)
    batch = build(model.plan, model.feature_set.encoders, histories, looks)[:, rows]
    names = [*model.feature_set.names, *(f.name for f in model.plan.features[len(model.feature_set.features) :])]
    wrong = [n for n, a, b in zip(names, live, batch, strict=True) if not np.array_equal(a, b, equal_nan=True)]
    assert wrong == []


def test_a_lead_alone_scores_as_in_company_of_strangers(trained: Trained, request_and_rows) -> None:  # type: ignore[no-untyped-def]
    _, _, _, body = request_and_rows
    scorer = Scorer(trained.model)
    parsed = read(body, trained.model.funnel, datetime.now(UTC))
    together = scorer.score(parsed.leads, parsed.as_of)
    lonely = [i for i, lead in enumerate(parsed.leads) if lead.company_id is None][:10]
    assert lonely
    for i in lonely:
        (alone,) = scorer.score([parsed.leads[i]], parsed.as_of)
        # sums over more rows are added in another order, so reasons may differ in the last bits
        assert alone.model_dump(exclude={"reasons", "explanation"}) == together[i].model_dump(
            exclude={"reasons", "explanation"}
        )
        for mine, theirs in zip(alone.reasons or [], together[i].reasons or [], strict=True):
            assert mine.label == theirs.label
            assert mine.effect == pytest.approx(theirs.effect, abs=1e-9)


def test_probabilities_of_a_request_equal_make_score(trained: Trained, dataset: Dataset, request_and_rows) -> None:  # type: ignore[no-untyped-def]
    _histories, _, _, body = request_and_rows
    parsed = read(body, trained.model.funnel, datetime.now(UTC))
    results = {r.lead_id: r for r in Scorer(trained.model).score(parsed.leads, parsed.as_of)}
    table = score_open(trained.model, dataset, pd.Timestamp(parsed.as_of, unit="us", tz="UTC")).set_index("lead_id")
    shared = [lead for lead in results if lead in table.index]
    assert len(shared) >= 40  # leads that have opted out are in neither
    for lead in shared:
        result, row = results[lead], table.loc[lead]
        assert result.probabilities is not None
        assert result.probabilities["customer"].value == pytest.approx(row["p_customer"], abs=1e-6)
        assert result.score == row["score"]
        assert result.grade == row["grade"]
        assert result.rules is not None
        assert result.rules.points == pytest.approx(row["points"])
        assert result.recommendation is not None
        assert result.recommendation.action == row["action"]


FLAT = """
leads:
  file: l.csv
  columns: {lead_id: id, created_at: came, registered: signed_up}
  outcome: {column: won, yes: 1, no: 0}
"""
ENDS = datetime(2027, 8, 1, tzinfo=UTC)  # when an application asks, long after the newest row


def test_without_dates_of_outcomes_a_lead_scores_as_it_came_by_every_road(tmp_path: Path) -> None:
    """Leads of known outcomes as training's held-out rows; the same ones, outcome unknown, from a file, by request and from
    the lead store. The day a lead registered is counted from its coming, whenever it is asked about."""
    model = replace(tiny_model(), dated=False)
    random = np.random.default_rng(5)
    came = pd.Timestamp("2025-03-01") + pd.to_timedelta(np.sort(random.integers(0, 400, 60)), unit="D")
    signed_up = came - pd.to_timedelta(random.integers(0, 900, 60), unit="D")
    leads = pd.DataFrame({"id": [f"L{i}" for i in range(60)], "came": came, "signed_up": signed_up, "won": np.arange(60) % 2})
    for folder, outcomes in (("known", leads["won"]), ("asked", "")):
        (tmp_path / folder).mkdir()
        leads.assign(won=outcomes).to_csv(tmp_path / folder / "l.csv", index=False)
    known, asked = (load(tmp_path / folder, FLAT, model.funnel)[0] for folder in ("known", "asked"))

    histories = Histories.from_dataset(known, model.feature_set.types, model.feature_set.mail)
    path = LeadPath.from_tables(histories.leads, known.lead_stages, model.funnel)
    looks = landmarks(path, moment(known.extracted_at), (0.0,), ended_only=True)
    chance = predict(model, scoring_input(model, histories, looks)).probability[:, -1]
    held_out = dict(zip(histories.leads["lead_id"].to_numpy(object)[looks.lead], chance, strict=True))
    assert len(held_out) == 60
    assert len(set(chance.tolist())) >= 5, "the day counts"

    table = score_open(model, asked, asked.extracted_at).set_index("lead_id")["p_customer"]
    at_once = [{"lead_id": row.id, "lead_stage": "lead", "created_at": row.came.isoformat() + "Z",
                "attributes": {"registered": row.signed_up.isoformat()}} for row in leads.itertuples()]  # fmt: skip
    parsed = read(json.dumps({"leads": at_once}).encode(), model.funnel, ENDS)
    by_request = {r.lead_id: r for r in Scorer(model).score(parsed.leads, parsed.as_of)}
    stored = _stored_chances(model, asked, tmp_path)
    for lead, chance in held_out.items():
        assert table[lead] == pytest.approx(chance, abs=1e-9)
        assert by_request[lead].probabilities["customer"].value == pytest.approx(chance, abs=1e-6)
        assert stored[lead] == pytest.approx(chance, abs=1e-9)


def test_what_a_lead_did_after_it_came_is_said_not_to_count_without_dates() -> None:
    model = replace(tiny_model(), dated=False)
    lead = {"lead_id": "a", "lead_stage": "lead", "created_at": "2026-01-01T00:00:00Z"}
    acts = [{"type": "page_view", "at": "2026-02-01T00:00:00Z"}]
    parsed = read(json.dumps({"leads": [lead, {**lead, "lead_id": "b", "interactions": acts}]}).encode(), model.funnel, ENDS)
    silent, active = Scorer(model).score(parsed.leads, parsed.as_of)
    assert silent.score == active.score
    assert "what it did since does not count" in " ".join(active.warnings)
    assert "does not count" not in " ".join(silent.warnings)


def test_without_dates_what_if_says_that_nothing_it_tries_moves_the_chance() -> None:
    """Every interaction and ninety days of silence gave the same chance, without a word."""
    lead = {"lead_id": "a", "lead_stage": "lead", "created_at": "2026-01-01T00:00:00Z"}
    for dated in (True, False):
        model = replace(tiny_model(), dated=dated)
        parsed = read(json.dumps({"leads": [lead]}).encode(), model.funnel, ENDS)
        answer = what_if(Scorer(model), parsed.leads[0], [], parsed.as_of, [], "en")
        assert bool(answer.warnings) is not dated
    assert {change.chance for change in answer.changes} == {answer.chance}
    assert "neither what it does nor time moves its chance" in answer.warnings[0]


def _stored_chances(model: FunnelModel, dataset: Dataset, folder: Path) -> dict[str, float]:
    store = Store.from_address(f"sqlite:///{folder / 'leads.db'}")
    store.open()
    try:
        load_store(store, dataset)
        scorer = Scorer(model)
        refresher = Refresher(store, lambda: scorer, lambda: microseconds(ENDS))
        while refresher.work():
            pass
        with store.read() as connection:
            return dict(connection.execute(select(current_scores.c.lead_id, current_scores.c.chance)).all())
    finally:
        store.close()
