"""The store from the command line, as `make load`, `export`, `erase` and `retain` call it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from connectors.simulator.settings import SimulatorSettings
from connectors.simulator.simulate import simulate
from features.dataset.dataset import Dataset
from serving.store import __main__ as commands


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["serving.store", *words])
    with pytest.raises(SystemExit) as ended:
        commands.main()
    return int(ended.value.code or 0)


def test_from_loading_to_erasing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("RIPELINE_STORE", f"sqlite:///{tmp_path}/deep/leads.db")
    monkeypatch.setenv("RIPELINE_RETENTION_DAYS", "interactions=30")
    dataset = simulate(SimulatorSettings(leads=100, days=400, seed=1)).dataset
    dataset.write(tmp_path / "data")
    assert run(monkeypatch, "upgrade") == 0
    assert run(monkeypatch, "empty") == 0
    assert run(monkeypatch, "export", "--out", str(tmp_path / "out")) == 2
    assert "has no leads to export" in capsys.readouterr().err
    assert run(monkeypatch, "load", "--in", str(tmp_path / "data")) == 0
    assert "100 leads" in capsys.readouterr().out
    assert run(monkeypatch, "load", "--in", str(tmp_path / "data")) == 0
    assert "nothing" in capsys.readouterr().out
    assert run(monkeypatch, "empty") == 1
    assert run(monkeypatch, "export", "--out", str(tmp_path / "out")) == 0
    assert len(Dataset.read(tmp_path / "out").interactions) == len(dataset.interactions)
    assert run(monkeypatch, "work-list", "--out", str(tmp_path / "list.csv")) == 0
    told = capsys.readouterr().out
    assert "0 open leads" in told
    assert "Nobody is scored in it yet" in told
    assert (tmp_path / "list.csv").read_text(encoding="utf-8").startswith("rank,lead_id,")
    lead = str(dataset.leads["lead_id"].iloc[7])
    assert run(monkeypatch, "erase", "--lead", lead) == 0
    told = capsys.readouterr().out
    assert "0 left that name it" in told
    assert "searched byte for byte: 0 left" in told
    assert run(monkeypatch, "retain") == 0
    told = capsys.readouterr().out
    assert "kept 30 days" in told
    assert "kept for ever" in told


def test_rows_that_cannot_be_meant_are_told_and_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RIPELINE_STORE", f"sqlite:///{tmp_path}/leads.db")
    dataset = simulate(SimulatorSettings(leads=40, days=300, seed=2)).dataset
    leads, acts = dataset.leads.copy(), dataset.interactions.copy()
    leads.loc[3, "created_at"] = pd.Timestamp("1970-01-01", tz="UTC")
    acts.loc[[5, 6], "at"] = pd.Timestamp("2206-03-01", tz="UTC")
    replace(dataset, leads=leads, interactions=acts).write(tmp_path / "data")
    assert run(monkeypatch, "load", "--in", str(tmp_path / "data")) == 0
    told = capsys.readouterr().out
    assert "leads: 1 row whose created_at lies before 1990 (for example 1970-01-01 00:00, as software writes" in told
    assert "interactions: 2 rows whose at lies after the clock" in told
    assert "39 leads" in told
    assert f"{len(acts) - 2:,} interactions" in told


def test_what_cannot_be_read_is_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "--store", "mysql://u:secret-word@h/d", "upgrade") == 2
    told = capsys.readouterr().err
    assert "names no database that can be a store (mysql)" in told
    assert "secret-word" not in told
    assert run(monkeypatch, "--store", "postgresql://u:secret-word@127.0.0.1:9/d", "upgrade") == 2
    told = capsys.readouterr().err
    assert "cannot be asked" in told
    assert "secret-word" not in told
