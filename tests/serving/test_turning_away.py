"""Turning away never raises a chance: by request and in a batch, in each learner and in the whole model."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from features.common.clock import DAY, microseconds, moment, timestamps
from features.dataset.dataset import Dataset
from features.engine.request import Interaction, RequestLead
from models.batch import score_open
from models.common.types import Examples
from models.learners.gbm import BinnedExamples, gbm_learner
from models.model import FunnelModel
from serving.scoring.request import read
from serving.scoring.scorer import Scorer
from tests.models.learners.worlds import linear_learner
from tests.serving.requests_from import open_at, payload
from tests.trained import Trained

ACTS = ("unsubscribed", "email_unsubscribed", "Hard Bounce", "Spam-Beschwerde", "kein Interesse", "rejected_by_sales")
DIRECTIONS = ("in", "out", None)
LEADS = 150
EXACT = 1e-12


@pytest.fixture(scope="module")
def leads(trained: Trained, dataset: Dataset) -> tuple[list[RequestLead], int]:
    """Open leads of all lead stages with their histories, at a moment when many were open."""
    as_of = moment(dataset.extracted_at) - 60 * DAY
    histories, looks = open_at(trained.model, dataset, as_of)
    rows = np.random.default_rng(4).permutation(len(looks))[:LEADS]
    body = {
        "as_of": datetime.fromtimestamp(as_of / 1e6, UTC).isoformat(),
        "leads": payload(trained.model, dataset, histories, looks, rows),
    }
    parsed = read(json.dumps(body).encode(), trained.model.funnel, datetime.now(UTC))
    assert len({lead.stage for lead in parsed.leads}) == len(trained.model.funnel.open_stages)
    return parsed.leads, as_of


def after_turning_away(lead: RequestLead, as_of: int, random: np.random.Generator) -> RequestLead:
    """The same lead that turned away once to three times between its creation and `as_of`, most often just before."""
    acts = [
        Interaction(
            ACTS[random.integers(len(ACTS))],
            as_of - 1 if random.random() < 0.5 else int(random.integers(lead.created, as_of)),
            DIRECTIONS[random.integers(3)],
            float(random.integers(9)),
            "newsletter",
        )
        for _ in range(random.integers(1, 4))
    ]
    return replace(lead, interactions=[*lead.interactions, *acts])


def chances(model: FunnelModel, leads: list[RequestLead], as_of: int) -> tuple[np.ndarray, np.ndarray]:
    """P(each lead stage), directly and along the way (leads, 2 × targets), and how long they were quiet."""
    scored = Scorer(model).scored(leads, as_of)
    columns = model.packed.columns
    row = scored.numbers.row
    return np.hstack((row[:, columns["conditional"]], row[:, columns["probability"]])), row[:, columns["days_quiet"]]


@pytest.mark.parametrize("seed", range(4))
def test_by_request_turning_away_raises_nobody(trained: Trained, leads: tuple[list[RequestLead], int], seed: int) -> None:
    people, as_of = leads
    random = np.random.default_rng(seed)
    before, quiet = chances(trained.model, people, as_of)
    changed = [after_turning_away(lead, as_of, random) for lead in people]
    after, still_quiet = chances(trained.model, changed, as_of)
    rises = np.argwhere(after > before + EXACT)
    assert not len(rises), [(people[i].lead_id, after[i, j], before[i, j], changed[i].interactions[-3:]) for i, j in rises[:3]]
    assert np.array_equal(quiet, still_quiet, equal_nan=True), "nobody was active by it"


def test_one_kind_lowers_somebody(trained: Trained, leads: tuple[list[RequestLead], int]) -> None:
    """It is learned from, not only left out."""
    people, as_of = leads
    acts = [Interaction("unsubscribed", as_of - 1, "in")]
    before, _ = chances(trained.model, people, as_of)
    after, _ = chances(trained.model, [replace(x, interactions=[*x.interactions, *acts]) for x in people], as_of)
    assert (after < before - 1e-6).any()


def test_in_a_batch_turning_away_raises_nobody_and_what_a_request_says_is_the_same(trained: Trained, dataset: Dataset) -> None:
    model, at = trained.model, dataset.extracted_at - pd.Timedelta(days=60)
    as_of, random = moment(at), np.random.default_rng(1)
    created = dict(zip(dataset.leads["lead_id"], microseconds(dataset.leads["created_at"]).tolist(), strict=True))
    base = score_open(model, dataset, at).set_index("lead_id")
    ids = base.index[:: max(len(base) // LEADS, 1)].to_numpy(object)
    begin = np.array([created[lead] for lead in ids], np.int64)
    acts = pd.DataFrame(
        {
            "lead_id": ids,
            "type": random.choice(ACTS, len(ids)),
            "at": timestamps(begin + ((as_of - begin) * random.random(len(ids))).astype(np.int64)),
            "direction": random.choice(["in", "out"], len(ids)),
        }
    )
    rows = pd.concat([dataset.interactions.astype({"lead_id": "str", "type": "str", "direction": "str"}), acts])
    more = Dataset.from_tables({**dataset.tables, "interactions": rows}, extracted_at=dataset.extracted_at)
    after = score_open(model, more, at).set_index("lead_id").loc[base.index]
    for target in model.funnel.targets:
        column = f"p_{target}"
        if column in base:
            assert not (after[column] > base[column] + EXACT).any()
    assert (after["points"] <= base["points"]).all()
    strangers = ~base.index.isin(ids)
    assert after.loc[strangers, "p_customer"].equals(base.loc[strangers, "p_customer"]), "colleagues, too, stay what they were"


@pytest.mark.parametrize("target", [0, 1, 2])
def test_each_learner_keeps_to_it(trained: Trained, target: int) -> None:
    prepared = trained.prepared
    labels = prepared.labels(prepared.extracted_at)
    examples = prepared.examples(target, labels, np.ones(len(prepared.looks), bool))
    more = _more(examples)
    linear = linear_learner(examples, 0.2)
    gbm = gbm_learner(BinnedExamples(examples), {}, trees=40)
    for learner in (linear, gbm, trained.model.transitions[target]):
        assert (learner.margin(more) <= learner.margin(examples.x) + EXACT).all()
        parts = learner.contributions(more)
        assert parts.sum(axis=1) == pytest.approx(learner.margin(more), abs=1e-8)


def _more(examples: Examples) -> np.ndarray:
    """The same rows with more of what may only lower, and fewer of what may only raise."""
    assert examples.signs is not None
    assert {-1, 1} <= set(examples.signs.tolist())
    random = np.random.default_rng(3)
    amount = random.integers(0, 3, examples.x.shape) * random.random(examples.x.shape)
    scale = np.where(examples.signs > 0, 30.0, 1.0)
    return (examples.x - examples.signs * scale * amount).astype(np.float32)
