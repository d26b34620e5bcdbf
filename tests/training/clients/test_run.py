"""Many clients: what fails is named and stops nobody, what is finished is kept, and two never write over each other."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

import training.clients.run
from tests.training.clients import workers
from tests.training.clients.configs import client
from tests.training.executors.processes import alive, pid_in
from training.__main__ import app
from training.clients.row import FAILED, REUSED, TRAINED, Row
from training.clients.run import concurrency, run

ROOT = Path(__file__).resolve().parents[3]


def trained(patterns: list[str], **options: object) -> tuple[dict[str, Row], str]:
    told = io.StringIO()
    rows = run(patterns, console=Console(file=told, width=200), **options)  # type: ignore[arg-type]
    return {row.client: row for row in rows}, told.getvalue()


def test_one_that_fails_stops_nobody_and_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration, data, and a worker; the sound ones end well."""
    monkeypatch.setattr("training.executors.local.MAX_TRIES", 1)
    for name in ("a", "killed", "wrong", "z"):
        client(home, name)
    (home / "typo.yaml").write_text("name: t\nsorce: {}\n", encoding="utf-8")
    rows, told = trained(["*.yaml"])
    assert {name: row.status for name, row in rows.items()} == {
        "a": TRAINED, "z": TRAINED, "killed": FAILED, "wrong": FAILED, "typo": FAILED,
    }  # fmt: skip
    assert "its worker was killed, 1 times" in rows["killed"].reason
    assert "did you mean 'source'" in rows["typo"].reason
    assert all(row.remedy for row in rows.values() if row.status == FAILED)
    assert "wrong: There are no leads." in told
    assert "5 clients: 2 trained, 3 failed." in told
    written = pd.read_csv(home / "artefacts" / "clients" / "summary.csv").set_index("client")
    assert written.loc["a", "log_loss"] == 0.25
    assert written.loc["wrong", "remedy"] == "Give some."
    assert "- **wrong**: There are no leads. Give some." in (home / "artefacts/clients/summary.md").read_text(encoding="utf-8")


def test_even_a_single_one_dies_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.executors.local.MAX_TRIES", 1)
    rows, _ = trained([str(client(home, "killed"))])
    assert rows["killed"].status == FAILED


def test_finished_ones_are_kept_until_something_changes(inline: Path) -> None:
    client(inline, "a"), client(inline, "b")
    trained(["*.yaml"])
    client(inline, "b", "seed: 8\n")
    rows, _ = trained(["*.yaml"])
    assert (rows["a"].status, rows["b"].status) == (REUSED, TRAINED)
    assert trained(["*.yaml"], force=True)[0]["a"].status == TRAINED


def test_a_client_that_cannot_contribute_is_not_trained_and_named_once(inline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training.clients.run, "contribute_one", workers.gives_nothing)
    client(inline, "in", "pool: agency\n"), client(inline, "out")
    rows, told = trained(["*.yaml"])
    assert (rows["in"].status, rows["out"].status) == (FAILED, TRAINED)
    assert told.count("There are no leads.") == 1


def test_a_cluster_that_is_not_there_fails_its_own_clients(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.executors.dask.CONNECT_SECONDS", 0.5)
    client(home, "far", 'engine: {kind: dask, address: "tcp://127.0.0.1:9"}\n')
    rows, _ = trained(["*.yaml"])
    assert rows["far"].reason.startswith("There is no Dask scheduler at tcp://127.0.0.1:9")
    assert "docs/scale.md" in rows["far"].remedy


def test_memory_bounds_how_many_at_once() -> None:
    assert [concurrency(8, 4, memory) for memory in (3, 8, 17, 400)] == [1, 2, 4, 8]


def test_the_command_ends_with_1_where_one_failed(inline: Path) -> None:
    client(inline, "a")
    assert CliRunner().invoke(app, ["train-all", "*.yaml"]).exit_code == 0
    client(inline, "wrong")
    asked = CliRunner().invoke(app, ["train-all", "*.yaml"])
    assert asked.exit_code == 1
    assert "There are no leads." in asked.output
    assert CliRunner().invoke(app, ["train-all", "none*.yaml"]).exit_code == 1


def test_ctrl_c_ends_the_workers(tmp_path: Path) -> None:
    """SIGINT to the process that started them, and to it alone."""
    for name in ("slow-1", "slow-2"):
        client(tmp_path, name, "engine: {workers: 2}\n")
    # the way to the code is not in the environment, so that no worker imports what this one has no use for
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "import training.clients.run as r, tests.training.clients.slow as s; r.ClientJob, r.train_client = s.Job, s.stay\n"
        "r.tracking.connect = lambda: None\n"
        "from training.__main__ import app; app(['train-all', 'slow-*.yaml'])"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=environment) as job:
        pids = [pid_in(tmp_path / "artefacts" / "clients" / name / "pid") for name in ("slow-1", "slow-2")]
        job.send_signal(signal.SIGINT)
        assert job.wait(30) == 130
    assert not [pid for pid in pids if alive(pid)]
