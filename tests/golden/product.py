"""What the product answers, for the golden files: each function goes the way its users go and gives plain, comparable values.

Everything begins with one model folder (`files/model`), so that what is compared later is the product and not the learning;
the learning has a golden file of its own, the metrics on held-out leads of two configurations.
"""

from __future__ import annotations

import io
import json
import zlib
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from sqlalchemy import select
from starlette.testclient import TestClient

from features.common.clock import DAY, moment
from features.dataset.dataset import Dataset
from features.engine.histories import account_keys
from features.partitions.executor import Inline
from features.partitions.partition import partition
from features.partitions.storage import Storage
from models.model import FunnelModel
from serving.api.app import create_app
from serving.scoring.scorer import Scorer
from serving.store.load import load as load_store
from serving.store.rescoring import Refresher
from serving.store.store import Store
from serving.store.tables import metadata
from tests.features.partitions.worlds import FUNNEL, SMALL, built, read_matrix, spec_of, world
from tests.raw import raw_in_memory
from tests.serving.requests_from import open_at, payload
from training.common.config import Config
from training.common.progress import Steps
from training.evaluation.holdout import hold_out
from training.evaluation.summary import Results
from training.jobs.score import score_dataset
from training.scale.training_data import open_training_data

STORED_ACCOUNTS = 120  # accounts whose leads the golden store holds
RANDOM_PER_STORE = {"facts"}  # tables that hold a key drawn for each store

FLAT = """
name: golden-flat
source:
  kind: files
  folder: .
  leads: {file: flat.csv, columns: {lead_id: id, created_at: created}, outcome: {column: won, yes: "yes", no: "no"}}
funnel: {stages: [lead, customer], exits: [lost], horizons: {customer: 60}}
search: {trials: 2, minutes: 10}
"""


def metrics(outcome: Results) -> dict[str, dict[str, dict[str, float]]]:
    """Source of probabilities → question → metric → value on held-out leads."""
    return {source: {name: dict(values) for name, values in found.items()} for source, found in outcome.items()}


def flat_metrics(folder: Path) -> dict[str, dict[str, dict[str, float]]]:
    """The held-out metrics of a flat CSV with a yes/no outcome, which is written into `folder`."""
    random = np.random.default_rng(11)
    rows = 2_000
    created = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.sort(random.integers(0, 500, rows)), unit="D")
    industry = random.choice(["software", "retail", "bank", "health"], rows)
    employees = np.exp(random.normal(4, 1.5, rows)).round() + 1
    visits = random.poisson(3, rows)
    log_odds = -3 + 0.4 * visits + (industry == "software") + 0.3 * (np.log(employees) - 4)
    won = random.random(rows) < 1 / (1 + np.exp(-log_odds))
    frame = pd.DataFrame({"id": [f"L{i}" for i in range(rows)], "created": created, "industry": industry})
    frame = frame.assign(employees=employees, visits=visits, won=np.where(won, "yes", "no"))
    frame.to_csv(folder / "flat.csv", index=False)
    (folder / "flat.yaml").write_text(FLAT, encoding="utf-8")
    config = Config.read(folder / "flat.yaml")
    steps = Steps(Console(file=io.StringIO()))
    with open_training_data(config, None, steps) as data:
        return metrics(hold_out(data.prepared, data.config, steps).results)


def requests(model: FunnelModel, dataset: Dataset) -> list[dict[str, Any]]:
    """Three hundred requests as an application, a careless one and the page send them: address and body."""
    random = np.random.default_rng(5)
    sent: list[dict[str, Any]] = []
    for days_ago in (0, 30, 200):
        as_of = moment(dataset.extracted_at) - days_ago * DAY
        histories, looks = open_at(model, dataset, as_of)
        rows = random.permutation(len(looks))[:120]
        leads = payload(model, dataset, histories, looks, rows)
        text = pd.Timestamp(as_of, unit="us", tz="UTC").isoformat()
        for i in range(0, 80, 2):
            sent.append({"path": "/v1/score", "body": {"as_of": text, "leads": leads[i : i + 1]}})
            body = {"as_of": text, "leads": leads[i : i + 4], "reasons": int(random.integers(0, 20))}
            sent.append({"path": "/v1/score", "body": body | ({"language": "de"} if i % 4 else {})})
        tried = {"as_of": text, "add": ["trial_requested", "webinar"]}
        sent += [{"path": "/v1/what-if", "body": {**tried, "leads": [lead]}} for lead in leads[80:90]]
    spare = payload(model, dataset, *open_at(model, dataset, moment(dataset.extracted_at)), np.arange(30))
    sent += [{"path": "/v1/score", "body": {"leads": [_spoiled(lead, i)]}} for i, lead in enumerate(spare)]
    return sent[:300]


