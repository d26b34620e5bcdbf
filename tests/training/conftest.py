"""What trainings are tested with: 300 leads as a dataset and in buckets, an empty MLflow, and workers that start quickly."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from features.dataset.dataset import Dataset
from features.partitions.executor import Inline
from features.partitions.memory import Budget
from features.partitions.partition import partition
from features.partitions.storage import Storage
from models.store import save
from tests.raw import raw_in_memory
from tests.tiny import FUNNEL, tiny_model
from tests.training.worlds import Turned, turned_world
from training.common import tracking

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="package", autouse=True)
def _workers_start_quickly() -> Iterator[None]:
    """The process that workers are forked from finds what it is to import once, whatever folder it is started in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        yield


@pytest.fixture(scope="session")
def _empty_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's database without a run: to make it takes seconds, to copy it nothing."""
    home = tmp_path_factory.mktemp("mlflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        tracking.connect()
    return home / tracking.STORE


@pytest.fixture
def working_folder(_empty_mlflow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with an embedded MLflow in which nothing is."""
    shutil.copy(_empty_mlflow, tmp_path / tracking.STORE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


@pytest.fixture(scope="session")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Turned:
    return turned_world(tmp_path_factory.mktemp("turned"))


@pytest.fixture(scope="session")
def few(dataset: Dataset) -> Dataset:
    """300 leads of the simulated CRM, whole accounts."""
    companies = dataset.leads["company_id"].dropna().drop_duplicates().iloc[:100]
    leads = dataset.leads[dataset.leads["company_id"].isin(companies)].reset_index(drop=True)
    ids = leads["lead_id"]
    tables = {
        "leads": leads,
        "companies": dataset.companies[dataset.companies["company_id"].isin(companies)],
        "deals": dataset.deals[dataset.deals["lead_id"].isin(ids)],
        "attribute_changes": dataset.attribute_changes[dataset.attribute_changes["id"].isin(ids)],
        **{name: dataset.tables[name][dataset.tables[name]["lead_id"].isin(ids)] for name in ("interactions", "lead_stages")},
    }
    tables["interactions"] = tables["interactions"].astype(dict.fromkeys(("lead_id", "type"), "str"))
    return Dataset.from_tables(tables, extracted_at=dataset.extracted_at, source="few")


@pytest.fixture(scope="session")
def partitioned(few: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("partitioned")
    with raw_in_memory(few) as raw:
        partition(Storage.from_path(home / "data"), raw, FUNNEL, Inline(Budget(bucket=8_000)))
    save(tiny_model(), home / "model")
    return home
