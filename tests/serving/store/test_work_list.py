"""The work list: newest scores of open leads, sorted, filtered, page by page, as CSV, each ready to be scored again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from features.dataset.dataset import Dataset
from serving.api.app import create_app
from serving.scoring.scorer import Scorer
from serving.store.store import Store
from tests.serving.store.world import CREATED, World, event
from tests.trained import Trained


@pytest.fixture(scope="module")
def client(trained: Trained, dataset: Dataset, listed: Store) -> Iterator[TestClient]:
    scorer, now = Scorer(trained.model), dataset.extracted_at.to_pydatetime()
    with TestClient(create_app(lambda: scorer, lambda: now, store=lambda: listed), raise_server_exceptions=False) as client:
        yield client


def rows(client: TestClient, **asked: Any) -> list[dict[str, Any]]:
    answer = client.get("/v1/leads", params={"limit": 500, **asked})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["rows"]
    return found


def test_sure_hand_overs_come_first_then_close_calls_each_by_worth(client: TestClient) -> None:
    """Sales takes the list from the top down; with room left it comes to those on hold."""
    found = rows(client)
    tier = [1 if r["action"] == "hold" or r["status"] == "uncertain" else 0 if r["action"] == "hand_over" else 2 for r in found]
    assert tier == sorted(tier)
    assert set(tier) == {0, 1, 2}
    for one in (0, 1, 2):
        worth = [r["expected_value"] for r, mine in zip(found, tier, strict=True) if mine == one]
        assert worth == sorted(worth, reverse=True)


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ({"action": "nurture"}, lambda r: r["action"] == "nurture"),
        ({"lead_stage": "mql"}, lambda r: r["lead_stage"] == "mql"),
        ({"grade": "A1"}, lambda r: r["grade"] == "A1"),
        ({"min_score": "90"}, lambda r: r["score"] >= 90),
    ],
)
def test_a_filter_leaves_all_that_fits_and_nothing_else(client: TestClient, asked: dict[str, str], fits: Any) -> None:
    everything = client.get("/v1/leads", params={"limit": 0}).json()["total"]
    found = rows(client, **asked)
    assert found
    assert all(fits(r) for r in found)
    assert client.get("/v1/leads", params=asked).json()["total"] < everything


def test_sorting_and_paging(client: TestClient) -> None:
    points = [r["points"] for r in rows(client, sort="-points")]
    assert points == sorted(points, reverse=True)
    page = client.get("/v1/leads", params={"sort": "lead_id", "limit": 3, "offset": 2}).json()["rows"]
    assert [r["lead_id"] for r in page] == sorted(r["lead_id"] for r in rows(client, sort="lead_id"))[2:5]


@pytest.mark.parametrize(
    ("asked", "detail"),
    [
        ({"sort": "scor"}, "did you mean 'score'"),
        ({"lead_stag": "mql"}, "did you mean 'lead_stage'"),
        ({"limit": "many"}, "limit must be a whole number from 0 on"),
        ({"offset": "-1"}, "offset must be a whole number from 0 on"),
        ({"limit": "0.6"}, "limit must be a whole number"),
        ({"offset": "1e-3"}, "offset must be a whole number"),
        ({"min_score": "nan"}, "min_score must be a number"),
    ],
)
def test_a_wrong_parameter_is_named(client: TestClient, asked: dict[str, str], detail: str) -> None:
    answer = client.get("/v1/leads", params=asked)
    assert answer.status_code == 422
    assert detail in answer.json()["detail"]


def test_what_a_form_left_empty_is_as_if_it_were_not_there(client: TestClient) -> None:
    usual = client.get("/v1/leads").json()
    names = ("sort", "action", "lead_stage", "grade", "min_score", "q", "limit", "offset")
    assert client.get("/v1/leads", params=dict.fromkeys(names, "")).json() == usual


@pytest.mark.parametrize(
    "path", ["/v1/leads?sort=scor", "/v1/leads?srot=score", "/v1/leads?limit=x", "/v1/leads?sort=a&sort=b"]
)
def test_the_field_of_a_refusal_is_a_pointer(client: TestClient, path: str) -> None:
    assert client.get(path).json()["field"] == "/" + path.partition("?")[2].partition("=")[0]


def test_a_parameter_that_stands_twice_is_refused(client: TestClient) -> None:
    answer = client.get("/v1/leads?q=a&q=b")
    assert (answer.status_code, answer.json()["detail"]) == (422, "'q' is given more than once.")


def test_every_lead_scores_in_a_request_as_it_stands_in_the_list(client: TestClient) -> None:
    """Colleagues are sent with it, closed ones too; what list and request say is the same to the last digit shown."""
    with_colleagues = 0
    for row in [*rows(client, limit=25), *rows(client, sort="chance", limit=25)]:
        body = client.get(f"/v1/leads/{row['lead_id']}").json()
        with_colleagues += len(body["leads"]) > 1
        result = client.post("/v1/score", json=body).json()["results"][0]
        assert result["lead_id"] == row["lead_id"]
        assert result["probabilities"]["customer"]["value"] == pytest.approx(row["chance"], abs=2e-6)
        assert result["rules"]["points"] == pytest.approx(row["points"], abs=0.01)
        assert (result["score"], result["grade"]) == (row["score"], row["grade"])
        assert result["recommendation"]["action"] == row["action"]
        assert result["recommendation"]["why"] == row["why"]
        assert result["expected_value"] == pytest.approx(row["expected_value"], abs=0.02)
    assert with_colleagues > 5


def test_the_csv_has_the_same_rows(client: TestClient) -> None:
    answer = client.get("/v1/leads.csv", params={"action": "hand_over", "limit": 1})
    assert answer.headers["content-type"].startswith("text/csv")
    found = list(csv.DictReader(io.StringIO(answer.text)))
    assert [r["lead_id"] for r in found] == [r["lead_id"] for r in rows(client, action="hand_over")]


def test_no_opted_out_or_closed_lead_is_in_it(client: TestClient, dataset: Dataset) -> None:
    out = set(dataset.leads.loc[dataset.leads["opted_out"].fillna(False), "lead_id"])
    closed = set(dataset.lead_stages.loc[dataset.lead_stages["lead_stage"] == "customer", "lead_id"])
    assert out
    assert closed
    assert not (out | closed) & {r["lead_id"] for r in rows(client)}


def test_an_unknown_lead_is_not_found(client: TestClient) -> None:
    answer = client.get("/v1/leads/nobody")
    assert answer.status_code == 404
    assert "'nobody'" in answer.json()["detail"]
    assert client.get("/v1/leads/..%2F..%2Fetc%2Fpasswd").status_code == 404


def test_a_list_of_nobody_is_empty_and_no_error(world: World) -> None:
    found = world.get("/v1/leads")
    assert (found["rows"], found["total"], found["as_of"]) == ([], 0, "")
    assert world.client.get("/v1/leads.csv").text.splitlines()[0].startswith("rank,lead_id,")


def test_a_spreadsheet_runs_nothing_and_an_id_is_found_in_any_case(world: World) -> None:
    for name in ("=cmd|' /C calc'!A0", "ÄRZTEHAUS-7"):
        assert world.put(name).status_code == 201
    world.score_all()
    assert ",'=cmd" in world.client.get("/v1/leads.csv").text
    assert [row["lead_id"] for row in world.get("/v1/leads", q="ärzteHAUS")["rows"]] == ["ÄRZTEHAUS-7"]


def test_the_list_is_fresh_sorted_filtered_and_paged(world: World) -> None:
    for number in range(6):
        world.put(f"L-{number}", {"created_at": CREATED, "lead_stage": "mql" if number % 2 else "lead"})
        for act in range(number):
            world.happened(event(f"{number}-{act}", f"L-{number}", at=f"2026-06-{10 + act}T10:00:00Z"))
    world.score_all()
    found = world.get("/v1/leads", sort="-points")
    assert found["total"] == 6
    assert found["waiting"] == 0
    assert [row["points"] for row in found["rows"]] == sorted((r["points"] for r in found["rows"]), reverse=True)
    assert [row["rank"] for row in world.get("/v1/leads")["rows"]] == [1, 2, 3, 4, 5, 6]
    assert {row["lead_stage"] for row in world.get("/v1/leads", lead_stage="mql")["rows"]} == {"mql"}
    assert [row["lead_id"] for row in world.get("/v1/leads", sort="lead_id", limit=2, offset=3)["rows"]] == ["L-3", "L-4"]
    assert world.get("/v1/leads", q="l-4")["total"] == 1
    assert world.get("/v1/leads", q="%")["total"] == 0
    assert world.client.get("/v1/leads", params={"sort": "scor"}).status_code == 422
    lines = world.client.get("/v1/leads.csv", params={"min_score": 1}).text.splitlines()
    assert len(lines) == 7
    mine = world.get("/v1/leads/L-3/score")["result"]
    (row,) = world.get("/v1/leads", q="L-3")["rows"]
    assert (row["score"], row["grade"], row["action"]) == (mine["score"], mine["grade"], mine["recommendation"]["action"])
    assert row["chance"] == pytest.approx(mine["probabilities"]["customer"]["value"], abs=1e-6)
    world.happened(event("new", "L-0", at="2026-06-30T10:00:00Z", type="trial_requested"))
    assert world.get("/v1/leads")["waiting"] == 1
    world.score_all()
    (after,) = world.get("/v1/leads", q="L-0")["rows"]
    assert after["points"] > next(r for r in found["rows"] if r["lead_id"] == "L-0")["points"]
