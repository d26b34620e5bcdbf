"""No lead of one client in another's artefacts: what a client gives names nobody, and what others get of it less still."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from connectors.simulator.settings import SimulatorSettings
from connectors.simulator.simulate import simulate
from features.dataset.dataset import Dataset
from training.clients.jobs import ClientJob, ContributionResult, contribute_one, train_client
from training.clients.row import TRAINED
from training.clients.run import write_prior
from training.common.config import Config
from training.data.pooled_prior import prior_file
from training.pool.contribution import Contribution

CLIENT = """
name: {name}
dataset: {name}
pool: agency
funnel: {{stages: [lead, mql, sql, customer], exits: [disqualified, lost], horizons: {{mql: 30, sql: 45, customer: 90}}}}
landmarks: {{ages: [0, 3, 14, 60]}}
search: {{trials: 1, minutes: 0.05}}
"""


def planted(name: str, seed: int, leads: int, word: str) -> Dataset:
    """A business whose ids all begin with its name, with a source of its own for a third of its leads."""
    dataset = simulate(SimulatorSettings(leads=leads, days=730, seed=seed)).dataset
    tables = {table: frame.copy() for table, frame in dataset.tables.items()}
    for frame in tables.values():
        for column in ("lead_id", "company_id", "deal_id", "id"):
            if column in frame:
                frame[column] = (name.upper() + "-" + frame[column].astype("str")).where(frame[column].notna())
    own = np.random.default_rng(seed).random(leads) < 0.33
    tables["leads"]["source"] = tables["leads"]["source"].astype(object).where(~own, word)
    tables["leads"]["job_title"] = tables["leads"]["job_title"].astype(object).where(~own, f"Director of {word}")
    return Dataset.from_tables(tables, extracted_at=dataset.extracted_at, source=dataset.source)


def found_in(folders: list[Path], needles: set[str]) -> Iterator[tuple[Path, str]]:
    """Every file that holds any of these, packed or not."""
    for folder in folders:
        for path in [folder] if folder.is_file() else [p for p in folder.rglob("*") if p.is_file()]:
            content = path.read_bytes()
            if path.suffix == ".npz":
                with np.load(path, allow_pickle=False) as saved:
                    content = b"".join(saved[key].tobytes() for key in saved)
            yield from ((path, needle) for needle in needles if needle.encode() in content)


@pytest.mark.slow
def test_no_lead_of_one_client_is_in_the_artefacts_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four clients of a pool; the small one is trained with what the others say, and everything it leaves is searched for
    their ids, their words, and values that only one of them has."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    jobs, theirs = {}, set()
    for seed, name in enumerate(("anton", "berta", "cesar", "dora")):
        word = f"{name}expo"
        dataset = planted(name, seed, 250 if name == "dora" else 1_200, word)
        dataset.write(tmp_path / name)
        (tmp_path / f"{name}.yaml").write_text(CLIENT.format(name=name), encoding="utf-8")
        jobs[name] = ClientJob(Config.read(tmp_path / f"{name}.yaml"), tmp_path / "artefacts" / "clients" / name)
        theirs |= set() if name == "dora" else {f"{name.upper()}-", word, name}
    gave: dict[str, ContributionResult] = {name: contribute_one(job) for name, job in jobs.items()}
    shared: dict[str, tuple[str, Contribution]] = {
        name: ("agency", g.contribution) for name, g in gave.items() if g.contribution is not None
    }
    assert "antonexpo" in str(shared["anton"][1].to_dict()), "a third of the leads: the agency itself may know it"
    mine = jobs["dora"]
    write_prior(mine.config, shared)
    prior = prior_file(mine.config)
    assert prior.is_file()
    row = train_client(mine)
    assert row.status == TRAINED, row.reason
    assert row.pool
    left = [mine.folder, prior, tmp_path / "mlartifacts", tmp_path / "mlflow.db"]
    assert sum(1 for folder in left for _ in folder.rglob("*")) > 20
    assert not list(found_in(left, theirs))
    assert list(found_in([mine.folder.parent / "anton"], {"antonexpo"})), "the search finds what is there"
    logged = list((tmp_path / "mlartifacts").rglob("pool.json"))
    assert [p.read_text(encoding="utf-8") for p in logged] == [prior.read_text(encoding="utf-8")]
    assert not os.environ.get("MLFLOW_TRACKING_URI")
    assert pd.read_json(prior, typ="series")["pool"] == "agency"
