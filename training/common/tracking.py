"""MLflow: the only file that imports it. Runs, registry, aliases."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import mlflow
from mlflow import MlflowClient
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.data.meta_dataset import MetaDataset
from mlflow.entities import Metric, ViewType
from mlflow.exceptions import MlflowException

from features.common.environment import revealed
from features.common.errors import ModelError, nearest
from training.common.settings import TRACKING_URI, process_settings

logging.getLogger("mlflow").setLevel(logging.WARNING)

STORE = "mlflow.db"  # in the working folder
ARTEFACTS = "mlartifacts"
SHORT = 12  # characters of a run that a model has as its version
CHAMPION, CHALLENGER = "champion", "challenger"
CODE = ("features", "models")
REQUIREMENTS = ("lightgbm", "numpy", "pandas", "pyarrow", "pydantic", "PyYAML", "scikit-learn", "scipy")

_ROOT = Path(__file__).resolve().parents[2]


def connect() -> MlflowClient:
    """Talk to `MLFLOW_TRACKING_URI`, or to an embedded SQLite file in the working folder.

    Raises
    ------
    ModelError
        if the server cannot be reached.
    """
    # the usual two minutes of silent retries are long for a server that is not there; a user's own setting stays
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    user_uri = revealed(process_settings().tracking_uri)
    uri = user_uri or f"sqlite:///{Path.cwd() / STORE}"
    mlflow.set_tracking_uri(uri)
    if not user_uri:
        os.environ.pop(TRACKING_URI, None)  # MLflow sets it, and then nobody could tell what the user had asked for
    client = MlflowClient()
    try:
        client.search_experiments(max_results=1)
    except MlflowException as error:
        raise ModelError(
            f"MLflow at {uri} does not answer: {str(error)[:300]}",
            f"Start it, or unset {TRACKING_URI} for the embedded one.",
        ) from error
    return client


def use(uri: str) -> None:
    """From now on this process talks to that MLflow: a worker to the one of who started it."""
    os.environ[TRACKING_URI] = uri


@contextmanager
def training_run(name: str, description: str, tags: Mapping[str, str]) -> Iterator[str]:
    """The parent run of one training, in the experiment `name`; marked failed when the block raises. Gives its id."""
    client = connect()
    if client.get_experiment_by_name(name) is None:
        embedded = process_settings().tracking_uri is None
        client.create_experiment(name, artifact_location=(Path.cwd() / ARTEFACTS / name).as_uri() if embedded else None)
    mlflow.set_experiment(name)
    with mlflow.start_run(run_name=time.strftime("%Y-%m-%d %H:%M:%S"), description=description, tags=dict(tags)) as run:
        yield run.info.run_id


def log_child(
    parent: str,
    name: str,
    params: Mapping[str, Any],
    metrics: Mapping[str, float],
    steps: Mapping[str, Mapping[int, float]],
    description: str = "",
) -> str:
    """A child run with metrics, and metrics along a step (capacity in % of leads). Gives its id."""
    tags = {"ripeline.kind": name.partition(":")[0]}
    with mlflow.start_run(run_name=name, nested=True, parent_run_id=parent, tags=tags, description=description or None) as run:
        mlflow.log_params({key: str(value)[:500] for key, value in params.items()})
        mlflow.log_metrics(dict(metrics))
        now = int(time.time() * 1000)
        batch = [Metric(key, value, now, step) for key, values in steps.items() for step, value in values.items()]
        if batch:
            MlflowClient().log_batch(run.info.run_id, metrics=batch)
        return str(run.info.run_id)


def log_dataset(name: str, source: str, digest: str, context: str) -> None:
    """Say in the open run what it was trained on: a name, where it came from, and a digest of its content."""
    dataset = MetaDataset(CodeDatasetSource({"source": source}), name=name[:500], digest=digest[:36])
    mlflow.log_input(dataset, context=context)


def log_parent(params: Mapping[str, Any], metrics: Mapping[str, float], files: Mapping[str, Path]) -> None:
    """Parameters, metrics and files (artefact folder → file) of the run that is open."""
    mlflow.log_params({key: str(value)[:500] for key, value in params.items()})
    mlflow.log_metrics(dict(metrics))
    for folder, path in files.items():
        mlflow.log_artifact(str(path), folder or None)


def register(name: str, folder: Path) -> str:
    """Log a model folder in the open run and register it under `name` with the alias `challenger`; gives the version.

    It is logged as a pyfunc through a loader module, so nothing is pickled.
    """
    info = mlflow.pyfunc.log_model(
        name="model",
        loader_module="models.pyfunc",
        data_path=str(folder),
        code_paths=[str(_ROOT / package) for package in CODE],
        pip_requirements=list(REQUIREMENTS),
    )
    client = MlflowClient()
    if not _registered(client, name):
        client.create_registered_model(name, description=f"Ripeline lead scoring: {name}")
    version = client.create_model_version(name, source=info.model_uri, run_id=info.run_id, model_id=info.model_id)
    client.set_registered_model_alias(name, CHALLENGER, version.version)
    return str(version.version)


def promote(name: str, version: str) -> None:
    """Make this version the champion.

    Raises
    ------
    ModelError
        if the model has no such version.
    """
    client = connect()
    versions = [str(v.version) for v in client.search_model_versions(f"name = '{name}'")]
    if version not in versions:
        raise ModelError(
            f"There is no version {version!r} of {name!r}.", f"Known are: {', '.join(sorted(versions)) or 'none'}."
        )
    client.set_registered_model_alias(name, CHAMPION, version)


def champion_version(name: str) -> str | None:
    """The version that is champion, or None."""
    client = connect()
    try:
        return str(client.get_model_version_by_alias(name, CHAMPION).version)
    except MlflowException:
        return None


def champion_run(name: str) -> str | None:
    """The training run that made the champion, or None."""
    client = connect()
    try:
        return str(client.get_model_version_by_alias(name, CHAMPION).run_id)
    except MlflowException:
        return None


def run_behind(name: str, alias: str) -> str:
    """The training run that made the version behind an alias.

    Raises
    ------
    ModelError
        if MLflow does not answer, or knows no such model or alias.
    """
    try:
        return str(connect().get_model_version_by_alias(name, alias).run_id)
    except MlflowException as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"MLflow names no {alias} of {name!r} ({reason}).", "Run `make train`, or set the alias there."
        ) from error


def child_metrics(parent: str, kind: str) -> dict[str, float]:
    """The metrics of one child run of a training; empty without it."""
    client = connect()
    experiment = client.get_run(parent).info.experiment_id
    query = f"tags.`mlflow.parentRunId` = '{parent}' and tags.`ripeline.kind` = '{kind}'"
    runs = client.search_runs([experiment], query, max_results=1)
    return dict(runs[0].data.metrics) if runs else {}


def add_child(
    name: str, parent: str, title: str, params: Mapping[str, Any], metrics: Mapping[str, float],
    steps: Mapping[str, Mapping[int, float]], files: Mapping[str, Path],
) -> str:  # fmt: skip
    """One more child run of a training that has ended, in the experiment `name`; gives its id."""
    connect()
    mlflow.set_experiment(name)
    child = log_child(parent, title, params, metrics, steps)
    for folder, path in files.items():
        MlflowClient().log_artifact(child, str(path), folder or None)
    return child


def download(name: str, folder: Path, alias: str = CHAMPION) -> Path:
    """Fetch the model folder behind an alias; gives the folder that holds its manifest.

    Raises
    ------
    ModelError
        if there is no such model or alias.
    """
    client = connect()
    if not _registered(client, name):
        model_names = [m.name for m in client.search_registered_models()]
        raise ModelError(
            f"MLflow knows no model {name!r}: {nearest(name, model_names)}", f"Run `make train` for {name!r} first."
        )
    try:
        version = client.get_model_version_by_alias(name, alias)
    except MlflowException as error:
        raise ModelError(f"The model {name!r} has no {alias}.", f"Run `make train` for {name!r} first.") from error
    mlflow.artifacts.download_artifacts(artifact_uri=f"models:/{name}/{version.version}", dst_path=str(folder))
    manifest = next(folder.rglob("manifest.json"), None)
    if manifest is None:
        raise ModelError(f"Version {version.version} of {name!r} holds no model folder.", "Train anew.")
    return manifest.parent


def download_file(name: str, file: str, folder: Path, alias: str = CHAMPION) -> Path | None:
    """Fetch a file of the training that made the model behind an alias; None where it has none."""
    client = connect()
    try:
        run_id = client.get_model_version_by_alias(name, alias).run_id
        return Path(client.download_artifacts(str(run_id), file, str(folder)))
    except (MlflowException, OSError):
        return None


def text_files(name: str, endings: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """(run, path) of every file with one of these endings that a training or comparison of `name` carries; model folders
    apart, which name nobody."""
    client = connect()
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        return
    token = None
    while True:
        runs = client.search_runs([experiment.experiment_id], run_view_type=ViewType.ALL, page_token=token)
        for run in runs:
            waiting: list[str | None] = [None]
            while waiting:
                for artifact in client.list_artifacts(run.info.run_id, waiting.pop()):
                    if artifact.is_dir:
                        waiting.append(artifact.path)
                    elif artifact.path.endswith(endings):
                        yield run.info.run_id, artifact.path
        token = runs.token
        if not token:
            return


def fetch_file(run: str, path: str, folder: Path) -> Path:
    """A file that a run carries, copied into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return Path(connect().download_artifacts(run, path, str(folder)))


def replace_file(run: str, path: str, file: Path) -> None:
    """Put a file of the same name in the place of one that a run carries."""
    folder = path.rpartition("/")[0]
    connect().log_artifact(run, str(file), folder or None)


def _registered(client: MlflowClient, name: str) -> bool:
    try:
        client.get_registered_model(name)
    except MlflowException:
        return False
    return True
