"""An object store is as good as a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from features.partitions.storage import Storage
from tests.features.partitions.worlds import built, in_memory, partitioned, read_matrix, spec_of, world


def test_an_object_store_is_as_good_as_a_folder(tmp_path: Path) -> None:
    dataset = world(11)
    place, manifest = partitioned(dataset, "memory://ripeline/data")
    spec, out = spec_of(dataset), Storage.from_path("memory://ripeline/matrix")
    built(place, manifest, out, spec)
    np.testing.assert_array_equal(read_matrix(out, manifest, spec)[1], in_memory(dataset, spec)[1])
