"""What a training starts from: everything in memory, or a partitioned dataset of which as much is taken as memory holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset
from features.partitions.lock import locked
from models.model import FunnelModel
from models.rules.rules import Rules
from training.common.config import Config
from training.common.overall_progress import Overall
from training.common.progress import Steps
from training.data.load import load
from training.data.prepare import Prepared, prepare
from training.executors import opened
from training.fit.funnel_fit import Fit
from training.scale.grow import Grown, grow
from training.scale.memory import Room
from training.scale.source import partitioned, streams
from training.scale.stream import build, place_of, read, sample, size_of


@dataclass
class Supply:
    """Data and landmarks of a training, the configuration as it holds for them, and what goes on `beyond` them.

    `share` of the accounts are in `dataset`; where it is less than all, `grown` says how far the trees went.
    """

    config: Config
    dataset: Dataset
    report: DataReport
    prepared: Prepared
    beyond: Callable[[Fit], Fit] | None = None
    share: float = 1.0
    grown: list[Grown] = field(default_factory=list)

    def completed(self, model: FunnelModel, config: Config) -> FunnelModel:
        """The model as it holds for all accounts: capacities are those of the whole business again."""
        if self.share >= 1:
            return model
        known = f"engine: settings, calibration, the linear learner and all figures are of {self.share:.1%} of the accounts, "
        notes = (
            known + "as many as `engine: memory:` holds; figures a week are theirs",
            *(
                f"engine: the trees of {g.target} have seen {g.rows:,} landmarks of "
                + ("all accounts" if g.share >= 1 else f"{g.share:.1%} of the accounts, as many as fit into memory as bins")
                for g in self.grown
            ),
        )
        policy = replace(model.policy, capacity_per_week=config.sales.capacity_per_week)
        return replace(model, policy=policy, notes=(*model.notes, *notes))


@contextmanager
def supply(config: Config, folder: Path | None, steps: Steps) -> Iterator[Supply]:
    """What the configuration names, ready to learn from.

    Raises
    ------
    RipelineError
        for anything the user can put right.
    """
    if streams(config):
        with streamed(config, folder, steps) as found:
            yield found
        return
    reading = steps.step("Reading the data")
    dataset, report = load(config, folder=folder, progress=lambda _, done, of: reading(done, of))
    reading(1, 1)
    prepared = prepare(dataset, config, config.funnel.build(), rules_of(config), steps.step("Building features"))
    yield Supply(config, dataset, report, prepared)


def rules_of(config: Config) -> Rules:
    """The rules that the configuration names, else the default ones that fit its funnel."""
    return Rules.read(config.path(config.rules)) if config.rules else Rules.read().within(config.funnel.stages)


@contextmanager
def streamed(config: Config, folder: Path | None, steps: Steps) -> Iterator[Supply]:
    """Out of core, by way of buckets: partition, build the matrix, and take as many accounts as memory holds.

    Raises
    ------
    RipelineError
        for anything the user can put right; what was finished is kept.
    """
    bar = Overall(steps, "Buckets and features", {"partition": 40, "read": 5, "build": 45, "sample": 10})
    out = place_of(config) / "matrix"
    with opened(config) as engine, locked(out, "training"):
        data = partitioned(config, engine, folder=folder, tick=bar.stage("partition"))
        found = read(config, data, out, rules_of(config), engine, bar.stage("read"))
        build(found, engine, bar.stage("build"))
        engine.rest()  # the memory is the training's now
        bar.stage("sample")
        cluster = config.engine.kind == "dask"
        room = Room.of(config.engine.memory, found.manifest.rows, size_of(found), engine.budget.workers, cluster=cluster)
        part = sample(found, room.share)
        mine = _scaled(config, room.share)
        prepared = prepare(part, mine, found.facts.funnel, found.facts.rules, facts=found.facts)
        bar.end()
        given = Supply(mine, part, found.report, prepared, share=room.share)

        def beyond(fit: Fit) -> Fit:
            tick = steps.step("Trees of all accounts", len(fit.transitions))
            fitted, given.grown = grow(found, fit, engine, room.trees, apart=config.engine.boost == "apart", tick=tick)
            return fitted

        given.beyond = beyond if room.share < 1 or config.engine.boost == "apart" else None
        yield given


def _scaled(config: Config, share: float) -> Config:
    """The configuration with capacities for a share of the leads."""
    if share >= 1:
        return config
    weekly, nurturing = config.sales.capacity_per_week, config.nurturing.per_week
    sales = config.sales.model_copy(update={"capacity_per_week": weekly and weekly * share})
    return config.changed(
        sales=sales, nurturing=config.nurturing.model_copy(update={"per_week": nurturing and nurturing * share})
    )
