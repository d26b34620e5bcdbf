"""Folders as people have them: what each file is taken for, and that the proposal is read as it stands or nothing is proposed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from features.common.errors import DataError
from tests.connectors.exports.folders import FOLDERS, Folder
from training.common.config import Config
from training.data.load import load
from training.jobs.csv_check import run


def written(folder: Folder, path: Path) -> Path:
    for name, text in folder.files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_is_recognised_and_its_proposal_is_read(name: str, tmp_path: Path) -> None:
    """The words of csv-check, and the dataset that its YAML makes by the road of `make dataset`."""
    folder = FOLDERS[name]
    written(folder, tmp_path / "exports")
    out, page = tmp_path / "mine.yaml", io.StringIO()
    console = Console(file=page, width=10_000)
    if folder.rows:
        proposal = run(tmp_path / "exports", out, console)
        data, report = load(Config.read(out))
        assert {k: n for k, n in report.rows.items() if n} == folder.rows
        assert tuple(proposal.funnel["stages"]) == folder.stages
        for file, words in folder.unused.items():
            assert words in proposal.unused[file]
        assert not data.leads.empty
    else:
        with pytest.raises(DataError, match="No configuration can be proposed"):
            run(tmp_path / "exports", out, console)
        assert not out.exists()
    text = page.getvalue()
    for file, title in folder.titles.items():
        line = next(line for line in text.splitlines() if line.startswith(f"{file}:"))
        assert title in line
    for words in folder.asks:
        assert any(words in line for line in text.splitlines() if line.startswith("Question:")), text
    assert "Ada" not in text
    assert "example" not in text.replace("for example", "")
