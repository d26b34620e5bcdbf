"""The last step of a training beyond memory: the trees of every transition grow again, on the landmarks of all accounts.

Everything else was learned and judged on the accounts that fit into memory: settings, weights of the blend, calibration,
intervals, and the linear learner. The trees have more to learn from more rows, and their bins fit where the rows do not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import lightgbm as lgb
import numpy as np

from features.partitions.executor import Engine, alone, every
from features.partitions.memory import cores
from models.calibration.transition import Transition
from models.learners.gbm import Gbm, allowed
from training.fit.funnel_fit import Fit
from training.scale.boost import Boosting, boost, faded
from training.scale.distributed_boosting import boost_apart, can_apart
from training.scale.select import Chosen, Selected, Selecting, select
from training.scale.stream import Streamed, size_of

Tick = Callable[[int, int], None]


@dataclass(frozen=True)
class Grown:
    """How many landmarks of which share of the accounts the trees of a target have seen."""

    target: str
    rows: int
    share: float


def grow(
    streamed: Streamed, fit: Fit, engine: Engine, room: int, *, apart: bool = False, tick: Tick | None = None
) -> tuple[Fit, list[Grown]]:
    """The fit with trees from all accounts, or from as many as the bins of fit into `room` bytes; where they grow
    `distributed`, bins are of all.

    Raises
    ------
    DataError
        if a bucket is damaged; it is named.
    """
    bin_rows, share = size_of(streamed).bins(room)
    apart = apart and can_apart(engine)
    if apart:
        share = 1.0
    targets = streamed.spec.funnel.targets
    grown, transitions = [], []
    for target, transition in enumerate(fit.transitions):
        if transition.gbm is None and transition.stacked is None:
            transitions.append(transition)
        else:
            found, rows = _grown(streamed, fit, target, engine, share, bin_rows, apart=apart)
            transitions.append(found)
            grown.append(Grown(targets[target], rows, share))
        if tick:
            tick(target + 1, len(targets))
    streamed.store.place.remove("examples")
    return replace(fit, transitions=tuple(transitions)), grown


def _grown(
    streamed: Streamed, fit: Fit, target: int, engine: Engine, share: float, bin_rows: int, *, apart: bool
) -> tuple[Transition, int]:
    transition = fit.transitions[target]
    found = fit.settings[transition.target]
    head = streamed.manifest.head
    tasks = [
        Selecting(
            streamed.data, head, bucket, streamed.store, streamed.spec, target, transition.linear,
            fit.ripening.get(transition.target), share, f"examples/{transition.target}/{bucket.number:05d}.npz",
        )
        for bucket in streamed.manifest.buckets
    ]  # fmt: skip
    selected = tuple(s for s in every(engine, select, tasks, streamed.labels) if s.rows)
    newest = max(s.newest for s in selected)
    sums = np.zeros(3)
    for one in selected:
        chosen = Chosen.read(streamed.store.place, one.file)
        weight = faded(chosen, found.half_life, newest)
        sums += [chosen.weight.sum(), weight.sum(), weight[chosen.y].sum()]
    scale = float(sums[0] / sums[1])
    rows = sum(s.rows for s in selected)

    def booster(trees: int, *, stacked: bool) -> Gbm:
        task = Boosting(
            streamed.store, streamed.spec.model_columns, selected, found.params, trees, stacked, found.half_life, newest, scale,
            bin_rows, None if engine.apart else allowed() or cores(),
        )  # fmt: skip
        text = boost_apart(engine, task) if apart else alone(engine, boost, task, f"trees of {transition.target}")
        log = {"learner": "gbm", "trees": trees, "rows": rows, **found.params}
        return Gbm(lgb.Booster(model_str=text), log)

    yes = scale * sums[2]
    prior = float(np.log(yes + 0.5) - np.log(scale * sums[1] - yes + 0.5))
    return replace(
        transition,
        gbm=booster(found.trees, stacked=False) if transition.gbm else None,
        stacked=booster(found.stacked_trees, stacked=True) if transition.stacked else None,
        prior=prior,
        log={**transition.log, "rows_of_trees": rows, "share_of_trees": round(share, 4)},
    ), rows


__all__ = ["Grown", "Selected", "grow"]
