"""Persons planted in every table, column and text of files are in nothing that Ripeline writes."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd
import pytest
import yaml
from rich.console import Console

from connectors.simulator.settings import SimulatorSettings
from connectors.simulator.simulate import simulate
from training.common.config import Config

# parts of every planted value, which nothing else has
TOKENS = ("qxplant", "5550177")
CONFIG = {
    "name": "planted",
    "source": {
        "kind": "files",
        "folder": "crm",
        "leads": {"file": "leads.csv", "columns": {"greeting": "Rufname"}},
        "companies": {"file": "companies.csv"},
        "interactions": [{"file": "interactions.csv"}],
        "lead_stages": [{"file": "lead_stages.csv"}],
        "deals": [{"file": "deals.csv"}],
    },
    "funnel": {
        "stages": ["lead", "mql", "sql", "customer"], "exits": ["disqualified", "lost"],
        "horizons": {"mql": 30, "sql": 45, "customer": 90},
    },
    "landmarks": {"ages": [0, 14]},
    "search": {"trials": 1},
    "sales": {"capacity_per_week": 10, "cost_per_contact": 25},
}  # fmt: skip


def _plant(leads: int) -> dict[str, pd.DataFrame]:
    dataset = simulate(SimulatorSettings(leads=leads, days=500, seed=5)).dataset
    tables = {name: frame.astype("object") for name, frame in dataset.tables.items() if name != "attribute_changes"}
    people, firms, acts, deals = (tables[name] for name in ("leads", "companies", "interactions", "deals"))
    number = pd.Series([f"{i:05d}" for i in range(len(people))], index=people.index)
    people["Vorname"] = "Qxplantanna" + number
    people["contact: e-mail"] = "qxplant" + number + "@ex.org"
    people["PersonMobilePhone"] = "+1 212 5550177"
    people["MailingStreet"] = "Qxplantweg " + number
    people["Geburtsdatum"] = "1985-05-05"
    people["Notes"] = "Spoke to Qxplantina " + number + " about the price"
    people["Col7"] = "Anna Qxplantova"
    people["Rufname"] = "qxplant" + number + "@ex.org"
    people["last_login_ip"] = "203.0.113.77"
    people["rare"] = [f"qxplant{i}@ex.org" if i % 40 == 0 else "web" for i in range(len(people))]
    people["source"] = [f"by Qxplant Roe <qxplant{i}@ex.org>" if i % 30 == 0 else s for i, s in enumerate(people["source"])]
    people["job_title"] = ["call +1 212 5550177" if i % 30 == 0 else t for i, t in enumerate(people["job_title"])]
    firms["Ansprechpartner"] = "Anna Qxplantova"
    firms["Strasse"] = "Qxplantweg 5"
    texts = (
        "Offer for qxplant@ex.org",
        "Call with Zadie Qxplant",
        "qxplant [at] ex.org",
        "tel +1 212 5550177",
        "Anna Qxplantova",
    )
    acts["content"] = [texts[i % 5] if i % 3 == 0 else c for i, c in enumerate(acts["content"])]
    acts["campaign"] = [f"mailto:qxplant{i % 50}@ex.org" if i % 7 == 0 else c for i, c in enumerate(acts["campaign"])]
    acts["type"] = ["mail to qxplant@ex.org" if i % 500 == 0 else kind for i, kind in enumerate(acts["type"])]
    deals["currency"] = ["qxplant@ex.org" if i == 0 else c for i, c in enumerate(deals["currency"])]
    return tables


def _config(home: Path, leads: int) -> Config:
    (home / "crm").mkdir()
    for name, frame in _plant(leads).items():
        frame.to_csv(home / "crm" / f"{name}.csv", index=False, quoting=csv.QUOTE_MINIMAL)
    (home / "planted.yaml").write_text(yaml.safe_dump(CONFIG), encoding="utf-8")
    return Config.read(home / "planted.yaml")


def _traces(home: Path, printed: Mapping[str, str]) -> list[str]:
    """Where a planted token is: files below `home` but for the sources, names of files, and what was printed."""

    def traced(content: str) -> bool:
        return any(token in content.casefold() for token in TOKENS)

    def readings(path: Path) -> Iterator[str]:
        content = path.read_bytes()
        yield (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode("utf-8", "replace")
        if path.suffix == ".parquet":
            yield pd.read_parquet(path).to_csv()

    files = [p for p in home.rglob("*") if p.is_file() and "crm" not in p.relative_to(home).parts[:1]]
    traces = [str(path) for path in files if traced(str(path)) or any(map(traced, readings(path)))]
    return traces + [name for name, text in printed.items() if traced(text)]


def _written(files: Sequence[Path]) -> bool:
    return all(path.exists() for path in files)


def test_no_dataset_partition_or_report_of_the_data_has_a_planted_person(working_folder: Path) -> None:
    from training.data.load import load
    from training.jobs.partition import run_partition

    config = _config(working_folder, 120)
    dataset, report = load(config)
    dataset.write(working_folder / "dataset")
    manifest = run_partition(config, str(working_folder / "parts"))
    told = "\n".join(report.lines())
    assert "rows whose 'content' spoke of a person" in told
    assert "rows whose 'campaign' spoke of a person" in told
    assert {"rare", "source"} <= set(dataset.leads)
    assert "greeting" not in dataset.leads
    assert manifest.rows == len(dataset.interactions)
    assert _traces(working_folder, {"report": told}) == []


def test_a_value_that_cannot_be_read_is_not_repeated_where_it_is_personal(working_folder: Path) -> None:
    config = _config(working_folder, 40)
    path = working_folder / "crm" / "leads.csv"
    frame = pd.read_csv(path, dtype="str")
    frame.loc[3, "created_at"] = "qxplant@ex.org"
    frame.to_csv(path, index=False)
    from features.common.errors import RipelineError
    from training.data.load import load

    with pytest.raises(RipelineError, match="row 5") as refusal:
        load(config)
    assert _traces(working_folder, {"error": str(refusal.value)}) == []


def test_a_dataset_that_others_wrote_is_read_without_persons_in_memory_and_in_buckets(working_folder: Path) -> None:
    from features.dataset.dataset import Dataset
    from features.partitions.frames import whole_dataset
    from features.partitions.storage import Storage
    from training.data.load import load
    from training.jobs.partition import run_partition

    config = _config(working_folder, 60)
    tables = _plant(60)
    planted = Dataset.from_tables(tables, extracted_at=pd.Timestamp("2026-07-01", tz="UTC"))
    planted.write(working_folder / "crm" / "dataset")
    config = config.model_copy(update={"source": None, "dataset": Path("crm/dataset")})
    dataset, report = load(config)
    dataset.write(working_folder / "dataset")
    manifest = run_partition(config, str(working_folder / "parts"))
    assert _traces(working_folder, {"report": "\n".join(report.lines()), "manifest": str(manifest.report)}) == []
    of_parts = whole_dataset(Storage.from_path(str(working_folder / "parts")))
    order = ["lead_id", "at", "type"]
    contents = [
        frame.astype({"lead_id": "str", "type": "str"}).sort_values(order)["content"].astype("str").fillna("").tolist()
        for frame in (dataset.interactions, of_parts.interactions)
    ]
    assert sorted(contents[0]) == sorted(contents[1])
    cut_notes = [
        sorted(n["what"] for n in told if "spoke" in n["what"])
        for told in (report.to_dict()["notes"], manifest.report["notes"])
    ]
    assert cut_notes[0] == cut_notes[1]


@pytest.mark.slow
def test_no_model_run_report_or_score_has_a_planted_person(working_folder: Path) -> None:
    from training.jobs.score import fetch, score_dataset
    from training.train import train

    config = _config(working_folder, 900)
    printed = io.StringIO()
    train(config, console=Console(width=120, file=printed))
    fetch("planted", working_folder / "champion", "champion")
    score_dataset(working_folder / "planted.yaml", working_folder / "scores.csv")
    assert _written([working_folder / name for name in ("champion", "scores.csv", "mlflow.db")])
    assert _traces(working_folder, {"terminal": printed.getvalue()}) == []
