"""A row whose moment cannot be meant changes nothing but what is counted, in memory as in buckets."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.files import reading
from connectors.files.load import load_files
from connectors.files.settings import FilesSource
from features.common.clock import moment
from features.common.errors import DataError
from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset
from features.dataset.labels import label
from features.dataset.landmarks import Path as LeadPath
from features.dataset.landmarks import landmarks
from features.dataset.validate import validate
from features.partitions.executor import Inline
from features.partitions.frames import whole_dataset
from features.partitions.inputs import Raw
from features.partitions.partition import partition
from features.partitions.storage import Storage
from tests.features.partitions.worlds import AGES, FUNNEL, SMALL, world

NOW = datetime(2026, 12, 1, tzinfo=UTC)
FILES = {"leads": "leads.csv", "lead_stages": "stages.csv", "interactions": "acts.csv"}
ODD = ["2206-03-01", "0206-03-01", "2062-01-07", "9999-12-31", "0001-01-01", "1899-12-30", "1970-01-01T00:00:00Z", "2031-05-01"]
LATER = ["2026-08-01", "2026-11-30T23:59:59Z"]  # before the clock, more than a year after the rest
ROWS: dict[str, dict[str, Any]] = {
    "leads": {"lead_id": "odd", "created_at": None},
    "lead_stages": {"lead_id": "L001", "lead_stage": "customer", "at": None},
    "interactions": {"lead_id": "L002", "type": "page_view", "at": None},
}
SENT = world(8)


def write(folder: Path, **extra: pd.DataFrame) -> FilesSource:
    """The files of a world up to its last day, with `extra` rows within."""
    for name, file in FILES.items():
        frame = SENT.tables[name]
        time = "created_at" if name == "leads" else "at"
        frame = frame[frame[time] <= SENT.extracted_at].astype({time: "str"})
        if name in extra:
            frame = pd.concat([frame.iloc[:7], extra[name], frame.iloc[7:]])
        frame.to_csv(folder / file, index=False)
    return FilesSource.model_validate({"folder": str(folder), **{name: {"file": file} for name, file in FILES.items()}})


def outcome(dataset: Dataset) -> list[Any]:
    """The extraction, all rows of people, and every landmark with its labels."""
    path = LeadPath.from_tables(dataset.leads, dataset.lead_stages, FUNNEL)
    looks = landmarks(path, moment(dataset.extracted_at), AGES)
    labels = label(path, looks, FUNNEL, moment(dataset.extracted_at))
    texts = [frame.astype("str").fillna("") for frame in dataset.tables.values()]
    rows = [frame.sort_values(list(frame.columns)).to_numpy().tolist() for frame in texts]
    columns = [np.asarray(column).tolist() for column in (*vars(looks).values(), *vars(labels).values())]
    return [dataset.extracted_at, rows, *columns]


def both_roads(source: FilesSource, folder: Path) -> tuple[Dataset, DataReport]:
    """The validated dataset and its report, which the buckets agree with."""
    dataset, report = load_files(source, FUNNEL, folder, now=NOW)
    clean, said = validate(dataset, FUNNEL)
    file = folder / "staged.parquet"
    lean, lean_report = load_files(source, FUNNEL, folder, file, now=NOW)
    storage = Storage.from_path(folder / "buckets")
    manifest = partition(storage, Raw.of_dataset(lean, file, lean_report), FUNNEL, Inline(SMALL))
    assert DataReport.from_dict(manifest.report) == report.merge(said)
    in_buckets = whole_dataset(storage)
    assert (in_buckets.extracted_at, len(in_buckets.leads)) == (clean.extracted_at, len(clean.leads))
    assert manifest.rows == len(clean.interactions)
    return clean, report.merge(said)


@cache
def clean_outcome() -> list[Any]:
    """Of the files as they are, without any odd row."""
    with tempfile.TemporaryDirectory() as name:
        dataset, _ = load_files(write(Path(name)), FUNNEL, Path(name), now=NOW)
    return outcome(validate(dataset, FUNNEL)[0])


@settings(max_examples=settings.default.max_examples // 5, deadline=None)
@given(table=st.sampled_from(sorted(ROWS)), at=st.sampled_from([*ODD, *LATER]), rows=st.integers(1, 3))
def test_an_implausible_row_changes_nothing_but_the_counts(table: str, at: str, rows: int) -> None:
    time = "created_at" if table == "leads" else "at"
    extra = pd.DataFrame([ROWS[table] | {time: at}] * rows)
    if table == "leads":
        extra["lead_id"] = [f"odd{i}" for i in range(rows)]
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "BLOCK_BYTES", 1 << 11)
        dataset, report = both_roads(write(Path(name), **{table: extra}), Path(name))
    assert outcome(dataset) == clean_outcome()
    (note,) = [n for n in report.notes if n.done.startswith("set aside")]
    assert (note.table, note.count, note.level) == (table, rows, "warning")
    assert f"{FILES[table]} row 9: {at[:10]}" in note.example


def test_the_extraction_stands_in_the_first_lines(tmp_path: Path) -> None:
    extra = pd.DataFrame([ROWS["interactions"] | {"at": "2206-03-01"}])
    _, report = both_roads(write(tmp_path, interactions=extra), tmp_path)
    assert "Day of extraction: 2025-04-3" in report.lines()[1] or "Day of extraction: 2025-05-0" in report.lines()[1]


def test_what_the_user_gives_wins_and_later_rows_are_told(tmp_path: Path) -> None:
    source = write(tmp_path).model_copy(update={"extracted_at": datetime(2025, 3, 1, tzinfo=UTC)})
    dataset, report = both_roads(source, tmp_path)
    assert dataset.extracted_at == pd.Timestamp("2025-03-01", tz="UTC")
    assert {n.table for n in report.notes if "after the extraction at 2025-03-01" in n.what} == {"interactions", "lead_stages"}


def test_a_date_column_per_lead_stage_is_judged_cell_by_cell(tmp_path: Path) -> None:
    rows = [f"L{i},2025-01-{i + 1:02d},2025-02-{i + 1:02d}," for i in range(20)]
    rows[4] = "L4,2025-01-05,2025-02-05,2052-03-01"
    rows[9] = "L9,2025-01-10,1900-01-01,2025-03-10"
    (tmp_path / "wide.csv").write_text("lead_id,created_at,m,c\n" + "\n".join(rows) + "\n", encoding="utf-8")
    stages = {"file": "wide.csv", "dates": {"mql": "m", "customer": "c"}}
    source = FilesSource.model_validate({"folder": str(tmp_path), "leads": {"file": "wide.csv"}, "lead_stages": stages})
    dataset, report = load_files(source, FUNNEL, tmp_path, now=NOW)
    assert dataset.extracted_at == pd.Timestamp("2025-03-10", tz="UTC")
    assert len(dataset.lead_stages) == 20
    text = "\n".join(report.lines())
    assert "wide.csv row 6: 2052-03-01 00:00" in text
    assert 'wide.csv row 11: 1900-01-01 00:00, as software writes "none"' in text


@pytest.mark.parametrize("stored", ["csv", "parquet"])
def test_seconds_read_as_milliseconds_are_an_error_with_both_readings(tmp_path: Path, stored: str) -> None:
    leads = pd.DataFrame({"lead_id": [f"L{i}" for i in range(9)], "created_at": 1_740_000_000 + 86_400 * np.arange(9)})
    if stored == "csv":
        leads.to_csv(tmp_path / "l.csv", index=False)
    else:
        leads.assign(created_at=pd.to_datetime(leads["created_at"], unit="ms")).to_parquet(tmp_path / "l.parquet")
    content = {"folder": str(tmp_path), "date_format": "epoch_ms", "leads": {"file": f"l.{stored}"}}
    with pytest.raises(DataError, match=rf"l\.{stored} row 2: 1970-01-21[^$]*would be 2025-02-19[^$]*epoch_s"):
        load_files(FilesSource.model_validate(content), FUNNEL, tmp_path, now=NOW)


def test_a_flat_file_in_order_of_rows_has_no_moments_to_judge(tmp_path: Path) -> None:
    pd.DataFrame({"lead_id": range(50), "won": [0, 1] * 25}).to_csv(tmp_path / "l.csv", index=False)
    leads = {"file": "l.csv", "order": "rows", "outcome": {"column": "won", "yes": "1", "no": "0"}}
    source = FilesSource.model_validate({"folder": str(tmp_path), "leads": leads})
    _, report = load_files(source, FUNNEL, tmp_path, now=NOW)
    assert not [note for note in report.notes if note.level == "warning"]


def test_a_flat_file_with_one_odd_day_loses_that_lead_alone(tmp_path: Path) -> None:
    frame = pd.DataFrame({"lead_id": range(30), "created_at": pd.date_range("2024-01-01", periods=30), "won": [0, 1, ""] * 10})
    frame["created_at"] = frame["created_at"].astype("str")
    frame.loc[5, "created_at"] = "2206-01-06"
    frame.loc[7, "created_at"] = "2026-06-01"
    frame.to_csv(tmp_path / "l.csv", index=False)
    leads = {"file": "l.csv", "outcome": {"column": "won", "yes": "1", "no": "0"}}
    dataset, report = load_files(
        FilesSource.model_validate({"folder": str(tmp_path), "leads": leads}), FUNNEL, tmp_path, now=NOW
    )
    assert dataset.extracted_at < pd.Timestamp("2024-02-01", tz="UTC")
    assert sorted(set(map(str, range(30))) - set(dataset.leads["lead_id"])) == ["5", "7"]
    assert set(dataset.lead_stages["lead_id"]) <= set(dataset.leads["lead_id"])
    assert [n.example[:9] for n in report.notes if n.done.startswith("set aside")] == ["l.csv row", "l.csv row"]
