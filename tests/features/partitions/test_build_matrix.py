"""The matrix of a partition is what everything in memory gives, to the last bit, also after a damage was put right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.attributes.encoders import AttributeEncoder, AttributeKind
from features.common.errors import DataError
from features.dataset.validate import validate
from features.engine.feature_set import FeatureSet
from features.engine.histories import data_profile
from features.partitions.matrix import Store
from features.partitions.storage import Storage
from features.turning_away import TurningAway
from tests.features.partitions.worlds import FUNNEL, built, in_memory, partitioned, read_matrix, spec_of, turning_away, world


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
    assert data_profile(clean, manifest.tally) == data_profile(clean)
    assert built(place, manifest, out, spec) == 0  # nothing changed, nothing to do


def test_acts_of_turning_away_are_taken_as_in_memory_and_another_choice_of_them_is_another_matrix(tmp_path: Path) -> None:
    dataset = turning_away(world(3))
    place, manifest = partitioned(dataset, tmp_path / "data")
    spec, out = spec_of(dataset), Storage.from_path(tmp_path / "matrix")
    away = spec.feature_set.turning_away
    assert away.types == ("Spam-Beschwerde", "unsubscribed")
    assert "Spam-Beschwerde" not in spec.feature_set.types
    built(place, manifest, out, spec)
    rows = read_matrix(out, manifest, spec)[1]
    np.testing.assert_array_equal(rows, in_memory(dataset, spec)[1])
    column = spec.feature_set.names.index("turned_away.count_ever")
    assert rows[column].sum() > rows[spec.feature_set.names.index("unsubscribed.count_ever")].sum() > 0, "rare ones join in"
    never = replace(spec, feature_set=replace(spec.feature_set, turning_away=TurningAway(("unsubscribed",), away.types[:1])))
    assert not set(spec.columns[spec.feature_set.attribute_columns :]) & set(never.columns)
    assert built(place, manifest, out, never) == rows.shape[1]
    np.testing.assert_array_equal(read_matrix(out, manifest, never)[1], in_memory(dataset, never)[1])


@pytest.mark.parametrize("kind", ["date", "band"])
def test_columns_written_before_their_values_were_read_otherwise_are_not_taken_as_they_are(kind: AttributeKind) -> None:
    """Dates before 1900 count as missing now, and units of ranges are converted; the old key was kind and name."""
    dataset = world(0)
    encoder = AttributeEncoder("lead", "since", kind)
    spec = replace(spec_of(dataset), feature_set=FeatureSet((), (encoder,), ()))
    assert f"lead.since|{kind}|{encoder.names[0]}" not in spec.columns
    later = replace(spec, feature_set=FeatureSet((), (replace(encoder, century=True),), ()))
    assert spec.columns[0] != later.columns[0]


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


def test_columns_of_levels_are_those_of_memory_and_others_where_a_level_has_another_place(tmp_path: Path) -> None:
    dataset = world(4)
    place, manifest = partitioned(dataset, tmp_path / "data")
    specs = []
    for number, levels in enumerate((("ads", "web"), ("web", "ads"))):
        encoder = AttributeEncoder("lead", "source", "level", levels, targets=("mql", "customer"))
        features = replace(spec_of(dataset).feature_set, encoders=(encoder,))
        specs.append(replace(spec_of(dataset), feature_set=features))
        out = Storage.from_path(tmp_path / f"matrix-{number}")
        built(place, manifest, out, specs[-1])
        np.testing.assert_array_equal(read_matrix(out, manifest, specs[-1])[1], in_memory(dataset, specs[-1])[1])
    assert not set(specs[0].columns[:2]) & set(specs[1].columns[:2])
