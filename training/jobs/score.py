"""`make score`: every open lead of a dataset, as of a moment, into a file that appears whole."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from features.common.errors import ConfigError, DataError
from features.common.files import whole_file, whole_folder
from features.dataset.dataset import Dataset
from features.dataset.persons import screen_dataset
from features.partitions.lock import folder_lock
from features.partitions.manifest import Manifest, is_partitioned
from features.partitions.storage import Storage
from models.batch import score_open
from models.decision.recommend import ACTIONS, Action
from models.model import FunnelModel
from models.store import load as load_model
from training.common.config import Config
from training.common.overall_progress import OverallBar
from training.common.progress import Steps, terminal
from training.data.load import load
from training.executors import opened
from training.jobs.score_partitions import PreviousActions, score_buckets, write_scores
from training.scale.source import partitioned, streams
from training.scale.stream import storage_of


@dataclass(frozen=True)
class ScoreJob:
    """What is to be scored: a dataset folder, else what the configuration names, as of a moment, by a model folder, else by the
    champion, into `out`; `previous`: what was recommended before."""

    config: Config
    out: Path
    dataset: Path | None
    as_of: str | None
    model_folder: Path | None
    previous: PreviousActions

    @property
    def in_buckets(self) -> bool:
        """Whether it is larger than memory, or partitioned already."""
        if self.dataset is not None:
            return is_partitioned(Storage.from_path(self.dataset))
        return streams(self.config)


@dataclass(frozen=True)
class ScoredFile:
    """What a job gave: by which model, as of when, how many leads, and how many of each action."""

    model: FunnelModel
    moment: pd.Timestamp
    leads: int
    actions: Mapping[str, int]


def score_dataset(
    config_path: Path,
    out: Path,
    *,
    dataset: Path | None = None,
    as_of: str | None = None,
    model_folder: Path | None = None,
    previous: Path | None = None,
) -> int:
    """Score and write, bucket by bucket where the dataset is larger than memory; prints how many and where, and returns how
    many. `previous`: the file of an earlier run, whose recommendations stay unless more than noise speaks against them.

    Raises
    ------
    RipelineError
        for a missing model, an unreadable dataset, a damaged bucket, an unreadable moment, or a file of unknown kind.
    """
    if out.suffix not in (".csv", ".parquet"):
        raise ConfigError(f"OUT={out} has the ending {out.suffix!r}.", "Name a .csv or .parquet file.")
    previous_actions = recommended(previous) if previous else {}
    job = ScoreJob(Config.read(config_path), out, dataset, as_of, model_folder, previous_actions)
    console = terminal()
    with Steps(console).running() as steps:
        scored = _score_buckets(job, steps) if job.in_buckets else _score_in_memory(job, steps)
    actions = ", ".join(f"{count:,} {action}" for action, count in sorted(scored.actions.items(), key=lambda a: (-a[1], a[0])))
    moment = f"as of {scored.moment:%Y-%m-%d %H:%M} UTC" if scored.model.dated else "as each came"
    console.print(f"{scored.leads:,} open leads scored {moment} into {out}: {actions or 'none'}.", highlight=False)
    if sentence := capacity_in_words(scored.model, job.config, scored.leads, scored.actions.get("hand_over", 0)):
        console.print(sentence, highlight=False)
    return scored.leads


def capacity_in_words(model: FunnelModel, config: Config, leads: int, handed_over: int) -> str:
    """For data without dates: how many leads sales takes in the time in which so many come, and how many are to be handed over;
    else a capacity is one of weeks, and nothing is said."""
    policy, capacity = model.policy, config.sales.capacity_per_week
    if model.dated:
        return ""
    if not policy.capacity_per_week or not policy.leads_per_week:
        unused = (
            f"`sales: capacity_per_week: {capacity or 0:g}` is not used: the model does not know how many leads come in a week."
            " Say it as `sales: {leads_per_week: ...}` and train anew."
        )
        return unused if capacity else ""
    weeks = leads / policy.leads_per_week
    room = policy.capacity_per_week * weeks
    sentence = (
        f"So many leads come in {weeks:,.1f} weeks, in which sales takes {room:,.0f}; {handed_over:,} are to be handed over."
    )
    too_many = (
        " That is more: begin at the top of the file, which is ranked, and train anew once outcomes of new leads are known."
    )
    return sentence + (too_many if handed_over > np.ceil(room) else "")


def _score_in_memory(job: ScoreJob, steps: Steps) -> ScoredFile:
    with steps.phase("Reading the data"):
        data = screen_dataset(Dataset.read(job.dataset))[0] if job.dataset else load(job.config)[0]
    moment = moment_of(job.as_of, data.extracted_at)
    with steps.phase("Loading the model"):
        model = load_model(job.model_folder) if job.model_folder else champion(job.config.name)
    scores = score_open(model, data, moment, steps.step("Scoring"), job.previous)
    with whole_file(job.out) as partial:
        scores.to_csv(partial, index=False) if job.out.suffix == ".csv" else scores.to_parquet(partial, index=False)
    return ScoredFile(model, moment, len(scores), Counter(scores["action"]) if len(scores) else {})


def _score_buckets(job: ScoreJob, steps: Steps) -> ScoredFile:
    from training.common import tracking

    with ExitStack() as stack:
        engine = stack.enter_context(opened(job.config))
        bar = OverallBar(steps, "Scoring", {"partition": 30, "score": 65, "write": 5})
        storage = storage_of(job.config) / "matrix"
        stack.enter_context(folder_lock(storage, "scoring"))
        partition_tick = bar.stage("partition")
        data = Storage.from_path(job.dataset) if job.dataset else partitioned(job.config, engine, tick=partition_tick)
        moment = moment_of(job.as_of, pd.Timestamp(Manifest.read(data).extracted_at))
        folder = job.model_folder
        if folder is None:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            folder = tracking.download(job.config.name, scratch)
        model = load_model(folder)
        scores = score_buckets(folder, data, storage, moment, engine, previous=job.previous, tick=bar.stage("score"))
        bar.stage("write")
        write_scores(scores, storage, job.out, model, engine)
        bar.end()
    return ScoredFile(model, moment, scores.leads, scores.actions)


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
