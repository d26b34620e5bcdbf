"""A dataset that needs more memory gets it."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.crm import compile as compiling
from features.common.errors import DataError
from tests.connectors.crm.compiled import compiled


def test_a_dataset_that_needs_more_memory_gets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "MEMORY_LIMITS", ("1MB",))
    with pytest.raises(DataError, match=r"No dataset could be made of what was landed in .*: Out of Memory"):
        compiled(tmp_path / "a", "ab")
    assert not (tmp_path / "a" / "dataset").exists()
    monkeypatch.setattr(compiling, "MEMORY_LIMITS", ("1MB", "256MB"))
    dataset, report = compiled(tmp_path / "b", "ab", [("a", "b")])
    assert (dataset.leads["lead_id"].tolist(), report.rows["leads"]) == (["b"], 1)
