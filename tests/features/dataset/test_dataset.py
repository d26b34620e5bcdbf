"""The dataset folder: what is read is what was written, what was changed is refused, and half of one never appears."""

from __future__ import annotations

import errno
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

import features.dataset.dataset
from features.common.errors import DataError
from features.dataset.dataset import Dataset


def test_what_is_read_is_what_was_written(dataset: Dataset, tmp_path: Path) -> None:
    again = Dataset.read(dataset.write(tmp_path / "data"))
    assert (again.extracted_at, again.source, again.time) == (dataset.extracted_at, dataset.source, dataset.time)
    for name, frame in dataset.tables.items():
        mine = again.tables[name]
        for column in frame:
            left, right = (f[column].astype(object).where(f[column].notna(), None) for f in (frame, mine))
            assert left.tolist() == right.tolist(), (name, column)


def test_which_columns_have_no_history_is_read_again(dataset: Dataset, tmp_path: Path) -> None:
    marked = replace(dataset, without_history=("lead.size",))
    assert Dataset.read(marked.write(tmp_path / "data")).without_history == ("lead.size",)
    assert marked.digest != dataset.digest


def test_repeated_columns_come_back_as_categories(dataset: Dataset, tmp_path: Path) -> None:
    again = Dataset.read(dataset.write(tmp_path / "data"))
    for column in ("lead_id", "type", "content", "campaign", "direction"):
        assert isinstance(again.interactions[column].dtype, pd.CategoricalDtype)


def test_a_changed_byte_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    folder = dataset.write(tmp_path / "data")
    content = bytearray((folder / "leads.parquet").read_bytes())
    content[100] ^= 1
    (folder / "leads.parquet").write_bytes(content)
    with pytest.raises(DataError, match="differs from the checksum"):
        Dataset.read(folder)


@pytest.mark.parametrize("name", ["leads", "companies", "interactions", "lead_stages", "deals", "attribute_changes"])
def test_a_missing_table_is_named(dataset: Dataset, tmp_path: Path, name: str) -> None:
    folder = dataset.write(tmp_path / "data")
    (folder / f"{name}.parquet").unlink()
    with pytest.raises(DataError, match=rf"lacks the table {name}\.parquet, which dataset\.json lists\.\n.*half copied"):
        Dataset.read(folder)


def test_what_is_no_dataset(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no dataset folder"):
        Dataset.read(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"it has no dataset\.json"):
        Dataset.read(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError, match="exists and is not a dataset"):
        dataset.write(tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


def test_another_schema_version_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    folder = dataset.write(tmp_path / "data")
    meta = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps({**meta, "schema_version": 99}))
    with pytest.raises(DataError, match="dataset schema 99, this Ripeline reads 1"):
        Dataset.read(folder)


@pytest.mark.parametrize(
    ("fault", "raised"),
    [(OSError(errno.ENOSPC, "No space left on device"), DataError), (KeyboardInterrupt(), KeyboardInterrupt)],
)
def test_half_a_dataset_never_appears(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException, raised: type[BaseException]
) -> None:
    """A full disk or Ctrl-C at the third table leaves the old dataset whole and no scratch beside it."""
    folder = dataset.write(tmp_path / "data")
    before = (folder / "dataset.json").read_bytes()
    written, real = [], pq.write_table

    def failing(table: object, path: Path, **options: object) -> None:
        written.append(path)
        if len(written) == 3:
            raise fault
        real(table, path, **options)

    monkeypatch.setattr(features.dataset.dataset.pq, "write_table", failing)
    with pytest.raises(raised, match="No space left" if raised is DataError else None):
        replace(dataset, source="another").write(folder)
    assert (folder / "dataset.json").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["data"]
    assert Dataset.read(folder).source == dataset.source
