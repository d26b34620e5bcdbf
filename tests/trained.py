"""The small model that many tests share: `make train` on a simulated CRM, into an embedded MLflow of its own.

It is trained once per run, whichever worker needs it first, and kept between runs under a hash of all it depends on. Each
worker reads a copy of its own, so no test sees what another wrote. Where nothing is kept, it is trained. `python -m
tests.trained` makes it beforehand.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from models.model import FunnelModel

if TYPE_CHECKING:
    from training.data.prepare import Prepared
    from training.evaluation.holdout import Holdout
    from training.policy.handover import Handover
    from training.train import Outcome

ROOT = Path(__file__).resolve().parents[1]
CACHE_VARIABLE = "RIPELINE_TEST_CACHE"
KEPT_EDITIONS = 3
SIMULATED = {"leads": 1_500, "days": 730, "seed": 3}
# bounded in trials alone: a limit by the clock would give another model on a busy machine
SMALL = """
name: small
source: {kind: simulator, leads: 1500, days: 730, seed: 3}
funnel: {stages: [lead, mql, sql, customer], exits: [disqualified, lost], horizons: {mql: 30, sql: 45, customer: 90}}
landmarks: {ages: [0, 3, 14, 60]}
search: {trials: 2, minutes: 10}
sales: {capacity_per_week: 10, cost_per_contact: 25}
"""


@dataclass(frozen=True)
class Judged:
    """What a training learned from, and how it judged what it learned."""

    prepared: Prepared
    holdout: Holdout
    handover_result: Handover
    model: FunnelModel


@dataclass(frozen=True)
class Trained:
    """A finished training: `home` has mlflow.db, `config` is its YAML, `folder` the champion's model folder."""

    home: Path
    config: Path
    folder: Path
    model: FunnelModel
    printed: str

    @cached_property
    def prepared(self) -> Prepared:
        """The landmarks and features that were trained on; they take a second, the whole `outcome` some more."""
        from training.common.config import Config
        from training.common.progress import Steps, terminal
        from training.scale.training_data import open_training_data

        if "outcome" in self.__dict__:
            return self.outcome.prepared
        with open_training_data(Config.read(self.config), None, Steps(terminal())) as training_data:
            return training_data.prepared

    @cached_property
    def outcome(self) -> Judged:
        """What the training had in memory. It is no file, so a worker that asks for it judges again, which gives the same; the
        model, the report and what is logged are not made anew."""
        from training.common.config import Config
        from training.common.progress import Steps, terminal
        from training.evaluation.holdout import hold_out
        from training.policy.handover import handover

        config = Config.read(self.config)
        holdout = hold_out(self.prepared, config, Steps(terminal()))
        return Judged(self.prepared, holdout, handover(self.prepared, config, holdout), self.model)


def train_small(home: Path) -> Trained:
    """Train in `home`, which is made."""
    from models.store import load

    outcome, printed = _train(home)
    trained = Trained(home, home / "small.yaml", home / "champion", load(home / "champion"), printed)
    trained.__dict__["outcome"] = Judged(outcome.prepared, outcome.holdout, outcome.handover_result, outcome.model)
    return trained


def _train(home: Path) -> tuple[Outcome, str]:
    """What a training gives and what it prints; the working directory and the environment are as before afterwards."""
    from training.common.config import Config
    from training.jobs.score import fetch
    from training.train import train

    home.mkdir(parents=True, exist_ok=True)
    working_folder, uri = Path.cwd(), os.environ.pop("MLFLOW_TRACKING_URI", None)
    os.chdir(home)
    try:
        (home / "small.yaml").write_text(SMALL, encoding="utf-8")
        printed = io.StringIO()
        outcome = train(Config.read(home / "small.yaml"), console=Console(width=120, file=printed))
        fetch("small", home / "champion", "champion")
        return outcome, printed.getvalue()
    finally:
        os.chdir(working_folder)
        if uri is not None:
            os.environ["MLFLOW_TRACKING_URI"] = uri


def shared_training(home: Path) -> Trained:
    """The training of this run, copied to `home`: kept from an earlier run of the same code, else trained now, once."""
    from serving.server.reload import scorer_of

    try:
        editions = _cache_folder()
        editions.mkdir(parents=True, exist_ok=True)
    except OSError:
        return train_small(home)
    kept = editions / _edition()
    with _locked(editions / "lock"):
        if not (kept / "printed.txt").is_file():
            shutil.rmtree(kept, ignore_errors=True)
            trained = train_small(kept / "home")
            (kept / "printed.part").write_text(trained.printed, encoding="utf-8")
            (kept / "printed.part").rename(kept / "printed.txt")  # written last: without it, nothing counts
            _remove_old_editions(editions)
        # compiled under the lock: workers that come to it at once would each take forty seconds for the same
        scorer_of(kept / "home" / "champion")
    return _copy(kept, home)


def _copy(kept: Path, home: Path) -> Trained:
    """What was kept, in `home`; MLflow's database holds absolute paths, which follow."""
    from models.store import load

    shutil.copytree(kept / "home", home, dirs_exist_ok=True)
    with contextlib.closing(sqlite3.connect(home / "mlflow.db")) as database, database:
        for table, column in (
            ("experiments", "artifact_location"),
            ("runs", "artifact_uri"),
            ("logged_models", "artifact_location"),
            ("model_versions", "source"),
            ("model_versions", "storage_location"),
        ):
            database.execute(
                f"UPDATE {table} SET {column} = replace({column}, ?, ?)",  # noqa: S608  names of ours
                (str(kept / "home"), str(home)),
            )
    printed = (kept / "printed.txt").read_text(encoding="utf-8")
    return Trained(home, home / "small.yaml", home / "champion", load(home / "champion"), printed)


def _cache_folder() -> Path:
    named = os.environ.get(CACHE_VARIABLE)
    return (Path(named) if named else Path.home() / ".cache" / "ripeline") / "trained"


def _edition() -> str:
    """A name for all that the training depends on: code, templates, locked packages, Python, processor."""
    from tests.golden.compare import processor

    digest = hashlib.sha256(f"{sys.version_info[:3]} {processor()}".encode())
    houses = [path for house in ("features", "models", "connectors", "training") for path in (ROOT / house).rglob("*")]
    files = [path for path in houses if path.is_file() and "__pycache__" not in path.parts]
    for path in sorted([*files, ROOT / "requirements" / "train.lock", Path(__file__)]):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove_old_editions(editions: Path) -> None:
    kept = sorted((path for path in editions.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    for path in kept[:-KEPT_EDITIONS]:
        shutil.rmtree(path, ignore_errors=True)


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        shared_training(Path(scratch))
