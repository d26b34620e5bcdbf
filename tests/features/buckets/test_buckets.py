"""Partition and matrix give what everything in memory gives, to the last bit."""

from __future__ import annotations

import json
import resource
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from connectors.files.load import load_files
from connectors.files.settings import FilesSource
from connectors.files.stream import raw_of_files
from features.common.errors import DataError
from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset
from features.dataset.validate import validate
from features.engine.histories import account_keys, data_profile
from features.partitions.executor import Inline
from features.partitions.frames import whole_dataset
from features.partitions.inputs import in_memory as raw_in_memory
from features.partitions.lead_tables import read_bucket
from features.partitions.lock import folder_lock
from features.partitions.manifest import NAME, Manifest
from features.partitions.matrix import Store
from features.partitions.memory import Budget
from features.partitions.partition import partition
from features.partitions.storage import Storage
from tests.features.buckets.worlds import FUNNEL, SMALL, built, in_memory, read_matrix, spec_of, world


def partitioned(dataset: Dataset, where: Path | str, budget: Budget = SMALL) -> tuple[Storage, Manifest]:
    place = Storage.from_path(where)
    with raw_in_memory(dataset) as raw:
        return place, partition(place, raw, FUNNEL, Inline(budget))


@pytest.mark.parametrize("seed", [0, 1])
def test_features_landmarks_and_facts_are_those_of_memory(tmp_path: Path, seed: int) -> None:
    dataset = world(seed)
    place, manifest = partitioned(dataset, tmp_path / "data")
    assert len(manifest.buckets) > 2
    spec = spec_of(dataset)
    out = Storage.from_path(tmp_path / "matrix")
    computed = built(place, manifest, out, spec)
    index, rows = read_matrix(out, manifest, spec)
    wanted_index, wanted = in_memory(dataset, spec)
    assert computed == len(wanted_index)
    assert index["lead_id"].tolist() == wanted_index["lead_id"].tolist()
    assert index["as_of"].tolist() == wanted_index["as_of"].tolist()
    np.testing.assert_array_equal(rows, wanted)
    clean, _ = validate(dataset, FUNNEL)
    assert manifest.tally.observed(accounts=True, dates=True) == data_profile(clean)
    assert built(place, manifest, out, spec) == 0  # nothing changed, nothing to do


def test_a_bucket_holds_whole_accounts(tmp_path: Path) -> None:
    place, manifest = partitioned(world(2), tmp_path)
    accounts = [set(account_keys(read_bucket(place, manifest, b).leads)) for b in manifest.buckets]
    assert sum(map(len, accounts)) == len(set.union(*accounts))
    assert [min(a) for a in accounts[1:]] == list(manifest.borders)


def test_the_report_says_what_validating_in_memory_says(tmp_path: Path) -> None:
    dataset = world(3)
    _, manifest = partitioned(dataset, tmp_path)
    told = DataReport.from_dict(manifest.report)
    _, wanted = validate(dataset, FUNNEL)
    assert told.rows == wanted.rows
    assert told.period == wanted.period
    facts = {(n.table, n.what.replace("'", ""), n.count) for n in wanted.notes if "before their lead" not in n.what}
    assert {(n.table, n.what, n.count) for n in told.notes} == facts


def test_read_back_it_is_the_dataset_that_validating_gives(tmp_path: Path) -> None:
    dataset = world(4)
    place, _ = partitioned(dataset, tmp_path)
    clean, _ = validate(dataset, FUNNEL)
    found = whole_dataset(place)
    for name, frame in clean.tables.items():
        columns = list(frame.columns)
        texts = [frame[columns].astype("str"), found.tables[name][columns].astype("str")]
        mine, theirs = (t.sort_values(columns, ignore_index=True) for t in texts)
        pd.testing.assert_frame_equal(mine, theirs)


