"""`make score`: every open lead of a dataset, as of a moment, into a file that appears whole."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pandas as pd

from features.common.errors import ConfigError, DataError
from features.common.files import whole_file, whole_folder
from features.dataset.dataset import Dataset
from models.batch import score_open
from models.decision.recommend import ACTIONS, Action
from models.model import FunnelModel
from models.store import load as load_model
from training.common.config import Config
from training.common.progress import Steps, terminal
from training.data.load import load


def score_dataset(
    config_path: Path,
    out: Path,
    *,
    dataset: Path | None = None,
    as_of: str | None = None,
    model_folder: Path | None = None,
    previous: Path | None = None,
) -> pd.DataFrame:
    """Score and write; prints how many and where. `previous`: the file of an earlier run, whose recommendations stay unless
    more than noise speaks against them.

    Raises
    ------
    RipelineError
        for a missing model, an unreadable dataset or moment, or a file of unknown kind.
    """
    if out.suffix not in (".csv", ".parquet"):
        raise ConfigError(f"OUT={out} has the ending {out.suffix!r}.", "Name a .csv or .parquet file.")
    config = Config.read(config_path)
    previous_actions = recommended(previous) if previous else {}
    console = terminal()
    with Steps(console).running() as steps:
        with steps.phase("Reading the data"):
            data = Dataset.read(dataset) if dataset else load(config)[0]
        moment = moment_of(as_of, data.extracted_at)
        with steps.phase("Loading the model"):
            model = load_model(model_folder) if model_folder else champion(config.name)
        scores = score_open(model, data, moment, steps.step("Scoring"), previous_actions)
    with whole_file(out) as partial:
        scores.to_csv(partial, index=False) if out.suffix == ".csv" else scores.to_parquet(partial, index=False)
    actions = ", ".join(
        f"{count:,} {action}" for action, count in scores.get("action", pd.Series(dtype="str")).value_counts().items()
    )
    console.print(
        f"{len(scores):,} open leads scored as of {moment:%Y-%m-%d %H:%M} UTC into {out}: {actions or 'none'}.", highlight=False
    )
    return scores


def recommended(path: Path) -> dict[str, tuple[Action, pd.Timestamp]]:
    """lead_id → action and moment of an earlier file of scores.

    Raises
    ------
    DataError
        if it cannot be read or is no file of scores.
    """
    try:
        scores = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype={"lead_id": str})
        moments = pd.to_datetime(scores["as_of"], utc=True)
        pairs = zip(scores["lead_id"].astype(str), scores["action"], moments, strict=True)
        return {lead: (action, moment) for lead, action, moment in pairs if action in ACTIONS}
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"PREVIOUS={path} cannot be read as scores: {error}.",
            "Name a file that `make score` wrote; it has lead_id, action and as_of.",
        ) from error


def moment_of(as_of: str | None, extracted_at: pd.Timestamp) -> pd.Timestamp:
    """The moment that AS_OF says; without it, that of the extraction.

    Raises
    ------
    ConfigError, DataError
        if it is no moment, or later than the extraction.
    """
    if as_of is None:
        return extracted_at
    try:
        moment = pd.Timestamp(as_of)
    except ValueError as error:
        raise ConfigError(f"AS_OF={as_of!r} is no moment.", "Write it as 2026-06-30 or 2026-06-30T12:00:00Z.") from error
    moment = moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")
    if moment > extracted_at:
        raise DataError(
            f"AS_OF={as_of} is after the data were extracted ({extracted_at:%Y-%m-%d %H:%M} UTC).",
            "What happened in between is not known: extract anew, or choose an earlier moment.",
        )
    return moment


def champion(name: str) -> FunnelModel:
    """The champion in MLflow.

    Raises
    ------
    ModelError
        if there is none.
    """
    from training.common import tracking

    with tempfile.TemporaryDirectory() as scratch:
        return load_model(tracking.download(name, Path(scratch)))


def fetch(name: str, folder: Path, alias: str, report: Path | None = None) -> Path:
    """Copy a registered model folder to `folder`, whole or not at all; an older one there is replaced.

    `report`: where the report of its training goes; an older one there goes away where there is none.

    Raises
    ------
    ModelError
        if MLflow has no such model.
    """
    from training.common import tracking

    with tempfile.TemporaryDirectory() as scratch:
        model_folder = tracking.download(name, Path(scratch), alias)
        load_model(model_folder)
        with whole_folder(folder) as partial:
            shutil.copytree(model_folder, partial, dirs_exist_ok=True)
        if report is not None:
            report_file = tracking.download_file(name, "report.html", Path(scratch), alias)
            report.unlink(missing_ok=True)
            if report_file:
                report.parent.mkdir(parents=True, exist_ok=True)
                with whole_file(report) as partial:
                    shutil.copyfile(report_file, partial)
    return folder
