"""A matrix that was only half written is never read."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.common.errors import DataError
from features.partitions.matrix import Store
from features.partitions.storage import Storage
from tests.features.partitions.worlds import built, partitioned, spec_of, world


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
