"""The tasks: which data, by which mapping, without which columns, and how they are split."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.pairs.edition import edition
from benchmarks.pairs.files import Prepare, leadforge, loan, prepared_files
from features.dataset.dataset import Dataset
from training.common.config import Config
from training.data.load import load

ROOT = Path(__file__).resolve().parents[2]
MAPPINGS = ROOT / "benchmarks" / "real"
ORIGINS = (0.55, 0.7, 0.85)
HELD_OUT = 0.4  # of the accounts, where a task is split by account too
TIERS = ("intro", "intermediate", "advanced")
SEEDS = (1, 2)


@dataclass(frozen=True)
class Task:
    """One data set and what is asked of it.

    `mapping` is a YAML of benchmarks/real, `folder` its folder among the data (none: `prepare` makes everything). `leaks` are
    columns that no source may see: they are filled in once the outcome is known. `origins`: shares of the landmarks whose
    outcome is known by now that lie before each origin. `by_account`: other accounts are judged than those learned from.
    """

    name: str
    mapping: str
    folder: str | None
    leaks: tuple[str, ...] = ()
    prepare: Prepare | None = None
    origins: tuple[float, ...] = ORIGINS
    by_account: bool = False

    @property
    def edition(self) -> str:
        """Of all that makes its datasets, beside the product."""
        files = (f"benchmarks/real/{self.mapping}.yaml", "benchmarks/real/rules", "benchmarks/pairs/files.py")
        words = f"{edition(files)} {self.leaks} {self.origins} {self.by_account} {HELD_OUT}"
        return hashlib.sha256(words.encode()).hexdigest()[:6]


def _flat(name: str, mapping: str, folder: str, *leaks: str, prepare: Prepare | None = None) -> Task:
    return Task(name, mapping, folder, leaks, prepare)


AFTERWARDS = ("Tags", "Lead Quality", "Lead Profile", "Asymmetrique Activity Index", "Asymmetrique Profile Index",
              "Asymmetrique Activity Score", "Asymmetrique Profile Score", "Last Notable Activity", "Last Activity",
              "Lead Number")  # fmt: skip
CERTAIN = ("user_activity_var_2", "user_activity_var_9", "user_activity_var_10")

WORLDS = tuple(
    Task(
        f"leadforge-{tier}-{seed}",
        "leadforge",
        None,
        prepare=leadforge(seed, tier),
        origins=(0.79, 0.88, 0.94),  # all leads come within a month: before, a training is refused, nothing had matured
        by_account=True,
    )
    for tier in TIERS
    for seed in SEEDS
)
TASKS = {
    task.name: task
    for task in (
        Task("olist", "olist", "olist"),
        Task("bpic2012", "bpic2012", "bpic2012", origins=(0.75, 0.83, 0.91)),  # before, nothing had matured at the cut
        Task("learning", "learning", "learning"),
        _flat("x-education", "x-education", "x-education", *AFTERWARDS),
        _flat("bank", "bank", "bank", "duration"),
        _flat("saas-offer", "saas-offer", "saas"),
        _flat("saas-won", "saas-won", "saas"),
        _flat("saas-deal", "saas-deal", "saas"),
        _flat("saas-deal-plain", "saas-deal", "saas", "Discount code"),
        _flat("loan", "loan", "loan", prepare=loan),
        _flat("smart", "smart", "smart", *CERTAIN),
        _flat("hillstrom", "hillstrom", "hillstrom"),
        *WORLDS,
    )
}


def read_task(task: Task, data: Path, cache: Path, rows: int | None = None) -> tuple[Config, Dataset] | None:
    """The configuration and the whole dataset, all outcomes in it; with `rows` only so many of the newest leads.

    None, with a word on the screen, where the data are not there.
    """
    source = data / task.folder if task.folder else data
    if task.folder and not source.is_dir():
        print(f"{task.name}: skipped, there is no folder {source}. benchmarks/real/{task.mapping}.yaml says what it holds.")
        return None
    folder = prepared_files(task.folder or task.name, task.prepare, source, cache) if task.prepare else source
    config = Config.read(MAPPINGS / f"{task.mapping}.yaml")
    attributes = config.attributes.model_copy(update={"exclude": [*config.attributes.exclude, *task.leaks]})
    config = config.changed(name=task.name, attributes=attributes)
    dataset = load(config, folder=folder)[0]
    if rows:
        newest = dataset.leads.sort_values("created_at", kind="stable").tail(rows)
        dataset = keep_leads(dataset, dataset.leads["lead_id"].isin(newest["lead_id"]).to_numpy(bool))
    return config, dataset


def keep_leads(dataset: Dataset, keep: npt.NDArray[np.bool_]) -> Dataset:
    """The dataset of some leads (n,), with all that is theirs."""
    leads = dataset.leads[keep].reset_index(drop=True)
    ids = leads["lead_id"].astype("str")

    def theirs(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[frame["lead_id"].astype("str").isin(ids)].reset_index(drop=True)

    changes = dataset.attribute_changes
    return replace(
        dataset,
        leads=leads,
        interactions=theirs(dataset.interactions),
        lead_stages=theirs(dataset.lead_stages),
        deals=theirs(dataset.deals),
        attribute_changes=changes[(changes["entity"] != "lead") | changes["id"].astype("str").isin(ids)],
    )
