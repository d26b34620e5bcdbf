"""A training and a batch by way of buckets are those of a dataset in memory."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from features.common.clock import DAY
from features.common.errors import ConfigError
from features.dataset.dataset import Dataset
from features.dataset.validate import validate
from features.partitions.executor import Inline, run_all, run_exclusive
from features.partitions.inputs import in_memory as raw_in_memory
from features.partitions.memory import Budget
from features.partitions.partition import partition
from features.partitions.storage import Storage
from models.batch import score_open
from models.store import save
from tests.tiny import FUNNEL, tiny_model
from tests.training.scale.deadly import Killing
from training.common.config import Config
from training.common.progress import Steps
from training.data.prepare import prepare
from training.executors.dask import cluster
from training.executors.local import LocalEngine
from training.jobs.score_partitions import score_buckets, write_scores
from training.scale.boost import Boosting, boost
from training.scale.source import streams
from training.scale.stream import build, read, sample
from training.scale.training_data import open_training_data, rules_of

ENGINE = Inline(Budget(bucket=15_000))


@pytest.fixture(scope="module")
def few(dataset: Dataset) -> Dataset:
    """300 leads of the simulated CRM, whole accounts."""
    companies = dataset.leads["company_id"].dropna().drop_duplicates().iloc[:100]
    leads = dataset.leads[dataset.leads["company_id"].isin(companies)].reset_index(drop=True)
    ids = leads["lead_id"]
    tables = {
        "leads": leads,
        "companies": dataset.companies[dataset.companies["company_id"].isin(companies)],
        "deals": dataset.deals[dataset.deals["lead_id"].isin(ids)],
        "attribute_changes": dataset.attribute_changes[dataset.attribute_changes["id"].isin(ids)],
        **{name: dataset.tables[name][dataset.tables[name]["lead_id"].isin(ids)] for name in ("interactions", "lead_stages")},
    }
    tables["interactions"] = tables["interactions"].astype(dict.fromkeys(("lead_id", "type"), "str"))
    return Dataset.from_tables(tables, extracted_at=dataset.extracted_at, source="few")


# splits that are as good as each other to the last digits are chosen by the order of addition; with so few rows that
# happens with strong regularisation and coarse bins
NO_TIES = {"lambda_l2": 0.0, "max_bin": 255, "min_data_in_leaf": 0, "min_sum_hessian_in_leaf": 4.0}


def config_of(folder: Path, stream: str = "always", **engine: object) -> Config:
    path = folder / "few.yaml"
    path.write_text(
        "name: few\ndataset: set\nfunnel: {stages: [lead, mql, sql, customer], exits: [disqualified, lost], "
        "horizons: {mql: 30, sql: 45}}\nlandmarks: {ages: [0, 3, 14]}\n"
        f"engine: {{stream: {stream}, workers: 1, bucket: 8000"
        + "".join(f", {name}: {value}" for name, value in engine.items())
        + "}\n",
        encoding="utf-8",
    )
    return Config.read(path)


def test_all_that_a_training_learns_from_is_equal(few: Dataset, tmp_path: Path) -> None:
    few.write(tmp_path / "set")
    config = config_of(tmp_path)
    with Steps(Console(file=None, quiet=True)).running() as steps, open_training_data(config, None, steps) as given:
        found, data = given.prepared, given.dataset
        assert given.share == 1
        assert given.extend_fit is None
    clean, _ = validate(Dataset.read(tmp_path / "set"), config.funnel.build())
    wanted = prepare(clean, config, config.funnel.build(), rules_of(config))
    np.testing.assert_array_equal(found.rows, wanted.rows)
    np.testing.assert_array_equal(found.points.points, wanted.points.points)
    np.testing.assert_array_equal(found.account, wanted.account)
    np.testing.assert_array_equal(found.looks.as_of, wanted.looks.as_of)
    assert found.funnel == wanted.funnel  # with the horizon that is chosen from the data
    assert found.feature_set.checksum == wanted.feature_set.checksum
    assert found.notes == wanted.notes
    assert found.audit == wanted.audit
    assert len(data.interactions) == len(clean.interactions)
    stored = Storage.from_path(tmp_path / "artefacts" / "few" / "scale" / "matrix")
    assert stored.exists("00000/record.json")


@pytest.fixture(scope="module")
def partitioned(few: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("partitioned")
    with raw_in_memory(few) as raw:
        partition(Storage.from_path(home / "data"), raw, FUNNEL, Inline(Budget(bucket=8_000)))
    save(tiny_model(), home / "model")
    return home


@pytest.mark.parametrize("kind", [".csv", ".parquet"])
def test_scores_are_those_of_a_batch_in_memory(few: Dataset, partitioned: Path, tmp_path: Path, kind: str) -> None:
    out, data = Storage.from_path(tmp_path / "matrix"), Storage.from_path(partitioned / "data")
    as_of = few.extracted_at
    clean, _ = validate(few, FUNNEL)
    wanted = score_open(tiny_model(), clean, as_of)
    ticks: list[int] = []
    job = score_buckets(partitioned / "model", data, out, as_of, ENGINE, tick=lambda done, of: ticks.append(done))
    write_scores(job, out, tmp_path / f"scores{kind}", tiny_model(), ENGINE)
    read = pd.read_csv if kind == ".csv" else pd.read_parquet
    found = read(tmp_path / f"scores{kind}")
    assert found["lead_id"].tolist() == wanted["lead_id"].tolist()
    for name in ("p_customer", "points", "expected_value"):
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-12)
    assert found["reasons"].tolist() == wanted["reasons"].tolist()
    assert job.leads == len(wanted)
    assert ticks[-1] == len(ticks)
    again = score_buckets(partitioned / "model", data, out, as_of, ENGINE)
    assert again == job


def test_scores_keep_what_was_recommended_before(few: Dataset, partitioned: Path, tmp_path: Path) -> None:
    clean, _ = validate(few, FUNNEL)
    first = score_open(tiny_model(), clean, few.extracted_at)
    before = {
        str(lead): (action, few.extracted_at - pd.Timedelta(days=1))
        for lead, action in zip(first["lead_id"], first["action"], strict=True)
    }
    out = Storage.from_path(tmp_path)
    job = score_buckets(
        partitioned / "model", Storage.from_path(partitioned / "data"), out, few.extracted_at, ENGINE, previous=before
    )
    wanted = score_open(tiny_model(), clean, few.extracted_at, previous=before)["action"].value_counts()
    assert job.actions == {str(a): int(n) for a, n in wanted.items()}


def test_a_worker_killed_in_features_and_in_scoring_costs_nothing(few: Dataset, partitioned: Path, tmp_path: Path) -> None:
    few.write(tmp_path / "set")
    config, data = config_of(tmp_path), Storage.from_path(partitioned / "data")
    with LocalEngine(Budget(workers=2, bucket=8_000)) as local:
        engine = Killing(local, tmp_path)
        found = read(config, data, Storage.from_path(tmp_path / "one"), rules_of(config), engine)
        rows = [(b.landmarks, b.scanned) for b in build(found, engine)]
        job = score_buckets(partitioned / "model", data, Storage.from_path(tmp_path / "scores"), few.extracted_at, engine)
    wanted = read(config, data, Storage.from_path(tmp_path / "two"), rules_of(config), ENGINE)
    assert rows == [(b.landmarks, b.scanned) for b in build(wanted, ENGINE)]
    alone = score_buckets(partitioned / "model", data, Storage.from_path(tmp_path / "alone"), few.extracted_at, ENGINE)
    assert job == alone
    killed = {path.name.removeprefix("killed-in-") for path in tmp_path.glob("killed-in-*")}
    assert killed == {"follow", "build_buckets", "score_bucket"}


def test_a_part_of_the_accounts_is_whole_accounts(few: Dataset, tmp_path: Path) -> None:
    few.write(tmp_path / "set")
    config = config_of(tmp_path)
    place, out = Storage.from_path(tmp_path / "data"), Storage.from_path(tmp_path / "matrix")
    with raw_in_memory(few) as raw:
        partition(place, raw, config.funnel.build(), ENGINE)
    streamed = read(config, place, out, rules_of(config), ENGINE)
    part = sample(streamed, 0.5)
    assert 0.2 < len(part.leads) / len(few.leads) < 0.8
    kept = set(part.leads["company_id"])
    assert few.leads[few.leads["company_id"].isin(kept)]["lead_id"].isin(part.leads["lead_id"]).all()
    assert set(part.interactions["lead_id"].astype("str")) <= set(part.leads["lead_id"])
    more = sample(streamed, 0.8)
    assert kept <= set(more.leads["company_id"])


def test_trees_of_all_accounts_equal_those_from_memory_on_the_same_bins(few: Dataset, tmp_path: Path) -> None:
    """Grown from a matrix on disk, in one process and on two workers of a cluster with rows of their own."""
    import lightgbm as lgb

    from features.partitions.matrix import Store
    from training.scale.boost import reference, settings
    from training.scale.distributed_boosting import SHARED_SETTINGS, boost_distributed
    from training.scale.select import SelectedExamples, Selection, SelectionTask, select

    few.write(tmp_path / "set")
    config = config_of(tmp_path)
    place, out = Storage.from_path(tmp_path / "data"), Storage.from_path(tmp_path / "matrix")
    with raw_in_memory(few) as raw:
        partition(place, raw, config.funnel.build(), Inline(Budget(bucket=8_000)))
    streamed = read(config, place, out, rules_of(config), ENGINE)
    build(streamed, ENGINE)
    linear = tiny_linear(len(streamed.spec.model_columns))
    tasks = [
        SelectionTask(
            place,
            streamed.manifest.head,
            b,
            Store(out),
            streamed.spec,
            0,
            linear,
            None,
            1.0,
            f"examples/{b.number:05d}.npz",
        )
        for b in streamed.manifest.buckets
    ]
    selected = tuple(select(task) for task in tasks)
    assert all(isinstance(s, Selection) for s in selected)
    newest = max(s.newest for s in selected)
    task = Boosting(
        Store(out),
        streamed.spec.model_columns,
        selected,
        {**SHARED_SETTINGS, **NO_TIES, "num_leaves": 7},
        8,
        True,
        200.0 * DAY,
        newest,
        1.0,
    )
    text = boost(task)
    clean, _ = validate(few, config.funnel.build())
    prepared = prepare(clean, config, config.funnel.build(), rules_of(config))
    everyone = np.ones(len(prepared.looks), bool)
    examples = prepared.examples(0, prepared.labels(prepared.extracted_at), everyone)
    weight = np.exp2((examples.as_of - newest) / (200.0 * DAY))
    bins = reference(task, selected)
    data = bins.create_valid(
        examples.x.astype(np.float64), label=examples.y, weight=weight, init_score=linear.margin(examples.x)
    )

    plain = lgb.train(settings(task), data, num_boost_round=8).predict(examples.x, raw_score=True)
    grown = lgb.Booster(model_str=text).predict(examples.x, raw_score=True)
    np.testing.assert_allclose(grown, plain, atol=1e-9)
    assert sum(len(SelectedExamples.read(out, s.file).row) for s in selected) == len(examples)
    with cluster(None, 2, Budget()) as engine:
        killing = Killing(engine, tmp_path)  # a worker dies in the middle of selecting, another one of growing trees
        assert run_all(killing, select, tasks, [t.file for t in tasks]) == list(selected)
        assert run_exclusive(killing, boost, task, "trees") == text
        assert (tmp_path / "killed-in-boost").exists()
    with cluster(None, 2, Budget()) as engine:
        apart = lgb.Booster(model_str=boost_distributed(engine, task)).predict(examples.x, raw_score=True)
    np.testing.assert_allclose(apart, plain, atol=1e-6)


def tiny_linear(columns: int) -> object:
    """A linear learner of any width."""
    from models.common.types import Examples
    from models.learners.linear import linear_learner

    random = np.random.default_rng(0)
    x = random.normal(size=(200, columns)).astype(np.float32)
    at = np.arange(200) * DAY
    return linear_learner(Examples(x, x[:, 0] > 0, np.ones(200), at, np.arange(200), at), 0.01)


def test_size_or_configuration_decide(few: Dataset, tmp_path: Path) -> None:
    few.write(tmp_path / "set")
    assert not streams(config_of(tmp_path, "auto"))
    assert streams(config_of(tmp_path, "auto", memory="20MiB"))
    assert streams(config_of(tmp_path, "always"))
    assert not streams(config_of(tmp_path, "never", memory="20MiB"))
    with raw_in_memory(few) as raw:
        shutil.rmtree(tmp_path / "set")
        partition(Storage.from_path(tmp_path / "set"), raw, FUNNEL, ENGINE)
    assert streams(config_of(tmp_path, "auto"))


def test_settings_of_the_engine_are_checked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"engine.memory is 'much': 'much' is no size; write it like 4GiB"):
        config_of(tmp_path, memory="much")
    with pytest.raises(ConfigError, match=r"engine .*an `address:` is of a Dask scheduler"):
        config_of(tmp_path, address="tcp://x:1")
    with pytest.raises(ConfigError, match=r"engine .*`boost: apart` is for the workers of a cluster; set `kind: dask`"):
        config_of(tmp_path, boost="apart")
