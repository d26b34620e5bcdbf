"""What a worker does not need it does not load: each of these would take tens of megabytes from the memory it may have."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from models.store import save
from tests.tiny import tiny_model

ROOT = Path(__file__).resolve().parent.parent.parent
HEAVY = ("pandas", "pyarrow", "sklearn", "scipy.optimize", "lightgbm", "mlflow", "matplotlib", "dlt", "duckdb")
CODE = """
import json, sys
from pathlib import Path
import serving.service
from serving.server.reload import scorer_of
scorer_of(Path(sys.argv[1]))
from types import SimpleNamespace
from features.engine.request import RequestLead
from serving.api.decision import data_used
lead = RequestLead("L-1", 0, 0, 0, {}, None, {}, (), None)
data_used(SimpleNamespace(live=lead, lead_stage="lead"), SimpleNamespace(people={"L-1": lead}))
print(json.dumps([name for name in sys.argv[2:] if name in sys.modules]))
"""


def test_a_worker_scores_and_explains_without_what_only_training_needs(tmp_path: Path) -> None:
    save(tiny_model(), tmp_path / "model")
    command = [sys.executable, "-W", "ignore", "-c", CODE, str(tmp_path / "model"), *HEAVY]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []
