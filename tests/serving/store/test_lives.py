"""One history by every road: what a plain walk through a lead's past says is what batch, store, work list and request do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.dataset.dataset import Dataset
from models.batch import score_open
from serving.scoring.request import microseconds, time_of
from serving.store.load import load
from tests.features.dataset.lives import FUNNEL, START, STEP, History, standing, tables
from tests.serving.store.world import World

AS_OF = START + 61 * STEP


def lives(count: int) -> list[tuple[int, History]]:
    """Random histories of up to nine changes each."""
    source = np.random.default_rng(7)
    names = [*FUNNEL.stages, *FUNNEL.exits]
    return [
        (
            START + int(source.integers(40)) * STEP,
            [(str(source.choice(names)), START + int(source.integers(61)) * STEP) for _ in range(source.integers(10))],
        )
        for _ in range(count)
    ]


@pytest.fixture
def people() -> list[tuple[int, History]]:
    return lives(60)


def dataset(people: list[tuple[int, History]]) -> Dataset:
    leads, stages = tables(people)
    extracted_at = pd.Timestamp(AS_OF, unit="us", tz="UTC")
    return Dataset.from_tables({"leads": leads, "lead_stages": stages}, extracted_at=extracted_at)


def test_batch_store_work_list_and_request_agree_with_a_plain_walk(world: World, people: list[tuple[int, History]]) -> None:
    assert world.scorer is not None
    model = world.scorer.model
    assert model.funnel.stages == FUNNEL.stages
    truth = {str(i): standing(created, history, AS_OF) for i, (created, history) in enumerate(people)}
    right = {name: FUNNEL.stages[s.stage] for name, s in truth.items() if s is not None and s.open}
    assert 10 < len(right) < 50
    batch = score_open(model, dataset(people), pd.Timestamp(AS_OF, unit="us", tz="UTC"), threads=1).set_index("lead_id")
    assert batch["lead_stage"].to_dict() == right
    load(world.store, dataset(people))
    world.now = time_of(AS_OF)
    world.score_all()
    listed = {row["lead_id"]: row for row in world.get("/v1/leads", limit=500)["rows"]}
    assert {name: row["lead_stage"] for name, row in listed.items()} == right
    sent = [
        {
            "lead_id": name, "lead_stage": s.left_by or FUNNEL.stages[s.stage],
            "created_at": time_of(people[int(name)][0]).isoformat(), "lead_stage_since": time_of(s.since).isoformat(),
        }
        for name, s in truth.items() if s is not None
    ]  # fmt: skip
    answer = world.client.post("/v1/score", json={"as_of": time_of(AS_OF).isoformat(), "leads": sent}).json()["results"]
    scored = {result["lead_id"]: result for result in answer if result["status"] not in ("closed", "invalid")}
    assert set(scored) == set(right)
    for name, result in scored.items():
        chance = batch.loc[name, f"p_{model.funnel.final}"]
        assert result["probabilities"][model.funnel.final]["value"] == pytest.approx(chance, abs=1e-6)
        assert listed[name]["chance"] == pytest.approx(chance, abs=1e-6)


def test_what_is_put_one_by_one_is_what_is_loaded_at_once(world: World) -> None:
    """PUTs of changes in the order of time, as an application sends them."""
    people = [
        (created, sorted(((n, max(at, created + 1)) for n, at in history), key=lambda c: c[1]))
        for created, history in lives(25)
    ]
    for number, (created, history) in enumerate(people):
        world.put(str(number), {"created_at": time_of(created).isoformat()})
        for name, at in history:
            world.put(str(number), {"lead_stage": name, "lead_stage_since": time_of(at).isoformat()})
    world.now = time_of(AS_OF)
    world.score_all()
    listed = {row["lead_id"]: row["lead_stage"] for row in world.get("/v1/leads", limit=500)["rows"]}
    truth = {str(i): standing(created, history, microseconds(world.now)) for i, (created, history) in enumerate(people)}
    assert listed == {name: FUNNEL.stages[s.stage] for name, s in truth.items() if s is not None and s.open}
