"""Time and memory of `make train` on 20,000 simulated leads, in a fresh process, and where the time goes."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEADS, CAPACITY = 20_000, 40  # more than the default has: what grows with the data shows


def child() -> None:
    """One training; prints seconds in all and for features, and peak memory."""
    from connectors.simulator.settings import SimulatorSource
    from training.common.config import Config
    from training.scale import training_data as job
    from training.train import train

    spent = {"features": 0.0}
    prepare = getattr(job, "prepare")  # noqa: B009 - the name is imported there, not offered

    def timed(*args: object, **kwargs: object) -> object:
        began = time.perf_counter()
        try:
            return prepare(*args, **kwargs)
        finally:
            spent["features"] += time.perf_counter() - began

    setattr(job, "prepare", timed)  # noqa: B010
    began = time.perf_counter()
    config = Config.read(ROOT / "training" / "default.yaml")
    sales = config.sales.model_copy(update={"capacity_per_week": CAPACITY})
    train(config.changed(source=SimulatorSource(kind="simulator", leads=LEADS), sales=sales))
    whole = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    features = spent["features"]
    print(f"whole run {whole:.0f} s, features {features:.1f} s ({features / whole:.0%}), peak memory {peak:.2f} GiB")


def main() -> None:
    """Run the child in a scratch folder, so that neither its runs nor its models stay."""
    if sys.argv[1:] == ["child"]:
        child()
        return
    with tempfile.TemporaryDirectory() as scratch:
        environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"} | {"PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-m", "benchmarks.train", "child"], cwd=scratch, env=environment, check=True)


if __name__ == "__main__":
    main()
