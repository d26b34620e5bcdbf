"""The work list: what batch scoring said, filtered and sorted, and each lead ready to be scored again with the same result."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from features.common.errors import DataError
from serving.api.app import create_app
from serving.scoring.scorer import Scorer
from serving.scoring.work_list import LEADS, ROWS, WorkList
from tests.trained import Trained
from training.jobs.work_list import write

NOW = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(trained.config, tmp_path_factory.mktemp("served") / "work_list", model_folder=trained.folder)


@pytest.fixture(scope="module")
def client(trained: Trained, folder: Path) -> Iterator[TestClient]:
    scorer, found = Scorer(trained.model), WorkList.read(folder)
    app = create_app(lambda: scorer, clock=lambda: NOW, work_list=lambda: found)
    with TestClient(app, raise_server_exceptions=False) as client:
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
        ({"limit": "many"}, "limit must be a number"),
        ({"offset": "-1"}, "offset must be a number"),
        ({"limit": "0.6"}, "limit must be a whole number"),
        ({"offset": "1e-3"}, "offset must be a whole number"),
        ({"min_score": "nan"}, "min_score must be a number"),
    ],
)
def test_a_wrong_parameter_is_named(client: TestClient, asked: dict[str, str], detail: str) -> None:
    answer = client.get("/v1/leads", params=asked)
    assert answer.status_code == 422
    assert detail in answer.json()["detail"]


def test_every_lead_scores_in_a_request_as_it_did_in_batch(client: TestClient) -> None:
    """Colleagues are sent with it, closed ones too; what batch and request say is the same to the last digit shown."""
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


def test_the_csv_has_the_same_rows_and_runs_nothing(client: TestClient, folder: Path) -> None:
    answer = client.get("/v1/leads.csv", params={"action": "hand_over"})
    assert answer.headers["content-type"].startswith("text/csv")
    found = list(csv.DictReader(io.StringIO(answer.text)))
    assert [r["lead_id"] for r in found] == [r["lead_id"] for r in rows(client, action="hand_over")][: len(found)]
    listed = WorkList.read(folder)
    evil = WorkList(folder, listed.as_of, listed.model, [{**listed.rows[0], "lead_id": "=cmd|' /C calc'!A0"}], {}, {})
    assert "\n1,'=cmd" in evil.text(evil.ask({}))


def test_no_opted_out_lead_is_in_it(client: TestClient, trained: Trained) -> None:
    leads = trained.prepared.histories.leads
    out = set(leads.loc[leads["opted_out"].fillna(False), "lead_id"])
    assert not out & {r["lead_id"] for r in rows(client)}


def test_a_colleague_that_is_closed_or_opted_out_cannot_be_picked(client: TestClient, folder: Path) -> None:
    listed = WorkList.read(folder)
    others = set(listed.places) - listed.open
    assert others
    assert client.get(f"/v1/leads/{min(others)}").status_code == 404


def test_an_unknown_lead_is_not_found(client: TestClient) -> None:
    answer = client.get("/v1/leads/nobody")
    assert answer.status_code == 404
    assert "'nobody'" in answer.json()["detail"]
    assert client.get("/v1/leads/..%2F..%2Fetc%2Fpasswd").status_code == 404


def test_without_a_work_list_or_report_it_is_said(trained: Trained) -> None:
    with TestClient(create_app(lambda: Scorer(trained.model)), raise_server_exceptions=False) as bare:
        for path in ("/v1/leads", "/v1/leads.csv", "/v1/leads/a", "/report"):
            answer = bare.get(path)
            assert answer.status_code == 404
            assert "`make serve`" in answer.json()["detail"]


def test_writing_it_again_changes_nothing(trained: Trained, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (folder / ROWS).stat().st_mtime_ns
    write(trained.config, folder, model_folder=trained.folder)
    assert (folder / ROWS).stat().st_mtime_ns == before
    assert "up to date" in capsys.readouterr().out


def test_a_list_of_nobody_is_empty_and_no_error(trained: Trained, tmp_path: Path) -> None:
    """Flat data know the outcome of every lead: none is open."""
    home = tmp_path / "flat"
    home.mkdir()
    lines = [f"L{i},{'DE' if i % 3 else 'FR'},{'yes' if i % 4 == 0 else 'no'}" for i in range(50)]
    (home / "leads.csv").write_text("id,country,won\n" + "\n".join(lines) + "\n", encoding="utf-8")
    (home / "flat.yaml").write_text(
        "name: flat\nfunnel: {stages: [lead, customer], exits: [lost], horizons: {customer: 30}}\n"
        "source:\n  kind: files\n  folder: .\n  leads:\n    file: leads.csv\n    columns: {lead_id: id, country: country}\n"
        "    order: rows\n    outcome: {column: won, yes: ['yes'], no: ['no']}\n",
        encoding="utf-8",
    )
    found = WorkList.read(write(home / "flat.yaml", home / "list", model_folder=trained.folder))
    assert list(found.rows) == []
    assert found.select(found.ask({})) == []
    assert found.text(found.ask({})).strip() == ""


def test_half_a_work_list_is_refused(folder: Path, tmp_path: Path) -> None:
    content = json.loads((folder / ROWS).read_text(encoding="utf-8"))
    (tmp_path / ROWS).write_text(json.dumps(content), encoding="utf-8")
    (tmp_path / LEADS).write_bytes((folder / LEADS).read_bytes()[:1000])
    with pytest.raises(DataError, match="is not whole"):
        WorkList.read(tmp_path)
    (tmp_path / ROWS).write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match="cannot be read"):
        WorkList.read(tmp_path)
    (tmp_path / ROWS).write_text(json.dumps({**content, "format": 99}), encoding="utf-8")
    with pytest.raises(DataError, match="format 99"):
        WorkList.read(tmp_path)


def test_a_parameter_that_stands_twice_is_refused(client: TestClient) -> None:
    answer = client.get("/v1/leads?q=a&q=b")
    assert (answer.status_code, answer.json()["detail"]) == (422, "'q' is given more than once.")