def _spoiled(lead: dict[str, Any], number: int) -> dict[str, Any]:
    """The lead with one of ten mistakes that applications make."""
    acts = lead["interactions"]
    mistakes: list[dict[str, Any]] = [
        {"lead_stage": "prospect"},
        {"created_at": "yesterday"},
        {"lead_stage": None},
        {"interactions": [*acts, {"type": "alien_call", "at": lead["created_at"]}]},
        {"interactions": [*acts, {"type": "page_view", "at": "2030-01-01T00:00:00Z"}]},
        {"attributes": {"source": "carrier pigeon", "unheard_of": 5}},
        {"company": {"industry": "alchemy", "employees": "many"}},
        {"interactions": []},
        {"interactions": [*acts, *acts]},
        {"colour": "red"},
    ]
    return {**lead, **mistakes[number % len(mistakes)]}


def answers(model: FunnelModel, sent: list[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """What the server answers: status and body as text, byte for byte."""
    scorer = Scorer(model)
    client = TestClient(create_app(lambda: scorer, lambda: now), raise_server_exceptions=False)
    got = []
    for request in sent:
        response = client.post(request["path"], json=request["body"], headers={"x-request-id": "golden"})
        got.append({"status": response.status_code, "body": response.content.decode()})
    return got


def score_csv(config: Path, model_folder: Path, dataset: Dataset, folder: Path) -> str:
    """The file that `make score` writes."""
    dataset.write(folder / "dataset")
    score_dataset(config, folder / "scores.csv", dataset=folder / "dataset", model_folder=model_folder)
    return (folder / "scores.csv").read_text(encoding="utf-8")


def store_rows(model: FunnelModel, dataset: Dataset, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Every row of a lead store that took in some accounts and scored them."""
    now = moment(dataset.extracted_at)
    store = Store.from_address(f"sqlite:///{folder / 'leads.db'}")
    store.open()
    try:
        load_store(store, some_accounts(dataset, STORED_ACCOUNTS))
        scorer = Scorer(model)
        refresher = Refresher(store, lambda: scorer, lambda: now)
        while refresher.work():
            pass
        with store.read() as connection:
            return {
                table.name: [_row(row) for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()]
                for table in metadata.sorted_tables
                if table.name not in RANDOM_PER_STORE
            }
    finally:
        store.close()


def _row(row: Any) -> dict[str, Any]:
    """A row of the store; what is packed in bytes are float64 numbers, which differ by the processor as all others do."""
    return {k: np.frombuffer(zlib.decompress(v), "<f8").tolist() if isinstance(v, bytes) else v for k, v in row.items()}


def some_accounts(dataset: Dataset, count: int) -> Dataset:
    """The first accounts of a dataset with all they have."""
    account = account_keys(dataset.leads)
    leads = dataset.leads[np.isin(account, np.unique(account)[:count])]
    ids = set(leads["lead_id"].astype("str"))
    parts = {
        name: table[table["lead_id"].astype("str").isin(ids)].reset_index(drop=True)
        for name, table in dataset.tables.items()
        if "lead_id" in table.columns and name != "leads"
    }
    return replace(dataset, leads=leads.reset_index(drop=True), **parts)


def partitioned_matrix(folder: Path) -> dict[str, Any]:
    """The matrix of a small partitioned dataset, landmark by landmark in the order it is kept."""
    dataset = world(4)
    spec = spec_of(dataset)
    data, out = Storage.from_path(folder / "data"), Storage.from_path(folder / "matrix")
    with raw_in_memory(dataset) as raw:
        manifest = partition(data, raw, FUNNEL, Inline(SMALL))
    built(data, manifest, out, spec)
    index, rows = read_matrix(out, manifest, spec)
    return {"lead_id": index["lead_id"].tolist(), "as_of": index["as_of"].tolist(), "columns": list(spec.columns), "rows": rows}


def as_text(value: object) -> str:
    """JSON that reads the same however a mapping was filled."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=True, indent=None)