def test_csv_and_parquet_files_go_straight_through_the_database(tmp_path: Path) -> None:
    dataset = world(5)
    dataset.leads.to_csv(tmp_path / "leads.csv", index=False)
    dataset.lead_stages.to_csv(tmp_path / "stages.csv", index=False)
    halves = dataset.interactions.iloc[::2], dataset.interactions.iloc[1::2]
    halves[0].rename(columns={"type": "what"}).assign(lead_id=" " + halves[0]["lead_id"].astype("str")).to_csv(
        tmp_path / "one.csv", index=False, sep=";", na_rep="NULL"
    )
    halves[1].astype(dict.fromkeys(("lead_id", "type", "content", "campaign", "direction"), "str")).to_parquet(
        tmp_path / "two.parquet"
    )
    source = FilesSource.model_validate(
        {
            "folder": str(tmp_path),
            "leads": {"file": "leads.csv"},
            "lead_stages": {"file": "stages.csv"},
            "interactions": [{"file": "one.csv", "columns": {"type": "what"}}, {"file": "two.parquet"}],
            "extracted_at": dataset.extracted_at,
        }
    )
    raw = raw_of_files(source, FUNNEL, tmp_path)
    assert raw is not None
    assert len(raw.rows.queries) == 2
    place = Storage.from_path(tmp_path / "data")
    partition(place, raw, FUNNEL, Inline(SMALL))
    wanted, _ = validate(load_files(source, FUNNEL, tmp_path)[0], FUNNEL)
    columns = list(wanted.interactions.columns)
    found = whole_dataset(place).interactions[columns].astype("str").sort_values(columns, ignore_index=True)
    pd.testing.assert_frame_equal(found, wanted.interactions.astype("str").sort_values(columns, ignore_index=True))


def test_a_mapping_that_translates_values_is_left_to_our_reader(tmp_path: Path) -> None:
    dataset = world(5)
    dataset.leads.to_csv(tmp_path / "leads.csv", index=False)
    dataset.interactions.to_csv(tmp_path / "acts.csv", index=False)
    mapping = {"file": "acts.csv", "values": {"type": {"page_view": "view"}}}
    source = FilesSource.model_validate({"folder": str(tmp_path), "leads": {"file": "leads.csv"}, "interactions": mapping})
    assert raw_of_files(source, FUNNEL, tmp_path) is None


def test_one_account_with_a_tenth_of_all_interactions_has_a_bucket_of_its_own(tmp_path: Path) -> None:
    dataset = world(6, rows=2_000)
    busy = dataset.leads["lead_id"].iloc[0]
    heavy = dataset.interactions.iloc[:400].assign(lead_id=busy)
    dataset = replace(
        dataset, interactions=pd.concat([dataset.interactions.astype({"lead_id": "str"}), heavy], ignore_index=True)
    )
    place, manifest = partitioned(dataset, tmp_path / "data")
    holder = next(b for b in manifest.buckets if busy in set(read_bucket(place, manifest, b).leads["lead_id"]))
    assert holder.rows >= 350
    assert all(b.rows < 500 for b in manifest.buckets if b is not holder)
    spec = spec_of(dataset)
    out = Storage.from_path(tmp_path / "matrix")
    built(place, manifest, out, spec)
    np.testing.assert_array_equal(read_matrix(out, manifest, spec)[1], in_memory(dataset, spec)[1])


def test_a_damaged_bucket_is_named_and_the_others_are_built(tmp_path: Path) -> None:
    dataset = world(7)
    place, manifest = partitioned(dataset, tmp_path / "data")
    spec, out = spec_of(dataset), Storage.from_path(tmp_path / "matrix")
    segment = tmp_path / "data" / manifest.buckets[1].segments[0].name
    whole = segment.read_bytes()
    segment.write_bytes(whole[:-10] + b"0123456789")
    with pytest.raises(DataError, match=r"1 of \d+ parts failed(.|\n)*bucket 00001: .*differs from its checksum"):
        built(place, manifest, out, spec)
    store = Store(out)
    assert [b.number for b in manifest.buckets if store.record(b.number) is None] == [1]
    segment.write_bytes(whole)
    assert 0 < built(place, manifest, out, spec) < len(in_memory(dataset, spec)[0])  # goes on from what is finished
    np.testing.assert_array_equal(read_matrix(out, manifest, spec)[1], in_memory(dataset, spec)[1])


