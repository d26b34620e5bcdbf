"""Trees grown from buckets are those grown from memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import lightgbm as lgb
import numpy as np
import pytest

from features.dataset.dataset import Dataset
from features.dataset.validate import validate
from features.partitions.executor import Inline, run_all, run_exclusive
from features.partitions.matrix import Store
from features.partitions.memory import Budget
from features.partitions.partition import partition
from features.partitions.storage import Storage
from tests.raw import raw_in_memory
from tests.training.executors.deadly import Killing
from tests.training.scale.worlds import ENGINE, config_of
from training.common.config import Config
from training.data.prepare import column_signs, prepare
from training.executors.dask import cluster
from training.executors.local import LocalEngine
from training.scale.boost import Boosting, boost, reference, settings
from training.scale.select import SelectedExamples, Selection, SelectionTask, select
from training.scale.stream import build, read
from training.scale.training_data import rules_of

# splits that are as good as each other to the last digits are chosen by the order of addition; with so few rows that
# happens with strong regularisation and coarse bins
NO_TIES = {"lambda_l2": 0.0, "max_bin": 255, "min_data_in_leaf": 0, "min_sum_hessian_in_leaf": 4.0}
# all rows and all columns for each tree, so that nothing is drawn
WHOLE = {"bagging_fraction": 1.0, "bagging_freq": 0, "path_smooth": 0.0, "feature_fraction": 1.0}


class Grown(NamedTuple):
    """What is to be selected and grown, and where it lies."""

    tasks: list[SelectionTask]
    selected: tuple[Selection, ...]
    boosting: Boosting
    out: Storage
    config: Config


def grown_from(few: Dataset, folder: Path) -> Grown:
    """The rows of all buckets, selected one by one in this process."""
    few.write(folder / "set")
    config = config_of(folder)
    place, out = Storage.from_path(folder / "data"), Storage.from_path(folder / "matrix")
    with raw_in_memory(few) as raw:
        partition(place, raw, config.funnel.build(), Inline(Budget(bucket=8_000)))
    streamed = read(config, place, out, rules_of(config), ENGINE)
    build(streamed, ENGINE)
    head, spec = streamed.manifest.head, streamed.spec
    tasks = [
        SelectionTask(place, head, b, Store(out), spec, 0, None, 1.0, f"examples/{b.number:05d}.npz")
        for b in streamed.manifest.buckets
    ]
    selected = tuple(select(task) for task in tasks)
    assert all(isinstance(s, Selection) for s in selected)
    parameters = {**WHOLE, **NO_TIES, "num_leaves": 7}
    signs = column_signs(streamed.facts.feature_set, streamed.facts.rules)
    boosting = Boosting(Store(out), spec.model_columns, selected, parameters, 8, signs=signs)
    return Grown(tasks, selected, boosting, out, config)


def test_trees_of_all_accounts_equal_those_from_memory_on_the_same_bins(few: Dataset, tmp_path: Path) -> None:
    tasks, selected, task, out, config = grown_from(few, tmp_path)
    text = boost(task)
    clean, _ = validate(few, config.funnel.build())
    prepared = prepare(clean, config, config.funnel.build(), rules_of(config))
    everyone = np.ones(len(prepared.looks), bool)
    assert task.signs is not None
    assert task.signs.tolist() == prepared.signs.tolist()
    examples = prepared.examples(0, prepared.labels(prepared.extracted_at), everyone)
    bins = reference(task, selected)
    data = bins.create_valid(examples.x.astype(np.float64), label=examples.y, weight=examples.weight)
    plain = lgb.train(settings(task), data, num_boost_round=8).predict(examples.x, raw_score=True)
    grown = lgb.Booster(model_str=text).predict(examples.x, raw_score=True)
    np.testing.assert_allclose(grown, plain, atol=1e-9)
    assert sum(len(SelectedExamples.read(out, s.file).row) for s in selected) == len(examples)
    with LocalEngine(Budget(workers=2)) as local:
        killing = Killing(local, tmp_path)  # a worker dies in the middle of selecting, another one of growing trees
        assert run_all(killing, select, tasks, [t.file for t in tasks]) == list(selected)
        assert run_exclusive(killing, boost, task, "trees") == text
    assert (tmp_path / "killed-in-boost").exists()


@pytest.mark.slow
def test_workers_of_a_cluster_that_die_while_trees_grow_cost_nothing(few: Dataset, tmp_path: Path) -> None:
    tasks, selected, task, *_ = grown_from(few, tmp_path)
    with cluster(None, 2, Budget()) as engine:
        killing = Killing(engine, tmp_path)
        assert run_all(killing, select, tasks, [t.file for t in tasks]) == list(selected)
        assert run_exclusive(killing, boost, task, "trees") == boost(task)
    assert (tmp_path / "killed-in-select").exists()
    assert (tmp_path / "killed-in-boost").exists()


def test_trees_do_without_columns_that_are_hidden(few: Dataset, tmp_path: Path) -> None:
    _, _, task, _, _ = grown_from(few, tmp_path)
    used = np.flatnonzero(lgb.Booster(model_str=boost(task)).feature_importance())
    hidden = tuple(used[::2].tolist())
    left = np.flatnonzero(lgb.Booster(model_str=boost(replace(task, hidden=hidden))).feature_importance())
    assert len(left)
    assert not set(hidden) & set(left.tolist())
