"""The last step of a training beyond memory: the trees of every transition grow again, on the landmarks of all accounts.

Everything else was learned and judged on the accounts that fit into memory: settings, weights of the blend, calibration,
intervals, and the linear learner. The trees have more to learn from more rows, and their bins fit where the rows do not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import lightgbm as lgb
import numpy as np

from features.partitions.executor import Engine, run_all, run_exclusive
from features.partitions.memory import cores
from models.calibration.transition import Transition
from models.learners.gbm import Gbm, allowed
from training.data.prepare import column_signs
from training.fit.funnel_fit import Fit
from training.scale.boost import Boosting, boost
from training.scale.select import SelectedExamples, Selection, SelectionTask, select
from training.scale.stream import StreamedData, size_of

Tick = Callable[[int, int], None]


@dataclass(frozen=True)
class GrownTrees:
    """How many landmarks of which share of the accounts the trees of a target have seen."""

    target: str
    rows: int
    share: float


def grow(streamed: StreamedData, fit: Fit, engine: Engine, room: int, tick: Tick | None = None) -> tuple[Fit, list[GrownTrees]]:
    """The fit with trees from all accounts, or from as many as the bins of fit into `room` bytes.

    Raises
    ------
    DataError
        if a bucket is damaged; it is named.
    """
    bin_rows, share = size_of(streamed).bins(room)
    targets = streamed.spec.funnel.targets
    grown_trees, transitions = [], []
    for target, transition in enumerate(fit.transitions):
        if not transition.boosters:
            transitions.append(transition)
        else:
            grown_transition, rows = _grown(streamed, fit, target, engine, share, bin_rows)
            transitions.append(grown_transition)
            grown_trees.append(GrownTrees(targets[target], rows, share))
        if tick:
            tick(target + 1, len(targets))
    streamed.store.storage.remove("examples")
    return replace(fit, transitions=tuple(transitions)), grown_trees


def _grown(
    streamed: StreamedData, fit: Fit, target: int, engine: Engine, share: float, bin_rows: int
) -> tuple[Transition, int]:
    transition = fit.transitions[target]
    trees = fit.settings[transition.target].trees
    assert trees is not None  # noqa: S101  the transition has trees
    head = streamed.manifest.head
    tasks = [
        SelectionTask(
            streamed.data, head, bucket, streamed.store, streamed.spec, target,
            fit.censoring_fits.get(transition.target), share, f"examples/{transition.target}/{bucket.number:05d}.npz",
        )
        for bucket in streamed.manifest.buckets
    ]  # fmt: skip
    selected = tuple(s for s in run_all(engine, select, tasks, streamed.labels) if s.rows)
    total = positive = 0.0
    for selection in selected:
        chosen = SelectedExamples.read(streamed.store.storage, selection.file)
        total, positive = total + float(chosen.weight.sum()), positive + float(chosen.weight[chosen.y].sum())
    rows = sum(s.rows for s in selected)
    task = Boosting(
        streamed.store, streamed.spec.model_columns, selected, trees.params, trees.count, bin_rows,
        None if engine.distributed else allowed() or cores(), column_signs(streamed.facts.feature_set, streamed.facts.rules),
        # outcomes of all accounts, in the order in which they were known, are in no worker's memory
        tuple(np.flatnonzero(streamed.facts.feature_set.level_targets >= 0).tolist()),
    )  # fmt: skip
    text = run_exclusive(engine, boost, task, f"trees of {transition.target}")
    booster = Gbm(lgb.Booster(model_str=text), {"learner": "gbm", "trees": trees.count, "rows": rows, **trees.params})
    return replace(
        transition,
        boosters=(booster,),
        constant=(1 - sum(transition.weights)) * float(np.log(positive + 0.5) - np.log(total - positive + 0.5)),
        log={**transition.log, "rows_of_trees": rows, "share_of_trees": round(share, 4)},
    ), rows


__all__ = ["GrownTrees", "Selection", "grow"]
