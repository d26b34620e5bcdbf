"""Attributes from a second file are what they would be, had somebody joined the files before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from connectors.files.load import files_of, load_files
from connectors.files.settings import FilesSource
from features.common.errors import DataError
from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset
from features.dataset.funnel import Funnel

LEADS = "lead_id,created_at,utm,won\n1,2026-01-05,a,yes\n2,2026-01-06,b,no\n3,2026-01-07,,no\n4,2026-01-08,a,\n"
WHOLE = "lead_id,created_at,utm,won,country,score,since\n" + "\n".join(
    [
        "1,2026-01-05,a,yes,DE,1.5,2024-03-01",
        "2,2026-01-06,b,no,AT,1250.75,2023-01-31",
        "3,2026-01-07,,no,,,",
        "4,2026-01-08,a,,,7.25,",
    ]
)
PROFILES = "Nr;Land;score;since\n4;;7,25;\n2;AT;1.250,75;31.01.2023\n1;DE;1,5;01.03.2024\n9;FR;8,5;13.02.2022\n"
JOIN = {"file": "profiles.csv", "on": {"lead_id": "Nr"}}
FUNNEL = Funnel(("lead", "customer"), ("lost",), {"customer": 60.0})


def load(folder: Path, mapping: dict[str, Any], **files: str) -> tuple[Dataset, DataReport]:
    for name, text in {"leads": LEADS, "profiles": PROFILES, **files}.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    outcome = {"column": "won", "yes": "yes", "no": "no"}
    source = {"folder": str(folder), "leads": {"file": "leads.csv", "outcome": outcome, **mapping}}
    return load_files(FilesSource.model_validate(source), FUNNEL, folder)


def sentences(report: DataReport) -> str:
    return "\n".join(report.lines())


def test_two_files_are_as_one_that_was_joined_before(tmp_path: Path) -> None:
    """Each column is read as its own file is written; the rows are those of the first file."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    joined, report = load(tmp_path / "two", {"join": [JOIN], "columns": {"country": "Land"}})
    whole, _ = load(tmp_path / "one", {}, leads=WHOLE)
    pd.testing.assert_frame_equal(joined.leads, whole.leads, check_like=True)
    pd.testing.assert_frame_equal(joined.lead_stages, whole.lead_stages)
    assert "1 row of leads.csv that profiles.csv says nothing of (for example 3)" in sentences(report)
    assert "1 row of profiles.csv that no row of leads.csv names" in sentences(report)


def test_a_key_of_the_rows_may_be_any_column_and_a_name_of_both_files_is_told_apart(tmp_path: Path) -> None:
    campaigns = "utm,channel,created_at\na,paid,2020-01-01\nb,organic,2021-01-01\n"
    dataset, _ = load(tmp_path, {"join": {"file": "campaigns.csv", "on": "utm"}}, campaigns=campaigns)
    assert dataset.leads["channel"].fillna("-").tolist() == ["paid", "organic", "-", "paid"]
    assert dataset.leads["created_at"].dt.year.tolist() == [2026] * 4
    assert "created_at (campaigns.csv)" in dataset.leads


def test_the_outcome_may_stand_in_the_other_file(tmp_path: Path) -> None:
    labels = "id,target\n1,0\n2,1\n3,0\n4,1\n"
    outcome = {"column": "target", "yes": 1, "no": 0}
    dataset, _ = load(tmp_path, {"join": {"file": "labels.csv", "on": {"lead_id": "id"}}, "outcome": outcome}, labels=labels)
    stages = dataset.lead_stages.astype({"lead_stage": "str"}).set_index("lead_id")["lead_stage"]
    assert stages[stages == "customer"].index.tolist() == ["2", "4"]
    assert "target" not in dataset.leads


def test_rows_and_columns_of_the_other_file_are_chosen(tmp_path: Path) -> None:
    options = {"keep": ["score"], "skip": {"Land": "AT"}, "null_in": {"score": "7,25"}}
    dataset, _ = load(tmp_path, {"join": JOIN | options})
    assert dataset.leads["score"].dropna().tolist() == [1.5]
    assert "Land" not in dataset.leads


TWICE = "Nr;score\n1;1\n2;2\n1;\n1;3\n"


def test_a_key_of_several_rows_is_a_question(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"profiles\.csv has 1 keys in several rows, such as '1' \(rows 2, 4, 5\)[^$]*repeated: last"
    ):
        load(tmp_path, {"join": JOIN}, profiles=TWICE)


@pytest.mark.parametrize(("repeated", "score"), [("first", 1.0), ("last", 3.0)])
def test_of_several_rows_the_first_or_last_value_that_is_there_counts(tmp_path: Path, repeated: str, score: float) -> None:
    dataset, _ = load(tmp_path, {"join": JOIN | {"repeated": repeated}}, profiles=TWICE)
    assert dataset.leads["score"].tolist()[:2] == [score, 2.0]


def test_keys_of_which_none_is_the_same_are_an_error_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"No row of profiles\.csv has a key that leads\.csv names in 'lead_id', such as '1'[^$]*zeros"
    ):
        load(tmp_path, {"join": JOIN}, profiles="Nr;score\n0001;1\n0002;2\n")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"file": "profile.csv"}, "There is no file"),
        ({"on": {"id": "Nr"}}, "leads.csv has no column 'id', which the mapping wants for the join of profiles.csv"),
        ({"on": "lead_id"}, "profiles.csv has no column 'lead_id', which the mapping wants for the join with leads.csv"),
        ({"keep": ["scores"]}, "profiles.csv has no column 'scores'"),
    ],
)
def test_what_is_not_there_is_named(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError) as refused:
        load(tmp_path, {"join": JOIN | changes})
    assert words in str(refused.value)


def test_a_value_that_cannot_be_read_is_told_with_both_files(tmp_path: Path) -> None:
    companies = {"file": "leads.csv", "columns": {"company_id": "lead_id", "employees": "staff"}, "join": [JOIN], "keep": []}
    for name, text in {"leads": LEADS, "profiles": "Nr,staff\n1,10\n2,many\n"}.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    source = FilesSource.model_validate({"leads": {"file": "leads.csv", "exclude": ["won"]}, "companies": companies})
    with pytest.raises(DataError, match=r"profiles\.csv, joined to leads\.csv, row 3, column 'staff': 'many' is not a number"):
        load_files(source, FUNNEL, tmp_path)


def test_numbers_and_days_of_a_parquet_file_stay_what_they_are(tmp_path: Path) -> None:
    days = pa.array(pd.to_datetime(["2024-03-01", "2023-01-31"]).to_pydatetime(), pa.timestamp("us"))
    pq.write_table(pa.table({"Nr": [1, 2], "score": [1.234, 2.5], "since": days}), tmp_path / "profiles.parquet")
    dataset, _ = load(tmp_path, {"join": JOIN | {"file": "profiles.parquet"}})
    assert dataset.leads["score"].tolist()[:2] == [1.234, 2.5]
    assert dataset.leads["since"].dt.year.tolist()[:2] == [2024, 2023]


def test_yaml_reads_the_bare_key_and_the_file_is_one_of_the_source(tmp_path: Path) -> None:
    text = "leads:\n  file: leads.csv\n  join:\n    - {file: profiles.csv, on: {lead_id: Nr}}\n"
    source = FilesSource.model_validate(yaml.safe_load(text))
    assert source.leads.join[0].keys == ("lead_id", "Nr")
    assert [path.name for path in files_of(source, tmp_path)] == ["leads.csv", "profiles.csv"]
