"""A request gives the numbers of the batch, to the last bit of the features: one engine, no second implementation."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from features.common.clock import DAY, moment
from features.dataset.dataset import Dataset
from features.engine.build import build
from features.engine.request import request_rows
from models.batch import score_open
from serving.scoring.request import read
from serving.scoring.scorer import Scorer
from tests.serving.requests_from import open_at, payload
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
