"""One file, whatever is wrong with it, gives the same rows and the same report, or the same sentence, by every road."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from connectors.files import reading
from features.common.errors import RipelineError
from features.common.files import sha256
from features.dataset import erasures
from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset
from features.partitions.executor import Inline, TaskResult, attempt
from features.partitions.frames import whole_dataset
from features.partitions.memory import Budget
from features.partitions.storage import Storage
from training.common.config import Config
from training.data.load import load, read_source
from training.scale.source import partition_to

LEADS = """lead_id,created_at,company_id,seats
1,2026-01-01T10:00:00Z,x,10
2,2026-01-02T10:00:00Z,x,20
3,2026-01-03T10:00:00Z,,30
4,2026-01-04T10:00:00Z,y,
"""
STAGES = """lead_id,lead_stage,at
1,customer,2026-02-01T10:00:00Z
2,lost,2026-02-02T10:00:00Z
"""
ACTS = """lead_id,type,at,value,direction
1,visit,2026-01-05T10:00:00Z,1,in
2,form,2026-01-06T10:00:00Z,2,in
3,mail,2026-01-07T10:00:00Z,,out
2,visit,2026-01-08T10:00:00Z,3,
"""
BERLIN = {"timezone": "Europe/Berlin"}
PLAIN = {"leads.csv": LEADS, "stages.csv": STAGES, "acts.csv": ACTS}


def acts(*rows: str, header: str = "lead_id,type,at,value,direction") -> dict[str, str]:
    return {"acts.csv": "\n".join([header, *rows]) + "\n"}


def configured(folder: Path, files: dict[str, str | bytes], mapping: dict[str, Any] | None = None) -> Config:
    for name, content in {**PLAIN, **files}.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    source: dict[str, Any] = {
        "kind": "files",
        "folder": str(folder),
        "leads": {"file": "leads.csv"},
        "lead_stages": {"file": "stages.csv"},
        "interactions": {"file": "acts.csv", **(mapping or {})},
    }
    funnel = {"stages": ["lead", "customer"], "exits": ["lost"], "horizons": {"customer": 30}}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump({"name": "small", "source": source, "funnel": funnel}))
    return Config.read(path)


def told(dataset: Dataset, report: DataReport) -> tuple[object, ...]:
    """Everything, rows in an order of their own."""
    tables = {}
    for name, frame in dataset.tables.items():
        texts = frame.astype("str").astype("object").fillna("")
        tables[name] = texts.sort_values(list(texts.columns), ignore_index=True).to_dict("list") if len(texts) else {}
    return tables, report.lines(), dataset.extracted_at, dataset.source, dataset.time


def by_memory(config: Config) -> tuple[object, ...]:
    try:
        return told(*load(config))
    except RipelineError as error:
        return type(error), str(error)


def by_partitions(config: Config, folder: Path, bucket: int) -> tuple[object, ...]:
    storage = Storage.from_path(folder)
    try:
        manifest = partition_to(config, storage, Inline(Budget(bucket=bucket)))
        return told(whole_dataset(storage), DataReport.from_dict(manifest.report))
    except RipelineError as error:
        return type(error), str(error)
    finally:
        assert not list(folder.glob(".spill*"))


CASES: dict[str, tuple[dict[str, str | bytes], dict[str, Any]]] = {
    "plain": ({}, {}),
    "grouped numbers": (acts('1,visit,2026-01-05,"1,234",in', '1,visit,2026-01-06,"€ 1,234.5",in'), {}),
    "decimal comma": (acts("1;visit;2026-01-05;1.234,5;in", header="lead_id;type;at;value;direction"), {"decimal": ","}),
    "a number in words": (acts("1,visit,2026-01-05,many,in", "2,visit,2026-01-05,few,in"), {}),
    "ids with a point": (acts("1.0,visit,2026-01-05,1,in", "2.0,visit,2026-01-06,,out"), {}),
    "some ids with a point": (acts("1.0,visit,2026-01-05,1,in", "2,visit,2026-01-06,,out"), {}),
    "names with a point": (acts("1,7.0,2026-01-05,1,in", "2,8.0,2026-01-06,,out"), {}),
    "a stray quotation mark": (acts('1,"visit,2026-01-05,1,in', "2,visit,2026-01-06,,out", "3,visit,2026-01-06,,out"), {}),
    "two stray quotation marks": (acts('1,"visit,2026-01-05,1,in', "2,visit,2026-01-06,,out", '3,vi"sit,2026-01-06,,out'), {}),
    "blank lines": (acts("", "1,visit,2026-01-05,1,in", "", "2,visit,2026-01-06,,out", ""), {}),
    "duplicated rows": (acts(*["1,visit,2026-01-05,1,in"] * 3), {}),
    "a row too long": (acts("1,visit,2026-01-05,1,in", "2,visit,2026-01-06,1,in,more", "3,visit"), {}),
    "an odd date": (acts("1,visit,2026-01-05,1,in", "2,visit,05/01/2026,1,in"), {}),
    "dates of a format": (
        acts("1,visit,05.01.2026 10:30,1,in"),
        {"date_format": "%d.%m.%Y %H:%M", "timezone": "Europe/Berlin"},
    ),
    "dates of a zone": (
        acts("1,visit,2026-03-29 02:30,1,in", "2,visit,2026-01-05T10:00+0100,,"),
        {"timezone": "Europe/Berlin"},
    ),
    "a date of the year 9999": (acts("1,visit,9999-12-31,1,in", "2,visit,2026-01-05,,"), {}),
    "a blank date": (acts("1,visit,,1,in", "2,visit,2026-01-05,,", "3,visit,,,"), {}),
    "null markers": (acts("1,visit,2026-01-05,NULL,n/a", " 2 ,visit,2026-01-05,?,"), {"null_in": {"value": "?"}}),
    "an odd direction": (acts("1,visit,2026-01-05,1,up", "2,visit,2026-01-05,1,down", "2,form,2026-01-06,1,in"), {}),
    "rows of nobody": (acts("9,visit,2026-01-05,1,in", "8,visit,2026-01-05,1,in", "2,form,2026-01-06,1,in"), {}),
    "all rows of nobody": (acts("9,visit,2026-01-05,1,in", "8,visit,2026-01-05,1,in"), {}),
    "rows before their lead": (acts("4,visit,2026-01-01,1,in", "3,visit,2025-12-31,1,in"), {}),
    "an empty table": (acts(), {}),
    "an empty file": ({"acts.csv": ""}, {}),
    "a byte order mark": ({"acts.csv": "\ufeff" + ACTS}, {}),
    "UTF-16": ({"acts.csv": ACTS.replace("form", "förm").encode("utf-16")}, {}),
    "cp1252 told": ({"acts.csv": ACTS.replace("form", "förm").encode("cp1252")}, {"encoding": "cp1252"}),
    "cp1252 not told": ({"acts.csv": ACTS.replace("form", "förm").encode("cp1252")}, {}),
    "tabs": ({"acts.csv": ACTS.replace(",", "\t")}, {}),
    "bars": ({"acts.csv": ACTS.replace(",", "|")}, {}),
    "a column that is not there": ({}, {"columns": {"campaign": "kampagne"}}),
    "a column too few": (acts("1,visit", header="lead_id,type"), {}),
    "a footer": ({"acts.csv": ACTS + "Total: 4\n"}, {"footer": True}),
    "a footer not told": ({"acts.csv": ACTS + "Total: 4\n"}, {}),
    "a value map": ({}, {"values": {"type": {"visit": "web_visit", "*": None}}}),
    "rows taken out": ({}, {"skip": {"type": "mail"}, "only": {"direction": ["in", "out"]}}),
    "a constant": ({}, {"constants": {"campaign": "spring"}}),
    "leads that are twice there": ({"leads.csv": LEADS + "1,2026-01-01,,\n"}, {}),
    "a lead stage of no funnel": ({"stages.csv": STAGES + "3,won,2026-02-03\n"}, {}),
    "nobody converts": ({"stages.csv": "lead_id,lead_stage,at\n"} | acts("9,visit,2026-01-05,1,in"), {}),
}


@pytest.mark.parametrize("case", CASES)
def test_every_road_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    config = configured(tmp_path, *CASES[case])
    wanted = by_memory(config)
    monkeypatch.setattr(reading, "BLOCK_BYTES", 64)
    assert by_partitions(config, tmp_path / "data", 3) == wanted
    assert by_memory(config) == wanted
    if isinstance(wanted[0], dict):
        again = config.changed(dataset=load(config)[0].write(tmp_path / "set"), source=None)
        from_folder = by_memory(again)
        assert from_folder[0] == wanted[0]
        assert by_partitions(again, tmp_path / "more", 100) == from_folder


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("at", ["soon", None, "late"]),
        ("value", ["1", "x", "y"]),
        ("type", ["a", None, "b"]),
        ("at", [None, "2026-01-05", None]),
    ],
)
def test_a_dataset_written_by_others_is_told_the_same(tmp_path: Path, column: str, values: list[str | None]) -> None:
    config = configured(tmp_path, {})
    folder = load(config)[0].write(tmp_path / "set")
    path = folder / "interactions.parquet"
    frame = pd.read_parquet(path)
    texts = [None if pd.isna(value) else str(value) for value in frame[column]]
    frame.assign(**{column: [*values, *texts[len(values) :]]}).to_parquet(path)
    again = config.changed(dataset=_signed(folder), source=None)
    wanted = by_memory(again)
    assert "Table 'interactions', row " in str(wanted)
    assert by_partitions(again, tmp_path / "data", 3) == wanted


def _signed(folder: Path) -> Path:
    """The checksums as of the files."""
    meta = json.loads((folder / "dataset.json").read_text())
    meta["checksums"]["interactions"] = sha256(folder / "interactions.parquet")
    (folder / "dataset.json").write_text(json.dumps(meta))
    return folder


def test_leads_that_were_erased_come_back_by_no_road(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = configured(tmp_path, {})
    erasures.record_erasure("2")
    wanted = by_memory(config)
    assert "were erased; left out with all they did." in str(wanted)
    assert by_partitions(config, tmp_path / "data", 3) == wanted


@dataclass(frozen=True)
class OtherMachines:
    """An engine whose workers do not see what the machine that starts the job has spilled `here`."""

    here: Path
    budget: Budget = field(default_factory=lambda: Budget(bucket=3))
    distributed: bool = True

    def release(self) -> None: ...

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[TaskResult[Any]]:
        spilled = {path: path.with_name(f"elsewhere{path.name}") for path in self.here.glob(".spill*")}
        for path, elsewhere in spilled.items():
            path.rename(elsewhere)
        yield from [attempt(function, index, item) for index, item in enumerate(items)]
        for path, elsewhere in spilled.items():
            elsewhere.rename(path)

    def run_exclusive(self, function: Callable[[Any], Any], item: Any) -> TaskResult[Any]:
        return attempt(function, 0, item)


def test_workers_elsewhere_read_files_by_way_of_the_object_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = configured(tmp_path, {})
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = sorted(tmp_path.iterdir())
    storage = Storage.from_path("memory://elsewhere/data")
    manifest = partition_to(config, storage, OtherMachines(tmp_path))
    assert told(whole_dataset(storage), DataReport.from_dict(manifest.report)) == by_memory(config)
    assert sorted(tmp_path.iterdir()) == before
    assert [name for name in storage.names("work") if name.startswith("staged")] == []


def test_nothing_is_left_where_reading_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = configured(tmp_path, acts("1,visit,soon,1,in"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = sorted(tmp_path.iterdir())
    with pytest.raises(RipelineError, match="soon"):
        partition_to(config, Storage.from_path("memory://failing/data"), Inline(Budget(bucket=3), distributed=True))
    assert sorted(tmp_path.iterdir()) == before
    assert Storage.from_path("memory://failing/data").names("work") == []


def test_a_simulated_crm_keeps_no_free_text_either() -> None:
    """Requests leave it out too, so that a model that had learned from it would be asked about another thing."""
    config = Config.model_validate({"name": "simulated", "source": {"kind": "simulator", "leads": 100, "days": 200, "seed": 1}})
    dataset, report = read_source(config)
    assert "notes" not in dataset.leads
    assert any("notes (free text)" in note.example for note in report.notes)
