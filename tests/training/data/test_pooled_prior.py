"""The file of a pooled prior: it comes back as it was, damage is named, and columns find their places."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from features.common.errors import ConfigError
from training.data.pooled_prior import ColumnPrior, Prior, TransitionPrior


def test_the_file_comes_back_as_it_was(tmp_path: Path) -> None:
    prior = Prior("agency", {"mql": TransitionPrior(3, -1.5, 0.4, {"a": ColumnPrior(True, 1.0, 2.0, 0.0, 0.3, 1.2, 3)})})
    assert Prior.read(prior.write(tmp_path / "p.json")) == prior
    assert Prior.read(tmp_path / "p.json").digest == prior.digest


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": 9}', '{"schema": 1, "pool": "a", "targets": {"mql": {"no": 1}}}'])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.json").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"The pooled prior .*p\.json is damaged"):
        Prior.read(tmp_path / "p.json")


def test_columns_find_their_places() -> None:
    known = ColumnPrior(True, 1.0, 2.0, 0.1, 0.3, 1.2, 3)
    prior = Prior(
        "agency", {"mql": TransitionPrior(3, -1.5, 0.4, {"b": known, "missing: b": replace(known, toward=-0.2), "z": known})}
    )
    found = prior.for_columns("mql", ["a", "b"])
    assert found is not None
    assert found.shared.tolist() == [False, True]
    assert found.toward.tolist() == [0.0, 0.3]
    assert found.missing_toward.tolist() == [0.0, -0.2]
    assert found.spread.tolist() == [1.0, 1.2]
    assert prior.for_columns("sql", ["b"]) is None
    assert prior.for_columns("mql", ["a"]) is None
