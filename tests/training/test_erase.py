"""A person goes from everything that training wrote, and a search proves it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from features.common.errors import DataError
from features.dataset import erasures
from features.dataset.dataset import Dataset
from serving.scoring.work_list import WorkList
from tests.trained import Trained
from training.__main__ import app
from training.common import tracking
from training.common.config import Config
from training.data.load import load
from training.jobs.erase import _pattern
from training.jobs.work_list import write


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


def test_nothing_of_a_person_is_left(home: Path, trained: Trained, dataset: Dataset) -> None:
    """Dataset, work list, scores, report, log, and two files in MLflow."""
    found = WorkList.read(write(trained.config, home / "artefacts" / "work_list", model_folder=trained.folder))
    lead = next(row["lead_id"] for row in found.rows if found.colleagues.get(row["lead_id"]))
    other = next(row["lead_id"] for row in found.rows if row["lead_id"] != lead)
    dataset.write(home / "data")
    (home / "shop.yaml").write_text("name: shop\ndataset: data\n", encoding="utf-8")
    pd.DataFrame({"lead_id": [lead, other], "score": [1, 2]}).to_csv(home / "scores.csv", index=False)
    (home / "logs").mkdir()
    (home / "logs" / "proxy.log").write_text(
        f"GET /v1/leads/{lead}/score\nGET /v1/leads/{other}\nGET /v1/leads/x{lead}\n", "utf-8"
    )
    page = f"<td>{lead}</td><script>var x = {json.dumps([lead, other])}</script>"
    (home / "artefacts" / "report.html").write_text(page, encoding="utf-8")
    with tracking.training_run("shop", "a training", {}) as run:
        tracking.log_parent({}, {}, {"": home / "artefacts" / "report.html"})
        tracking.log_parent({}, {}, {"tables": home / "scores.csv"})
    said = CliRunner().invoke(app, ["erase", "--config", "shop.yaml", "--lead", lead, "--also", "scores.csv", "--also", "logs"])
    assert said.exit_code == 0, said.output
    assert "nothing is left" in said.output
    for file in home.rglob("*"):
        if file.is_file() and file.suffix != ".parquet":
            text = file.read_bytes()
            assert lead.encode() not in text.replace(b"x" + lead.encode(), b""), file
    kept = Dataset.read(home / "data")
    assert lead not in set(kept.leads["lead_id"])
    assert lead not in set(kept.interactions["lead_id"].astype(str))
    assert lead not in kept.interactions["lead_id"].cat.categories  # nor as the name of a category in the file
    assert len(kept.leads) == len(dataset.leads) - 1
    smaller = WorkList.read(home / "artefacts" / "work_list")
    assert len(smaller.rows) == len(found.rows) - 1
    assert smaller.request(other)["leads"][0] == found.request(other)["leads"][0]
    assert other in tracking.fetch_file(run, "report.html", home / "again").read_text(encoding="utf-8")
    again = CliRunner().invoke(app, ["erase", "--config", "shop.yaml", "--lead", lead])
    assert again.exit_code == 0


def test_what_is_yours_is_searched_and_not_changed(home: Path) -> None:
    """A file of the user's own still names the person: that is said, and no proof."""
    lines = [f"L-{i},{'DE' if i % 3 else 'FR'},{'yes' if i % 4 == 0 else 'no'}" for i in range(50)]
    (home / "leads.csv").write_text("id,country,won\n" + "\n".join(lines) + "\n", encoding="utf-8")
    (home / "flat.yaml").write_text(
        "name: flat\nfunnel: {stages: [lead, customer], exits: [lost], horizons: {customer: 30}}\n"
        "source:\n  kind: files\n  folder: .\n  leads:\n    file: leads.csv\n    columns: {lead_id: id, country: country}\n"
        "    order: rows\n    outcome: {column: won, yes: ['yes'], no: ['no']}\n",
        encoding="utf-8",
    )
    before = (home / "leads.csv").read_bytes()
    said = CliRunner().invoke(app, ["erase", "--config", "flat.yaml", "--lead", "L-7"])
    assert said.exit_code == 1
    assert "leads.csv: 0 deleted, 1 left (it is yours" in said.output.replace("\n", " ")
    assert (home / "leads.csv").read_bytes() == before
    data, report = load(Config.read(home / "flat.yaml"))  # the file still has it, the dataset has not
    assert "L-7" not in set(data.leads["lead_id"])
    assert len(data.leads) == 49
    assert any("erased" in line for line in report.lines())


def test_the_memory_holds_no_ids_and_is_never_taken_for_empty(home: Path) -> None:
    erasures.record_erasure("jane")
    erasures.record_erasure("jane")
    erasures.record_erasure("joe")
    file = home / "erased.json"
    assert erasures.erased_ids(["jane", "jim", "joe"]) == {"jane", "joe"}
    assert b"jane" not in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0
    file.write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="do not remove it"):
        erasures.erased_ids(["jane"])


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
