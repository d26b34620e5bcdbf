"""For each CRM as a user would: check, import, train, write back; again, and the second time next to nothing moves."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.connectors.crm.crms import SECRETS, Crm, site
from tests.connectors.crm.world import world
from tests.connectors.crm.writing import deploy

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.slow
def test_in_and_out_twice(crm: Crm, tmp_path: Path) -> None:
    """1,500 leads; processes of their own; no secret in anything that is left behind, MLflow's database among it."""
    with site(crm, world(1_500), tmp_path) as here:
        if crm.kind == "salesforce":
            deploy(here.fake)
        config = str(tmp_path / f"{crm.kind}.yaml")
        environment = {
            **os.environ,
            **SECRETS,
            "PYTHONPATH": str(ROOT),
            "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db",
        }

        def run(*words: str) -> str:
            command = [sys.executable, "-m", "training", *words]
            done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
            return done.stdout + done.stderr

        said = run("crm-check", "--crm", crm.kind)
        said += run("import", "--crm", crm.kind)
        said += run("train", "--config", config)
        dry = run("write-back", "--crm", crm.kind)
        assert "Nothing was written" in dry
        assert not [n for n in here.dataset.leads["lead_id"] if here.crm.seen(here.fake, str(n), "score") not in (None, "")]
        first = run("write-back", "--crm", crm.kind, "--send")
        written = [n for n in here.dataset.leads["lead_id"] if here.crm.seen(here.fake, str(n), "score") not in (None, "")]
        assert f"{len(written):,} records written" in first
        assert len(written) > 100
        assert "0 records written" in run("write-back", "--crm", crm.kind, "--send")
        assert "\n0 rows in" in "\n" + run("import", "--crm", crm.kind)
        # minutes have gone by since the first import, and what was written is a moment's score
        again = re.search(r"([\d,]+) records written", run("write-back", "--crm", crm.kind, "--send"))
        assert again
        assert int(again[1].replace(",", "")) <= len(written) // 100
        kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        for secret in SECRETS.values():
            assert secret.encode() not in kept
            assert secret not in said + dry + first
