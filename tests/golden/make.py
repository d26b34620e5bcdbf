"""Make the golden files anew, on purpose: `make golden`. The commit that changes them says what changed and why."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from connectors.simulator.settings import SimulatorSettings
from connectors.simulator.simulate import simulate
from models.store import load
from tests.golden import product
from tests.golden.compare import FILES, pack_matrix, processor, write
from tests.trained import SIMULATED, train_small


def main() -> None:
    """Train the small model, ask it everything, and write what it says."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        print("Training the small model …", flush=True)
        trained = train_small(folder / "home")
        shutil.rmtree(FILES / "model", ignore_errors=True)
        shutil.copytree(trained.folder, FILES / "model")
        model = load(FILES / "model")
        dataset = simulate(SimulatorSettings(**SIMULATED)).dataset
        print("Asking it …", flush=True)
        write("made_on", {"processor": processor()})
        sent = product.requests(model, dataset)
        write("requests", sent)
        write("answers", product.answers(model, sent, dataset.extracted_at.to_pydatetime()))
        write("scores_csv", product.score_csv(trained.config, FILES / "model", dataset, folder).splitlines())
        write("store_rows", product.store_rows(model, dataset, folder))
        write("metrics", {"small": product.metrics(trained.outcome.holdout.results), "flat": product.flat_metrics(folder)})
        matrix = product.partitioned_matrix(folder)
        write("matrix", matrix | {"rows": pack_matrix(matrix["rows"])})
    print(f"Written to {FILES}. Look at the difference before it is committed.", flush=True)


if __name__ == "__main__":
    main()
