"""Two jobs on one folder do not meet."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.common.errors import DataError
from features.partitions.lock import folder_lock
from features.partitions.storage import Storage


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
