"""The main job end to end on a small simulated CRM, in an embedded MLflow of its own, and what happens when it is stopped."""

from __future__ import annotations

import errno
import io
from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from rich.console import Console

import training.report.log_run
import training.scale.training_data
import training.train
from features.common.errors import ConfigError, DataError, ModelError
from features.dataset.dataset import Dataset
from features.dataset.validate import validate
from models import batch
from models.batch import score_open
from models.store import load
from tests.trained import Trained
from training.common import tracking
from training.common.config import Config
from training.jobs.score import score_dataset


@pytest.fixture
def client(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    monkeypatch.chdir(trained.home)
    return tracking.connect()


def runs(client: MlflowClient, name: str = "small") -> list[mlflow.entities.Run]:
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id]))


def test_child_runs_have_the_same_metric_names(client: MlflowClient) -> None:
    """So that MLflow's own compare view works."""
    kinds = {r.data.tags.get("ripeline.kind"): r for r in runs(client) if "ripeline.kind" in r.data.tags}
    assert set(kinds) == {"model", "rules", "logistic", "lightgbm-default"}
    names = [set(r.data.metrics) for r in kinds.values()]
    assert all(n == names[0] for n in names)
    assert {"customer.log_loss", "mql.roc_auc", "sql.from_mql.brier", "customer.caught"} <= names[0]
    parents = {r.data.tags["mlflow.parentRunId"] for r in kinds.values()}
    assert len(parents) == 1


def test_the_registered_version_is_champion_and_loads(client: MlflowClient, trained: Trained, tmp_path: Path) -> None:
    version = client.get_model_version_by_alias("small", "champion")
    assert client.get_model_version_by_alias("small", "challenger").version == version.version
    fetched = load(tracking.download("small", tmp_path))
    assert fetched.feature_set.checksum == trained.model.feature_set.checksum


def test_mlflow_itself_loads_and_predicts(client: MlflowClient, trained: Trained) -> None:
    names = trained.model.feature_set.names
    frame = pd.DataFrame(np.zeros((2, len(names)), np.float32), columns=list(names)).assign(lead_stage="lead")
    found = mlflow.pyfunc.load_model("models:/small@champion").predict(frame)
    assert list(found.columns) == ["mql", "sql", "customer"]


def test_the_terminal_says_it_in_plain_words(trained: Trained) -> None:
    assert "If sales takes the 10 % ranked highest" in trained.printed
    assert "the rules" in trained.printed
    assert "There was no champion" in trained.printed


def test_the_model_beats_guessing_on_held_out_leads(trained: Trained) -> None:
    metrics = trained.model.metrics["held_out"]["model"]["mql"]
    rate = metrics["base_rate"]
    assert metrics["log_loss"] < -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
    assert metrics["roc_auc"] > 0.65


def test_make_score_ranks_the_open_leads(trained: Trained, dataset: Dataset, tmp_path: Path, client: MlflowClient) -> None:
    folder = dataset.write(tmp_path / "data")
    found = score_dataset(trained.config, tmp_path / "scores.csv", dataset=folder)
    written = pd.read_csv(tmp_path / "scores.csv")
    assert len(written) == len(found) > 100
    assert written["p_customer"].is_monotonic_decreasing
    assert (written["p_customer"] <= written["p_sql"].fillna(1) + 1e-9).all()
    opted_out = set(dataset.leads.loc[dataset.leads["opted_out"].fillna(False), "lead_id"])
    assert not opted_out & set(found["lead_id"])


def test_what_was_recommended_stays_unless_more_than_noise_speaks_against_it(
    trained: Trained, dataset: Dataset, tmp_path: Path
) -> None:
    """A lead on hold that had been handed over stays handed over; one that was not stays on hold."""
    folder = dataset.write(tmp_path / "data")
    first = score_dataset(trained.config, tmp_path / "first.csv", dataset=folder, model_folder=trained.folder)
    on_hold = first.loc[first["action"] == "hold", "lead_id"].tolist()
    assert on_hold
    told = first.assign(action=first["action"].where(~first["lead_id"].isin(on_hold[:3]), "hand_over"))
    told.to_csv(tmp_path / "told.csv", index=False)
    again = score_dataset(
        trained.config, tmp_path / "again.csv", dataset=folder, model_folder=trained.folder, previous=tmp_path / "told.csv"
    ).set_index("lead_id")["action"]
    assert (again[on_hold[:3]] == "hand_over").all()
    assert (again[on_hold[3:]] == "hold").all()


