"""Files of a task as a mapping can read them, where those at hand are not so: written to a folder of the benchmark's own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from features.common.files import whole_folder

Prepare = Callable[[Path, Path], None]  # (folder with the data, folder to write)

RECIPE = "b2b_saas_procurement_v1"
LEADS = 4_000  # of a world
PARTS = ("touches", "sessions", "sales_activities", "opportunities", "accounts")  # tables taken as they are


def prepared_files(name: str, prepare: Prepare, source: Path, cache: Path) -> Path:
    """The folder `name` under `cache`, written by `prepare` unless it is there whole."""
    target = cache / "files" / name
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        with whole_folder(target) as partial:
            prepare(source, partial)
    return target


def loan(source: Path, target: Path) -> None:
    """Birth years get four digits: `strptime` takes 68 and less for this century, and nobody here was born in it."""
    leads = pd.read_csv(source / "leads.csv.gz", dtype=str)
    leads["DOB"] = leads["DOB"].str.replace(r"/(\d\d)$", r"/19\1", regex=True)
    leads.to_csv(target / "leads.csv.gz", index=False)


def leadforge(seed: int, difficulty: str) -> Prepare:
    """A world of leadforge, its leads with what is known of their contact; a mapping joins no second file to leads."""

    def generate(_: Path, target: Path) -> None:
        world = target / "world"
        command = [str(Path(sys.executable).with_name("leadforge")), "generate", "--recipe", RECIPE, "--seed", str(seed)]
        command += ["--mode", "research_instructor", "--difficulty", difficulty, "--n-leads", str(LEADS), "--out", str(world)]
        subprocess.run(command, check=True, capture_output=True)
        tables = world / "tables"
        contacts = pd.read_parquet(tables / "contacts.parquet").rename(columns={"seniority": "contact_seniority"})
        columns = ["contact_id", "job_title", "role_function", "contact_seniority", "buyer_role"]
        leads = pd.read_parquet(tables / "leads.parquet").merge(contacts[columns], on="contact_id", how="left")
        leads.to_parquet(target / "leads.parquet")
        for name in PARTS:
            (tables / f"{name}.parquet").rename(target / f"{name}.parquet")

    return generate
