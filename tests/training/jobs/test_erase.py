"""A person goes from everything that training wrote, and a search proves it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from features.dataset.dataset import Dataset
from training.__main__ import app
from training.common import tracking
from training.common.config import Config
from training.data.load import load
from training.jobs.erase import _pattern


def test_nothing_of_a_person_is_left(working_folder: Path, dataset: Dataset) -> None:
    """Dataset, scores, report, log, and two files in MLflow."""
    lead, other = dataset.interactions["lead_id"].astype(str).unique()[:2]
    dataset.write(working_folder / "data")
    (working_folder / "shop.yaml").write_text("name: shop\ndataset: data\n", encoding="utf-8")
    pd.DataFrame({"lead_id": [lead, other], "score": [1, 2]}).to_csv(working_folder / "scores.csv", index=False)
    (working_folder / "logs").mkdir()
    (working_folder / "logs" / "proxy.log").write_text(
        f"GET /v1/leads/{lead}/score\nGET /v1/leads/{other}\nGET /v1/leads/x{lead}\n", "utf-8"
    )
    page = f"<td>{lead}</td><script>var x = {json.dumps([lead, other])}</script>"
    (working_folder / "artefacts").mkdir()
    (working_folder / "artefacts" / "report.html").write_text(page, encoding="utf-8")
    with tracking.training_run("shop", "a training", {}) as run:
        tracking.log_parent({}, {}, {"": working_folder / "artefacts" / "report.html"})
        tracking.log_parent({}, {}, {"tables": working_folder / "scores.csv"})
    said = CliRunner().invoke(app, ["erase", "--config", "shop.yaml", "--lead", lead, "--also", "scores.csv", "--also", "logs"])
    assert said.exit_code == 0, said.output
    assert "nothing is left" in said.output
    for file in working_folder.rglob("*"):
        if file.is_file() and file.suffix != ".parquet":
            text = file.read_bytes()
            assert lead.encode() not in text.replace(b"x" + lead.encode(), b""), file
    kept = Dataset.read(working_folder / "data")
    assert lead not in set(kept.leads["lead_id"])
    assert lead not in set(kept.interactions["lead_id"].astype(str))
    assert lead not in kept.interactions["lead_id"].cat.categories  # nor as the name of a category in the file
    assert len(kept.leads) == len(dataset.leads) - 1
    assert other in tracking.fetch_file(run, "report.html", working_folder / "again").read_text(encoding="utf-8")
    again = CliRunner().invoke(app, ["erase", "--config", "shop.yaml", "--lead", lead])
    assert again.exit_code == 0


def test_what_is_yours_is_searched_and_not_changed(working_folder: Path) -> None:
    """A file of the user's own still names the person: that is said, and no proof."""
    lines = [f"L-{i},{'DE' if i % 3 else 'FR'},{'yes' if i % 4 == 0 else 'no'}" for i in range(50)]
    (working_folder / "leads.csv").write_text("id,country,won\n" + "\n".join(lines) + "\n", encoding="utf-8")
    (working_folder / "flat.yaml").write_text(
        "name: flat\nfunnel: {stages: [lead, customer], exits: [lost], horizons: {customer: 30}}\n"
        "source:\n  kind: files\n  folder: .\n  leads:\n    file: leads.csv\n    columns: {lead_id: id, country: country}\n"
        "    order: rows\n    outcome: {column: won, yes: ['yes'], no: ['no']}\n",
        encoding="utf-8",
    )
    before = (working_folder / "leads.csv").read_bytes()
    said = CliRunner().invoke(app, ["erase", "--config", "flat.yaml", "--lead", "L-7"])
    assert said.exit_code == 1
    assert "leads.csv: 0 deleted, 1 left (it is yours" in said.output.replace("\n", " ")
    assert (working_folder / "leads.csv").read_bytes() == before
    data, report = load(Config.read(working_folder / "flat.yaml"))  # the file still has it, the dataset has not
    assert "L-7" not in set(data.leads["lead_id"])
    assert len(data.leads) == 49
    assert any("erased" in line for line in report.lines())


@pytest.mark.parametrize(
    ("lead", "text", "times"),
    [
        ("L-4711", "L-4711 and L-47110, xL-4711, L-4711-a, 'L-4711'", 2),
        ("12", '12 leads, <td>12</td>, "12", 0.12', 2),
        ("a.b+c", "a.b+c aXb+c", 1),
    ],
)
def test_an_id_is_told_from_what_only_looks_like_it(lead: str, text: str, times: int) -> None:
    assert len(_pattern(lead).findall(text)) == times


def test_a_person_is_erased_by_its_own_id_in_each_source(working_folder: Path) -> None:
    """Lead 1 of the CRM is lead 7 of the tool, whose lead 1 is somebody else."""
    at = pd.Timestamp("2026-01-05", tz="UTC")
    end = pd.Timestamp("2026-03-01", tz="UTC")
    crm = pd.DataFrame({"lead_id": ["1", "2"], "created_at": at})
    stages = pd.DataFrame({"lead_id": ["1"], "lead_stage": ["customer"], "at": at})
    tool = pd.DataFrame({"lead_id": ["7", "1"], "created_at": at, "crm": ["1", "2"]})
    Dataset.from_tables({"leads": crm, "lead_stages": stages}, extracted_at=end).write(working_folder / "crm")
    Dataset.from_tables({"leads": tool}, extracted_at=end).write(working_folder / "tool")
    (working_folder / "both.yaml").write_text(
        "name: both\nsources:\n  - dataset: crm\n  - {dataset: tool, join: {id: crm}}\n", encoding="utf-8"
    )
    said = CliRunner().invoke(app, ["erase", "--config", "both.yaml", "--lead", "1"])
    assert said.exit_code == 0, said.output
    assert list(Dataset.read(working_folder / "crm").leads["lead_id"]) == ["2"]
    assert list(Dataset.read(working_folder / "tool").leads["lead_id"]) == ["1"]