def test_a_previous_file_that_is_none_is_named(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"other\.csv cannot be read as scores"):
        score_dataset(trained.config, tmp_path / "out.csv", previous=tmp_path / "other.csv")


def test_a_moment_with_nobody_open_gives_an_empty_table(trained: Trained, dataset: Dataset) -> None:
    assert score_open(trained.model, dataset, pd.Timestamp("1990-01-01", tz="UTC")).empty


@pytest.mark.parametrize("threads", [1, None])
def test_a_batch_in_many_parts_is_the_batch(
    trained: Trained, dataset: Dataset, monkeypatch: pytest.MonkeyPatch, threads: int | None
) -> None:
    """Blocks and chunks that cut accounts and one another anywhere; progress tells all of them."""
    whole = score_open(trained.model, dataset, dataset.extracted_at)
    assert len(whole) > 300
    monkeypatch.setattr(batch, "BLOCK", 101)
    monkeypatch.setattr(batch, "CHUNK", 37)
    told: list[tuple[int, int]] = []
    parts = score_open(trained.model, dataset, dataset.extracted_at, lambda *said: told.append(said), threads=threads)
    pd.testing.assert_frame_equal(parts, whole, rtol=1e-12)
    assert told[-1] == (len(whole), len(whole))
    assert [done for done, _ in told] == sorted({done for done, _ in told})


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


def test_an_unknown_model_is_answered_with_the_nearest(client: MlflowClient, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="did you mean 'small'"):
        tracking.download("smal", tmp_path)


def test_an_unknown_version_cannot_be_promoted(client: MlflowClient) -> None:
    with pytest.raises(ModelError, match="There is no version '77' of 'small'"):
        tracking.promote("small", "77")


def test_an_unreachable_server_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(ModelError, match="does not answer"):
        tracking.connect()


@pytest.mark.parametrize(
    ("fault", "raised"), [(OSError(errno.ENOSPC, "No space left on device"), OSError), (KeyboardInterrupt(), KeyboardInterrupt)]
)
def test_a_training_that_is_stopped_registers_nothing(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException, raised: type[BaseException]
) -> None:
    """Stopped while the model folder is saved: the run is marked failed and there is no registered model at all."""
    monkeypatch.chdir(tmp_path)

    def fail(*_: object) -> None:
        raise fault

    monkeypatch.setattr(training.report.log_run, "save", fail)
    config = Config.read(trained.config).model_copy(update={"name": "stopped"})
    config = config.model_copy(update={"source": config.source.model_copy(update={"leads": 400})})  # type: ignore[union-attr]
    with pytest.raises(raised):
        training.train.train(config, console=Console(file=io.StringIO(), width=120))
    client = tracking.connect()
    assert client.search_registered_models() == []
    (parent,) = [r for r in runs(client, "stopped") if "ripeline.kind" not in r.data.tags]
    assert parent.info.status == "FAILED"


def test_a_transition_that_never_happens_is_scored_by_the_points(
    trained: Trained, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No customer yet: the points rank, around what so many leads without any make likely, and the run says so."""
    config = Config.read(trained.config).model_copy(update={"name": "never"})
    never = replace(dataset, lead_stages=dataset.lead_stages[dataset.lead_stages["lead_stage"] != "customer"])
    monkeypatch.setattr(training.scale.training_data, "load", lambda *_, **__: validate(never, config.funnel.build()))
    said = io.StringIO()
    outcome = training.train.train(config, console=Console(file=said, width=120))
    assert "customer: points: 0 accounts" in said.getvalue()
    last = outcome.model.transitions[-1]
    x = np.zeros((2, len(outcome.model.names)), np.float32)
    x[1, -1] = 200  # points
    few, many = last.probability(x)
    assert 0 < few < many < 0.05
