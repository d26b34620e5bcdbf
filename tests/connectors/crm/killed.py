"""Runs in processes of their own that are killed in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.connectors.crm.crms import SECRETS, Site
from tests.connectors.crm.server import Call

ROOT = Path(__file__).resolve().parents[3]


# so small that a run of sixty leads is landed in many parts
IN_PARTS = """
import connectors.crm.stream as stream
import connectors.marketo.api as marketo
stream.CHUNK = 40
marketo.POLL = 0.001
from pathlib import Path
from training.jobs.crm import run_import
run_import({kind!r}, Path({config!r}))
"""


def killed_at(here: Site, code: str, number: int, path: str = "") -> int:
    """Run code in a process of its own and kill it while its `number`-th call (to `path`) waits; how many calls it made."""
    seen: list[Call] = []
    environment = {**os.environ, **SECRETS, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=here.home, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )

    def hook(call: Call) -> None:
        if path in call.path:
            seen.append(call)
            if len(seen) == number:
                os.kill(process.pid, signal.SIGKILL)

    here.fake.hook = hook
    _, said = process.communicate(timeout=240)
    here.fake.hook = lambda call: None
    assert process.returncode == -signal.SIGKILL, said.decode()[-2000:]
    return len(seen)
