"""The model folder: what is loaded is what was saved, what was changed is refused, and half of one never appears."""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import models.store
from features.common.errors import DataError, ModelError
from models.store import load, save
from tests.trained import Trained


@pytest.fixture
def folder(trained: Trained, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained.folder, tmp_path / "model"))


def test_saved_again_it_scores_the_same(trained: Trained, tmp_path: Path) -> None:
    again = load(save(trained.model, tmp_path / "again"))
    x = np.random.default_rng(0).random((50, len(trained.model.names))).astype(np.float32)
    for mine, theirs in zip(again.transitions, trained.model.transitions, strict=True):
        assert np.array_equal(mine.probability(x), theirs.probability(x))
        assert mine.contributions(x).sum(axis=1) == pytest.approx(mine.margin(x), abs=1e-9)
    assert again.feature_set.checksum == trained.model.feature_set.checksum
    assert again.policy == trained.model.policy


def test_there_is_no_pickle_in_it(trained: Trained) -> None:
    endings = {p.suffix for p in trained.folder.rglob("*") if p.is_file()}
    assert endings <= {".json", ".txt", ".npz", ".yaml"}


@pytest.mark.parametrize("name", ["features.json", "rules.yaml", "customer/linear.npz", "sql/transition.json"])
def test_a_changed_byte_is_refused(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ModelError, match="differs from its checksum"):
        load(folder)


def test_a_missing_file_is_refused(folder: Path) -> None:
    (folder / "reference.json").unlink()
    with pytest.raises(ModelError, match=r"lacks reference\.json"):
        load(folder)


def test_no_folder_and_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is not a model folder"):
        load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("key", "value", "message"), [("format", 99, "model format 99"), ("feature_checksum", "0" * 64, "The features of")]
)
def test_another_format_or_feature_spec_is_refused(folder: Path, key: str, value: object, message: str) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, key: value}))
    with pytest.raises(ModelError, match=message):
        load(folder)


def test_an_unreadable_manifest_is_refused(folder: Path) -> None:
    (folder / "manifest.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        load(folder)


@pytest.mark.parametrize(
    ("fault", "raised"),
    [(OSError(errno.ENOSPC, "No space left on device"), DataError), (KeyboardInterrupt(), KeyboardInterrupt)],
)
def test_half_a_folder_never_appears(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException, raised: type[BaseException]
) -> None:
    """A full disk or Ctrl-C in the middle leaves the old folder as it was and no scratch beside it."""
    target = save(trained.model, tmp_path / "model")
    before = (target / "manifest.json").read_bytes()

    def fail(path: Path, content: object) -> None:
        raise fault

    monkeypatch.setattr(models.store, "_write", fail)
    with pytest.raises(raised, match="No space left" if raised is DataError else None):
        save(trained.model, target)
    assert (target / "manifest.json").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["model"]
    load(target)
