"""Whatever goes wrong in a worker becomes a row."""

from __future__ import annotations

from pathlib import Path

from tests.training.clients.configs import client
from training.clients.jobs import ClientJob, train_client
from training.common.config import Config


def test_what_is_wrong_in_a_worker_is_a_row(tmp_path: Path) -> None:
    """Real work: a dataset that is not there, and a mistake of ours whose traceback is in the log."""
    config = Config.read(client(tmp_path, "a")).changed(source=None, dataset=Path("nowhere"))
    row = train_client(ClientJob(config, tmp_path / "a"))
    assert "nowhere" in row.reason
    assert row.remedy
    row = train_client(ClientJob(config.changed(dataset=3), tmp_path / "a"))
    assert "says where" in row.remedy
    assert "Traceback" in (tmp_path / "a" / "training.log").read_text(encoding="utf-8")
