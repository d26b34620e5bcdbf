"""Columns judged by all of their file, in memory and block by block."""

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
from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset
from features.dataset.funnel import Funnel

FUNNEL = Funnel(("lead", "customer"), ("lost",), {"customer": 30})


def load(folder: Path, files: dict[str, str], staged: Path | None = None, **settings: Any) -> tuple[Dataset, DataReport]:
    for name, text in files.items():
        (folder / name).write_text(text)
    source = {"folder": str(folder), "leads": {"file": "leads.csv"}, **settings}
    return load_files(FilesSource.model_validate(source), FUNNEL, folder, staged)


def sentences(report: DataReport) -> str:
    return "\n".join(report.lines())


def test_another_column_of_the_file_says_which_is_the_day_and_the_report_says_so(tmp_path: Path) -> None:
    leads = "lead_id,created_at,Last Visit\n1,03/04/2026,25/04/2026\n2,05/06/2026,\n"
    dataset, report = load(tmp_path, {"leads.csv": leads})
    assert dataset.leads["created_at"].dt.month.tolist() == [4, 6]
    assert dataset.leads["Last Visit"].dt.day.tolist()[0] == 25
    assert "'03/04/2026' (row 2)" in sentences(report)
    assert "read as 3 April 2026, as 'Last Visit' does with '25/04/2026' (row 2)" in sentences(report)


def test_columns_that_contradict_each_other_decide_nothing(tmp_path: Path) -> None:
    leads = "lead_id,created_at,A,B\n1,03/04/2026,25/04/2026,04/25/2026\n"
    with pytest.raises(
        DataError, match=r"leads\.csv, column 'created_at': '03/04/2026' \(row 2\) is 3 April 2026 or 4 March 2026"
    ):
        load(tmp_path, {"leads.csv": leads})


def test_days_of_lead_stages_are_read_as_the_other_dates_of_their_file(tmp_path: Path) -> None:
    leads = "Id,Created,Won\n1,25/01/2026,03/04/2026\n2,26/01/2026,\n"
    dataset, report = load(
        tmp_path,
        {"leads.csv": leads},
        leads={"file": "leads.csv", "columns": {"lead_id": "Id", "created_at": "Created"}},
        lead_stages={"file": "leads.csv", "columns": {"lead_id": "Id"}, "dates": {"customer": "Won"}},
    )
    assert dataset.lead_stages["at"].dt.strftime("%Y-%m-%d").tolist() == ["2026-04-03"]
    assert "as 'Created' does with '25/01/2026'" in sentences(report)


def test_the_decimal_sign_is_that_of_other_columns_before_it_is_that_of_the_separator(tmp_path: Path) -> None:
    leads = "lead_id;created_at;Price;Size;Share\n1;2026-01-01;12.5;1.234;12%\n2;2026-01-02;3.25;2.000;15%\n"
    dataset, report = load(tmp_path, {"leads.csv": leads})
    assert dataset.leads[["Price", "Size", "Share"]].to_numpy().tolist() == [[12.5, 1.234, 12], [3.25, 2, 15]]
    assert "read as 1.234, as 'Price' does with '12.5' (row 2)" in sentences(report)
    leads = "lead_id;created_at;Preis;Quote;Umsatz\n1;2026-01-01;12,5;0,125;1.234\n2;2026-01-02;1.250,75;0,500;12.500\n"
    dataset, report = load(tmp_path, {"leads.csv": leads})
    assert dataset.leads[["Preis", "Quote", "Umsatz"]].to_numpy().tolist() == [[12.5, 0.125, 1234], [1250.75, 0.5, 12500]]
    assert "Warning" not in sentences(report)


def test_telephone_numbers_say_nothing_of_the_decimal_sign(tmp_path: Path) -> None:
    leads = "lead_id,created_at,Line,Size\n1,2026-01-01,030.123.456,1.234\n2,2026-01-02,040.123.456,2.345\n"
    dataset, report = load(tmp_path, {"leads.csv": leads})
    assert dataset.leads["Size"].tolist() == [1.234, 2.345]
    assert "as is usual in files separated by ','" in sentences(report)


