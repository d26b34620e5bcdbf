"""Files that need no translation go straight through the database; the others are left to our reader."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from connectors.files.load import load_files
from connectors.files.settings import FilesSource
from connectors.files.stream import raw_of_files
from features.dataset.validate import validate
from features.partitions.executor import Inline
from features.partitions.frames import whole_dataset
from features.partitions.partition import partition
from features.partitions.storage import Storage
from tests.features.partitions.worlds import FUNNEL, SMALL, world


def test_csv_and_parquet_files_go_straight_through_the_database(tmp_path: Path) -> None:
    dataset = world(5)
    dataset.leads.to_csv(tmp_path / "leads.csv", index=False)
    dataset.lead_stages.to_csv(tmp_path / "stages.csv", index=False)
    halves = dataset.interactions.iloc[::2], dataset.interactions.iloc[1::2]
    halves[0].rename(columns={"type": "what"}).assign(lead_id=" " + halves[0]["lead_id"].astype("str")).to_csv(
        tmp_path / "one.csv", index=False, sep=";", na_rep="NULL"
    )
    halves[1].astype(dict.fromkeys(("lead_id", "type", "content", "campaign", "direction"), "str")).to_parquet(
        tmp_path / "two.parquet"
    )
    source = FilesSource.model_validate(
        {
            "folder": str(tmp_path),
            "leads": {"file": "leads.csv"},
            "lead_stages": {"file": "stages.csv"},
            "interactions": [{"file": "one.csv", "columns": {"type": "what"}}, {"file": "two.parquet"}],
            "extracted_at": dataset.extracted_at,
        }
    )
    raw = raw_of_files(source, FUNNEL, tmp_path)
    assert raw is not None
    assert len(raw.rows.queries) == 2
    place = Storage.from_path(tmp_path / "data")
    partition(place, raw, FUNNEL, Inline(SMALL))
    wanted, _ = validate(load_files(source, FUNNEL, tmp_path)[0], FUNNEL)
    columns = list(wanted.interactions.columns)
    found = whole_dataset(place).interactions[columns].astype("str").sort_values(columns, ignore_index=True)
    pd.testing.assert_frame_equal(found, wanted.interactions.astype("str").sort_values(columns, ignore_index=True))


def test_a_mapping_that_translates_values_is_left_to_our_reader(tmp_path: Path) -> None:
    dataset = world(5)
    dataset.leads.to_csv(tmp_path / "leads.csv", index=False)
    dataset.interactions.to_csv(tmp_path / "acts.csv", index=False)
    mapping = {"file": "acts.csv", "values": {"type": {"page_view": "view"}}}
    source = FilesSource.model_validate({"folder": str(tmp_path), "leads": {"file": "leads.csv"}, "interactions": mapping})
    assert raw_of_files(source, FUNNEL, tmp_path) is None
