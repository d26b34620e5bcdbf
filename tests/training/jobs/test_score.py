"""The scores of a batch: ranked, steady, and wrong wishes named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient

from features.common.errors import ConfigError, DataError
from features.dataset.dataset import Dataset
from tests.tiny import tiny_model
from tests.trained import Trained
from training.common import tracking
from training.common.config import Config
from training.jobs.score import capacity_in_words, score_dataset


@pytest.fixture
def client(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    monkeypatch.chdir(trained.home)
    return tracking.connect()


def test_make_score_ranks_the_open_leads(trained: Trained, dataset: Dataset, tmp_path: Path, client: MlflowClient) -> None:
    folder = dataset.write(tmp_path / "data")
    leads = score_dataset(trained.config, tmp_path / "scores.csv", dataset=folder)
    written = pd.read_csv(tmp_path / "scores.csv", dtype={"lead_id": str})
    assert len(written) == leads > 100
    assert written["p_customer"].is_monotonic_decreasing
    assert (written["p_customer"] <= written["p_sql"].fillna(1) + 1e-9).all()
    opted_out = set(dataset.leads.loc[dataset.leads["opted_out"].fillna(False), "lead_id"])
    assert not opted_out & set(written["lead_id"])


def test_what_was_recommended_stays_unless_more_than_noise_speaks_against_it(
    trained: Trained, dataset: Dataset, tmp_path: Path
) -> None:
    """A lead on hold that had been handed over stays handed over; one that was not stays on hold."""
    folder = dataset.write(tmp_path / "data")
    score_dataset(trained.config, tmp_path / "first.csv", dataset=folder, model_folder=trained.folder)
    first = pd.read_csv(tmp_path / "first.csv", dtype={"lead_id": str})
    on_hold = first.loc[first["action"] == "hold", "lead_id"].tolist()
    assert on_hold
    told = first.assign(action=first["action"].where(~first["lead_id"].isin(on_hold[:3]), "hand_over"))
    told.to_csv(tmp_path / "told.csv", index=False)
    score_dataset(
        trained.config, tmp_path / "again.csv", dataset=folder, model_folder=trained.folder, previous=tmp_path / "told.csv"
    )
    again = pd.read_csv(tmp_path / "again.csv", dtype={"lead_id": str}).set_index("lead_id")["action"]
    assert (again[on_hold[:3]] == "hand_over").all()
    assert (again[on_hold[3:]] == "hold").all()


def test_a_previous_file_that_is_none_is_named(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"other\.csv cannot be read as scores"):
        score_dataset(trained.config, tmp_path / "out.csv", previous=tmp_path / "other.csv")


@pytest.mark.parametrize(
    ("out", "as_of", "error", "message"),
    [
        ("scores.xlsx", None, ConfigError, "ending '.xlsx'"),
        ("scores.csv", "someday", ConfigError, "'someday' is no moment"),
        ("scores.csv", "2099-01-01", DataError, "after the data were extracted"),
    ],
)
def test_make_score_says_what_is_wrong(
    trained: Trained, dataset: Dataset, tmp_path: Path, out: str, as_of: str | None, error: type[Exception], message: str
) -> None:
    folder = dataset.write(tmp_path / "data")
    with pytest.raises(error, match=message):
        score_dataset(trained.config, tmp_path / out, dataset=folder, as_of=as_of, model_folder=trained.folder)
    assert not (tmp_path / out).exists()


def test_without_dates_the_capacity_of_the_time_in_which_so_many_come_is_told() -> None:
    model = replace(tiny_model(), dated=False)
    knows = replace(model, policy=replace(model.policy, capacity_per_week=20.0, leads_per_week=100.0))
    config = Config.model_validate({"name": "x", "dataset": "d", "sales": {"capacity_per_week": 20}})
    few = capacity_in_words(knows, config, 250, 50)
    assert few == "So many leads come in 2.5 weeks, in which sales takes 50; 50 are to be handed over."
    assert "begin at the top of the file" in capacity_in_words(knows, config, 250, 51)
    assert "leads_per_week" in capacity_in_words(model, config, 250, 51)
    without = config.changed(sales=config.sales.model_copy(update={"capacity_per_week": None}))
    assert capacity_in_words(model, without, 250, 51) == ""
    assert capacity_in_words(replace(knows, dated=True), config, 250, 51) == ""