def test_employees_are_whole_and_revenue_follows_the_separator_with_a_warning(tmp_path: Path) -> None:
    leads = "lead_id;created_at;company_id;Mitarbeiter;Umsatz\n1;05.01.2026;A;1.200;2.500\n2;06.01.2026;B;300;850\n"
    dataset, report = load(
        tmp_path,
        {"leads.csv": leads},
        leads={"file": "leads.csv", "keep": []},
        companies={
            "file": "leads.csv",
            "columns": {"company_id": "company_id", "employees": "Mitarbeiter", "annual_revenue": "Umsatz"},
            "keep": [],
        },
    )
    assert dataset.companies["employees"].tolist() == [1200, 300]
    assert dataset.companies["annual_revenue"].tolist() == [2500, 850]
    assert "'Mitarbeiter' of leads.csv: '1.200' (row 2)); read as 1,200, since it counts what is whole" in sentences(report)
    assert "Warning – companies: 1 column whose numbers can be thousands or fractions (for example 'Umsatz'" in sentences(
        report
    )


def test_numbers_that_parquet_stores_as_such_are_theirs_whatever_the_decimal_sign_of_texts(tmp_path: Path) -> None:
    frame = pd.DataFrame({"lead_id": ["1", "2"], "created_at": "2026-01-01", "x": [1.234, 2.0], "t": ["1,5", "2"]})
    frame.to_parquet(tmp_path / "leads.parquet")
    dataset, _ = load(tmp_path, {}, leads={"file": "leads.parquet"}, decimal=",")
    assert dataset.leads[["x", "t"]].to_numpy().tolist() == [[1.234, 1.5], [2, 2]]


def acts(at: list[str], value: list[str]) -> str:
    rows = [f"{row % 3};visit;{moment};{number}" for row, (moment, number) in enumerate(zip(at, value, strict=True))]
    return "\n".join(["lead_id;type;at;value", *rows]) + "\n"


COLUMNS = {
    "plain, then others": (["2026-01-01"] * 200 + ["25/02/2026", "03/02/2026"] * 50, ["1.5"] * 300),
    "open, decided at the end": (["03/02/2026"] * 299 + ["25/02/2026"], ["1.234"] * 299 + ["1,5"]),
    "open to the end": (["03/02/2026"] * 300, ["1"] * 300),
    "a contradiction at the end": (["2026-01-01"] * 300, ["1,5"] * 299 + ["1.5"]),
    "turned by a spreadsheet": (
        ["2026-02-01", "2026-02-02", "2026-02-03"] * 60 + ["25/02/2026", "26/02/2026"] * 60,
        ["1"] * 300,
    ),
    "unreadable": (["2026-01-01"] * 150 + ["soon"] * 150, ["1"] * 200 + ["many"] * 100),
    "a thousand or a fraction": (["2026-01-01"] * 300, ["1"] * 150 + ["1.234"] * 150),
    "ranges and money": (["3. März 2026"] * 300, ["51-200"] * 100 + ["€ 1.200"] * 200),
}


@pytest.mark.parametrize(("at", "value"), COLUMNS.values(), ids=COLUMNS)
def test_blocks_give_the_rows_or_the_sentence_of_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: list[str], value: list[str]
) -> None:
    files = {"leads.csv": "lead_id,created_at\n0,2026-01-01\n1,2026-01-01\n2,2026-01-01\n", "acts.csv": acts(at, value)}
    settings = {"interactions": {"file": "acts.csv"}}
    outcomes: list[object] = []
    for staged in (None, tmp_path / "staged.parquet"):
        if staged:
            monkeypatch.setattr(reading, "BLOCK_BYTES", 1 << 9)
        try:
            dataset, report = load(tmp_path, files, staged, **settings)
            frame = pq.read_table(staged).to_pandas() if staged else dataset.interactions
            outcomes.append((frame["at"].astype("str").tolist(), frame["value"].tolist(), sentences(report)))
        except DataError as error:
            outcomes.append(str(error))
    assert outcomes[0] == outcomes[1]
