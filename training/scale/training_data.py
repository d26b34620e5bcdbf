"""What a training starts from: everything in memory, or a partitioned dataset of which as much is taken as memory holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset
from features.partitions.lock import folder_lock
from models.model import FunnelModel
from models.rules.rules import Rules
from training.common.config import Config
from training.common.overall_progress import OverallBar
from training.common.progress import Steps
from training.data.load import load
from training.data.prepare import Prepared, prepare
from training.executors import opened
from training.fit.funnel_fit import Fit
from training.scale.grow import GrownTrees, grow
from training.scale.memory import MemoryPlan
from training.scale.source import partitioned, streams
from training.scale.stream import build, read, sample, size_of, storage_of


@dataclass
class TrainingData:
    """Data and landmarks of a training, the configuration as it holds for them, and `extend_fit`, which goes on from a fit.

    `share` of the accounts are in `dataset`; where it is less than all, `grown` says how far the trees went.
    """

    config: Config
    dataset: Dataset
    report: DataReport
    prepared: Prepared
    extend_fit: Callable[[Fit], Fit] | None = None
    share: float = 1.0
    grown: list[GrownTrees] = field(default_factory=list)

    def completed(self, model: FunnelModel, config: Config) -> FunnelModel:
        """The model as it holds for all accounts: capacities are those of the whole business again."""
        if self.share >= 1:
            return model
        scope_note = (
            f"engine: settings, calibration, the linear learner and all figures are of {self.share:.1%} of the accounts, "
        )
        notes = (
            scope_note + "as many as `engine: memory:` holds; figures a week are theirs",
            *(
                f"engine: the trees of {g.target} have seen {g.rows:,} landmarks of "
                + ("all accounts" if g.share >= 1 else f"{g.share:.1%} of the accounts, as many as fit into memory as bins")
                for g in self.grown
            ),
        )
        policy = replace(
            model.policy,
            capacity_per_week=model.policy.capacity_per_week and config.sales.capacity_per_week,
            leads_per_week=model.policy.leads_per_week and model.policy.leads_per_week / self.share,
        )
        return replace(model, policy=policy, notes=(*model.notes, *notes))


@contextmanager
def open_training_data(config: Config, folder: Path | None, steps: Steps) -> Iterator[TrainingData]:
    """What the configuration names, ready to learn from.

    Raises
    ------
    RipelineError
        for anything the user can put right.
    """
    if streams(config):
        with stream_training_data(config, folder, steps) as training_data:
            yield training_data
        return
    reading = steps.step("Reading the data")
    dataset, report = load(config, folder=folder, progress=lambda _, completed, total: reading(completed, total))
    reading(1, 1)
    prepared = prepare(dataset, config, config.funnel.build(), rules_of(config), steps.step("Building features"))
    yield TrainingData(config, dataset, report, prepared)


def rules_of(config: Config) -> Rules:
    """The rules that the configuration names, else the default ones that fit its funnel."""
    return Rules.read(config.path(config.rules)) if config.rules else Rules.read().for_stages(config.funnel.stages)


@contextmanager
def stream_training_data(config: Config, folder: Path | None, steps: Steps) -> Iterator[TrainingData]:
    """Out of core, by way of buckets: partition, build the matrix, and take as many accounts as memory holds.

    Raises
    ------
    RipelineError
        for anything the user can put right; what was finished is kept.
    """
    bar = OverallBar(steps, "Buckets and features", {"partition": 40, "read": 5, "build": 45, "sample": 10})
    matrix_storage = storage_of(config) / "matrix"
    with opened(config) as engine, folder_lock(matrix_storage, "training"):
        data = partitioned(config, engine, folder=folder, tick=bar.stage("partition"))
        streamed = read(config, data, matrix_storage, rules_of(config), engine, bar.stage("read"))
        build(streamed, engine, bar.stage("build"))
        engine.release()  # the memory is the training's now
        bar.stage("sample")
        cluster = config.engine.kind == "dask"
        memory_plan = MemoryPlan.divide(
            config.engine.memory, streamed.manifest.rows, size_of(streamed), engine.budget.workers, cluster=cluster
        )
        part = sample(streamed, memory_plan.share)
        scaled_config = _scaled(config, memory_plan.share)
        prepared = prepare(part, scaled_config, streamed.facts.funnel, streamed.facts.rules, facts=streamed.facts)
        bar.end()
        training_data = TrainingData(scaled_config, part, streamed.report, prepared, share=memory_plan.share)

        def extend_fit(fit: Fit) -> Fit:
            tick = steps.step("Trees of all accounts", len(fit.transitions))
            fitted, training_data.grown = grow(streamed, fit, engine, memory_plan.trees, tick)
            return fitted

        training_data.extend_fit = extend_fit if memory_plan.share < 1 else None
        yield training_data


def _scaled(config: Config, share: float) -> Config:
    """The configuration with capacities for a share of the leads."""
    if share >= 1:
        return config
    weekly, nurturing = config.sales.capacity_per_week, config.nurturing.per_week
    volume = config.sales.leads_per_week
    sales = config.sales.model_copy(
        update={"capacity_per_week": weekly and weekly * share, "leads_per_week": volume and volume * share}
    )
    return config.changed(
        sales=sales, nurturing=config.nurturing.model_copy(update={"per_week": nurturing and nurturing * share})
    )
