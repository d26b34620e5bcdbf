"""The memory of who was erased."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.common.errors import DataError
from features.dataset import erasures


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


def test_the_memory_holds_no_ids_and_is_never_taken_for_empty(home: Path) -> None:
    erasures.record_erasure("jane")
    erasures.record_erasure("jane")
    erasures.record_erasure("joe")
    file = home / "erased.json"
    assert erasures.erased_ids(["jane", "jim", "joe"]) == {"jane", "joe"}
    assert b"jane" not in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0
    file.write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="do not remove it"):
        erasures.erased_ids(["jane"])
