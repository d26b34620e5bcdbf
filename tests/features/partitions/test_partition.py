"""A partition holds whole accounts, says what validating says, and refuses what is of nobody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.common.errors import DataError
from features.dataset.data_report import DataReport
from features.dataset.validate import validate
from features.engine.histories import account_keys
from features.partitions.lead_tables import read_bucket
from features.partitions.storage import Storage
from tests.features.partitions.worlds import FUNNEL, built, in_memory, partitioned, read_matrix, spec_of, world


def test_a_bucket_holds_whole_accounts(tmp_path: Path) -> None:
    place, manifest = partitioned(world(2), tmp_path)
    accounts = [set(account_keys(read_bucket(place, manifest, b).leads)) for b in manifest.buckets]
    assert sum(map(len, accounts)) == len(set.union(*accounts))
    assert [min(a) for a in accounts[1:]] == list(manifest.borders)


def test_the_report_says_what_validating_in_memory_says(tmp_path: Path) -> None:
    dataset = world(3)
    _, manifest = partitioned(dataset, tmp_path)
    _, wanted = validate(dataset, FUNNEL)
    assert DataReport.from_dict(manifest.report) == wanted
    assert {n.what.partition(" ")[0] for n in wanted.notes if n.table == "interactions"} == {"rows"}
    assert any("before their lead" in n.what for n in wanted.notes)


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


def test_interactions_of_nobody_known_are_refused(tmp_path: Path) -> None:
    dataset = world(13)
    lost = replace(dataset, interactions=dataset.interactions.assign(lead_id="X").astype({"lead_id": "str"}))
    with pytest.raises(DataError, match=r"none of its .* rows is of a lead in 'leads'"):
        partitioned(lost, tmp_path)
