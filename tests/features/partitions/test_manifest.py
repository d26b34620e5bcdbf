"""The manifest of a partition: plain JSON, of one version, there only when all is there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from features.common.errors import DataError
from features.partitions.lead_tables import read_all
from features.partitions.manifest import NAME, Manifest
from features.partitions.storage import Storage
from tests.features.partitions.worlds import partitioned, world


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


def test_columns_without_a_history_are_known_of_a_partition_too(tmp_path: Path) -> None:
    place, manifest = partitioned(replace(world(9), without_history=("lead.size",)), tmp_path)
    saved = Manifest.read(place)
    assert read_all(place, saved.whole, saved).without_history == ("lead.size",)
    assert manifest.digest != replace(manifest, without_history=()).digest


def test_a_manifest_is_plain_json(tmp_path: Path) -> None:
    _, manifest = partitioned(world(12), tmp_path)
    saved = json.loads((tmp_path / NAME).read_text())
    assert {s["rows"] for s in saved["buckets"][0]["segments"]} == {manifest.buckets[0].rows}