def test_a_half_written_matrix_is_never_read(tmp_path: Path) -> None:
    dataset = world(8)
    place, manifest = partitioned(dataset, tmp_path / "data")
    spec, out = spec_of(dataset), Storage.from_path(tmp_path / "matrix")
    built(place, manifest, out, spec)
    (tmp_path / "matrix" / "00000" / "record.json").unlink()  # what a job leaves that was killed before the end of a bucket
    assert Store(out).record(0) is None
    block = next((tmp_path / "matrix" / "00001").glob("block-*.npy"))
    block.write_bytes(block.read_bytes()[:200])
    record = Store(out).record(1)
    assert record
    with pytest.raises(DataError, match=r"cannot be read as an array|not whole"):
        Store(out).block(record, spec.columns)


def test_a_partition_of_another_version_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = world(9)
    with monkeypatch.context() as before:
        for module in ("manifest", "partition"):
            before.setattr(f"features.partitions.{module}.VERSION", 5)
        partitioned(dataset, tmp_path)
    with pytest.raises(DataError, match=r"of another version of Ripeline(.|\n)*Partition it anew"):
        Manifest.read(Storage.from_path(tmp_path))
    place, manifest = partitioned(dataset, tmp_path)
    assert Manifest.read(place) == manifest


def test_a_partition_that_was_interrupted_is_none_and_goes_on(tmp_path: Path) -> None:
    dataset = world(9)
    place, manifest = partitioned(dataset, tmp_path)
    (tmp_path / NAME).unlink()
    with pytest.raises(DataError, match=r"no partitioned dataset.*goes on where it stopped|no buckets.json"):
        Manifest.read(place)
    assert partitioned(dataset, tmp_path)[1].digest == manifest.digest


def test_a_full_disk_stops_the_sort_and_leaves_what_was_there(tmp_path: Path) -> None:
    """No file may grow beyond 30 kB, which fails as a full disk does: in the middle of a write."""
    place, manifest = partitioned(world(10), tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with raw_in_memory(world(10, rows=9_000)) as raw:
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))
        try:
            with pytest.raises(DataError, match=r"want of room(.|\n)*engine: \{spill|could not be written"):
                partition(place, raw, FUNNEL, Inline(Budget(bucket=4_000)))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert Manifest.read(place).digest == manifest.digest
    assert whole_dataset(place).digest
    assert not list(tmp_path.glob(".spill*"))


def test_what_memory_and_disk_cannot_hold_is_said(tmp_path: Path) -> None:
    dataset = world(10, rows=60_000)
    texts = [f"{i:06d}" + "x" * 1_500 for i in range(len(dataset.interactions))]
    wide = replace(dataset, interactions=dataset.interactions.assign(content=texts))
    with pytest.raises(DataError, match=r"want of room(.|\n)*engine: \{spill"):
        partitioned(wide, tmp_path, Budget(memory=16 * 2**20, disk=2**10, bucket=100_000))


def test_two_jobs_on_one_folder_do_not_meet(tmp_path: Path) -> None:
    for where in (str(tmp_path), "memory://locked"):
        place = Storage.from_path(where)
        with (
            folder_lock(place, "adding"),
            pytest.raises(DataError, match=r"in use by process .* which is adding"),
            folder_lock(place, "x"),
        ):
            pass
        with folder_lock(place, "later"):  # free again
            pass


def test_an_object_store_is_as_good_as_a_folder(tmp_path: Path) -> None:
    dataset = world(11)
    place, manifest = partitioned(dataset, "memory://ripeline/data")
    spec, out = spec_of(dataset), Storage.from_path("memory://ripeline/matrix")
    built(place, manifest, out, spec)
    np.testing.assert_array_equal(read_matrix(out, manifest, spec)[1], in_memory(dataset, spec)[1])


def test_a_manifest_is_plain_json(tmp_path: Path) -> None:
    _, manifest = partitioned(world(12), tmp_path)
    saved = json.loads((tmp_path / NAME).read_text())
    assert {s["rows"] for s in saved["buckets"][0]["segments"]} == {manifest.buckets[0].rows}


def test_interactions_of_nobody_known_are_refused(tmp_path: Path) -> None:
    dataset = world(13)
    lost = replace(dataset, interactions=dataset.interactions.assign(lead_id="X").astype({"lead_id": "str"}))
    with pytest.raises(DataError, match=r"none of its .* rows is of a lead in 'leads'"):
        partitioned(lost, tmp_path)
