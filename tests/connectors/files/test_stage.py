"""Interactions written block by block are those of a dataset in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from connectors.files import reading
from connectors.files.load import load_files
from connectors.files.settings import FilesSource
from features.common.errors import DataError
from features.dataset.dataset import INTERACTIONS_SCHEMA, to_arrow
from tests.features.partitions.worlds import FUNNEL, world


@pytest.fixture(autouse=True)
def _many_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BLOCK_BYTES", 1 << 10)
    monkeypatch.setattr(reading, "BLOCK_ROWS", 64)


def source_of(folder: Path, **settings: Any) -> FilesSource:
    return FilesSource.model_validate({"folder": str(folder), "leads": {"file": "leads.csv"}, **settings})


def test_blocks_of_csv_and_parquet_files_are_what_one_of_all_is(tmp_path: Path) -> None:
    dataset = world(5)
    dataset.leads.to_csv(tmp_path / "leads.csv", index=False)
    halves = dataset.interactions.iloc[::2], dataset.interactions.iloc[1::2]
    halves[0].rename(columns={"type": "what"}).assign(lead_id=" " + halves[0]["lead_id"].astype("str")).to_csv(
        tmp_path / "one.csv", index=False, sep=";", na_rep="NULL"
    )
    texts = dict.fromkeys(("lead_id", "type", "content", "campaign", "direction"), "str")
    halves[1].astype(texts).to_parquet(tmp_path / "two.parquet")
    mapping = {"columns": {"type": "what"}, "values": {"type": {"page_view": None, "form_submit": "form"}}}
    source = source_of(tmp_path, interactions=[{"file": "one.csv", **mapping}, {"file": "two.parquet"}])
    whole, wanted = load_files(source, FUNNEL, tmp_path)
    lean, report = load_files(source, FUNNEL, tmp_path, tmp_path / "staged.parquet")
    staged = pq.ParquetFile(tmp_path / "staged.parquet")
    assert staged.num_row_groups > 5
    assert staged.read().equals(to_arrow(whole.interactions).cast(INTERACTIONS_SCHEMA))
    assert (lean.extracted_at, lean.source, report) == (whole.extracted_at, whole.source, wanted)
    assert any(note.what == "rows of one.csv left out" for note in report.notes)
    assert lean.interactions.empty


def rows(count: int = 400) -> pd.DataFrame:
    return pd.DataFrame({"lead_id": [f"{i % 7}.0" for i in range(count)], "type": "visit", "at": "2026-01-01", "value": "1"})


@pytest.mark.parametrize(
    "bad",
    [
        {("value", 399): "x", ("at", 350): "soon", ("at", 390): "late"},
        {("at", 200): None, ("at", 333): None},
        {("value", 10): "y", ("value", 380): "z"},
    ],
)
def test_what_is_wrong_is_told_in_the_same_words(tmp_path: Path, bad: dict[tuple[str, int], Any]) -> None:
    """The first column of the mapping, its first row, and how many more there are in all blocks."""
    pd.DataFrame({"lead_id": list("0123456"), "created_at": "2026-01-01"}).to_csv(tmp_path / "leads.csv", index=False)
    frame = rows()
    for (column, row), value in bad.items():
        frame.loc[row, column] = value
    frame.to_csv(tmp_path / "acts.csv", index=False)
    source = source_of(tmp_path, interactions={"file": "acts.csv"})
    with pytest.raises(DataError) as whole:
        load_files(source, FUNNEL, tmp_path)
    with pytest.raises(DataError) as staged:
        load_files(source, FUNNEL, tmp_path, tmp_path / "staged.parquet")
    assert str(staged.value) == str(whole.value)


@pytest.mark.parametrize(("last", "first_id"), [("6.0", "0"), ("x", "0.0")])
def test_ids_lose_their_point_when_those_of_all_blocks_have_one(tmp_path: Path, last: str, first_id: str) -> None:
    pd.DataFrame({"lead_id": list("0123456"), "created_at": "2026-01-01"}).to_csv(tmp_path / "leads.csv", index=False)
    rows().assign(lead_id=[*rows()["lead_id"][:-1], last]).to_csv(tmp_path / "acts.csv", index=False)
    load_files(source_of(tmp_path, interactions={"file": "acts.csv"}), FUNNEL, tmp_path, tmp_path / "staged.parquet")
    assert pq.read_table(tmp_path / "staged.parquet")["lead_id"][0].as_py() == first_id
