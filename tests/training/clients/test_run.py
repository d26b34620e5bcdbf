"""Many clients: what fails is named and stops nobody, what is finished is kept, and two never write over each other."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

import training.clients.run
from features.common.errors import ConfigError
from features.partitions.executor import Inline
from tests.training.clients import workers
from training.__main__ import app
from training.clients.jobs import ClientJob, train_client
from training.clients.plan import matching_files, read
from training.clients.row import FAILED, REUSED, TRAINED, Row
from training.clients.run import concurrency, run
from training.common.config import Config

ROOT = Path(__file__).resolve().parents[3]


def client(home: Path, name: str, more: str = "", file: str = "") -> Path:
    path = home / f"{file or name}.yaml"
    engine = "" if "engine" in more else "engine: {workers: 1}\n"  # each worker takes seconds to import everything
    path.write_text(f"name: {name}\nsource: {{kind: simulator, leads: 100}}\n{engine}{more}", encoding="utf-8")
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder in which a training is only stood in for."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("training.clients.run.tracking.connect", lambda: None)
    monkeypatch.setattr(training.clients.run, "train_one", workers.stand_in)
    return tmp_path


@pytest.fixture
def inline(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same in this very process: workers take seconds to start."""
    monkeypatch.setattr(training.clients.run, "_engine", lambda *_: nullcontext(Inline()))
    return home


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
    assert trained(["*.yaml"], again=True)[0]["a"].status == TRAINED


def test_a_client_that_cannot_contribute_is_not_trained_and_named_once(inline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training.clients.run, "give_one", workers.gives_nothing)
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


@pytest.mark.parametrize("second", ["acme", "ACME"])
def test_two_of_one_name_are_refused_before_anything_runs(home: Path, second: str) -> None:
    client(home, "acme", file="one"), client(home, second, file="two")
    with pytest.raises(ConfigError, match=r"one\.yaml and two\.yaml have the same name: '(acme|ACME)'; nothing was run"):
        run(["*.yaml"])
    assert not (home / "artefacts").exists()


def test_two_with_one_folder_are_refused(home: Path) -> None:
    for name in ("a", "b"):
        client(home, name, "engine: {folder: shared}\n")
    with pytest.raises(ConfigError, match=r"a\.yaml and b\.yaml have the same folder of buckets: .*shared"):
        run(["*.yaml"])


def test_nothing_matches() -> None:
    with pytest.raises(ConfigError, match=r"No configuration matches 'nowhere/\*\.yaml'"):
        matching_files(["nowhere/*.yaml"])


def test_the_pool_of_all_is_for_those_that_name_none(inline: Path) -> None:
    files = [client(inline, "a"), client(inline, "b", "pool: agency\n")]
    pools = [[c.config.pool for c in read(files, pool)[0]] for pool in (None, True, False)]
    assert pools == [[None, "agency"], ["all", "agency"], [None, None]]


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


def test_what_is_wrong_in_a_worker_is_a_row(tmp_path: Path) -> None:
    """Real work: a dataset that is not there, and a mistake of ours whose traceback is in the log."""
    config = Config.read(client(tmp_path, "a")).changed(source=None, dataset=Path("nowhere"))
    row = train_client(ClientJob(config, tmp_path / "a"))
    assert "nowhere" in row.reason
    assert row.remedy
    row = train_client(ClientJob(config.changed(dataset=3), tmp_path / "a"))
    assert "says where" in row.remedy
    assert "Traceback" in (tmp_path / "a" / "training.log").read_text(encoding="utf-8")


def test_ctrl_c_ends_the_workers(tmp_path: Path) -> None:
    """SIGINT to the process that started them, and to it alone."""
    for name in ("slow-1", "slow-2"):
        client(tmp_path, name, "engine: {workers: 2}\n")
    code = (
        "import training.clients.run as r, tests.training.clients.workers as w; r.train_one = w.stand_in\n"
        "r.tracking.connect = lambda: None\n"
        "from training.__main__ import app; app(['train-all', 'slow-*.yaml'])"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}) as job:
        pids = [_pid(tmp_path / "artefacts" / "clients" / name / "pid") for name in ("slow-1", "slow-2")]
        job.send_signal(signal.SIGINT)
        assert job.wait(30) == 130
    assert not [pid for pid in pids if _alive(pid)]


def test_workers_end_with_whoever_started_them(tmp_path: Path) -> None:
    """Killed, it cannot take them away; they go by themselves, so that the next run finds the folders free."""
    client(tmp_path, "slow-1")
    code = (
        "import training.clients.run as r, tests.training.clients.workers as w; r.train_one = w.stand_in\n"
        "r.tracking.connect = lambda: None\n"
        "from training.__main__ import app; app(['train-all', 'slow-1.yaml'])"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}) as job:
        pid = _pid(tmp_path / "artefacts" / "clients" / "slow-1" / "pid")
        job.kill()
    until = time.monotonic() + 20
    while _alive(pid) and time.monotonic() < until:
        time.sleep(0.1)
    assert not _alive(pid)


def _pid(file: Path) -> int:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if file.is_file() and file.read_text(encoding="utf-8"):
            return int(file.read_text(encoding="utf-8"))
        time.sleep(0.1)
    raise AssertionError(f"{file} never came")


def _alive(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    try:
        return state.read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
