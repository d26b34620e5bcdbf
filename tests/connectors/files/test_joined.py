"""Attributes from a second file are what they would be, had somebody joined the files before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from pydantic import ValidationError

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


def test_a_value_that_cannot_be_read_is_told_with_its_file(tmp_path: Path) -> None:
    companies = {"file": "leads.csv", "columns": {"company_id": "lead_id", "employees": "staff"}, "join": [JOIN], "keep": []}
    for name, text in {"leads": LEADS, "profiles": "Nr,staff\n1,10\n2,many\n"}.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    source = FilesSource.model_validate({"leads": {"file": "leads.csv", "exclude": ["won"]}, "companies": companies})
    with pytest.raises(DataError, match=r"profiles\.csv, row 3, column 'staff': 'many' is not a number"):
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


def test_a_joined_file_joins_no_other() -> None:
    with pytest.raises(ValidationError, match="a joined file joins no other; list both"):
        FilesSource.model_validate({"leads": {"file": "leads.csv", "join": JOIN | {"join": JOIN}}})


def test_a_key_of_another_joined_file_is_named_as_such(tmp_path: Path) -> None:
    mapping = {"join": [JOIN, {"file": "lands.csv", "on": {"Land": "code"}}]}
    with pytest.raises(DataError, match=r"lands\.csv is to be joined by 'Land', which stands in profiles\.csv"):
        load(tmp_path, mapping, lands="code,size\nDE,83\n")


@pytest.mark.parametrize("on", ["lead_id", {"lead_id": "lead_id"}, {"Key": "lead_id"}])
def test_a_column_of_the_table_stands_for_the_column_that_feeds_it(tmp_path: Path, on: Any) -> None:
    mapping = {"columns": {"lead_id": "Key"}, "join": JOIN | {"on": on}}
    leads, profiles = LEADS.replace("lead_id", "Key"), PROFILES.replace("Nr", "lead_id")
    dataset, _ = load(tmp_path, mapping, leads=leads, profiles=profiles)
    assert dataset.leads["score"].tolist()[:2] == [1.5, 1250.75]


@pytest.mark.parametrize(("in_first", "in_joined"), [(".0", ""), ("", ".0"), (".0", ".0")])
def test_keys_that_software_took_for_numbers_are_the_same(tmp_path: Path, in_first: str, in_joined: str) -> None:
    leads = f"lead_id,created_at,utm,won\n1,2026-01-05,12{in_first},yes\n2,2026-01-06,13{in_first},no\n3,2026-01-07,,no\n"
    campaigns = f"utm,channel\n13{in_joined},organic\n12{in_joined},paid\n"
    join = {"file": "campaigns.csv", "on": "utm"}
    dataset, report = load(tmp_path, {"join": join}, leads=leads, campaigns=campaigns)
    assert dataset.leads["channel"].fillna("-").tolist() == ["paid", "organic", "-"]
    assert "1 row of leads.csv without a 'utm', by which campaigns.csv is joined" in sentences(report)


def test_a_key_that_is_only_written_in_another_way_is_explained(tmp_path: Path) -> None:
    _, report = load(tmp_path, {"join": JOIN}, profiles="Nr;score\n1;1\n0002;2\n3;3\n4;4\n")
    assert "'2' would match '0002' if leading zeros had not been lost" in sentences(report)


@pytest.mark.parametrize("labels", ["id,target\n0001,1\n0002,0\n", "id,target\n,1\n"])
def test_outcomes_of_nobody_are_an_error(tmp_path: Path, labels: str) -> None:
    """No other column of the joined file is read: its outcomes would all be missing, and all leads open."""
    mapping = {"order": "rows", "outcome": {"column": "target", "yes": 1}, "exclude": ["won"]}
    with pytest.raises(DataError, match=r"No row of labels\.csv has a key that leads\.csv names in 'lead_id', such as '1'"):
        load(tmp_path, mapping | {"join": {"file": "labels.csv", "on": {"lead_id": "id"}}}, labels=labels)


def test_columns_of_a_joined_file_that_feed_other_tables_are_no_attributes(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text(LEADS, encoding="utf-8")
    (tmp_path / "profiles.csv").write_text("lead_id,score,customer_on\n1,5,2026-02-01\n2,7,\n", encoding="utf-8")
    leads = {"file": "leads.csv", "exclude": "won", "join": {"file": "./profiles.csv", "on": "lead_id"}}
    stages = {"file": "profiles.csv", "dates": {"customer": "customer_on"}}
    dataset, report = load_files(FilesSource.model_validate({"leads": leads, "lead_stages": stages}), FUNNEL, tmp_path)
    assert "score" in dataset.leads
    assert "customer_on" not in dataset.leads
    assert "customer_on); no attributes of leads: they would leak" in sentences(report)


def test_values_are_told_with_the_row_of_their_own_file(tmp_path: Path) -> None:
    mapping = {"columns": {"opted_out": "out", "created_at": "since"}, "join": [JOIN]}
    profiles = "Nr,since\n9,2026-01-01\n8,2026-01-01\n4,2026-01-02\n3,2026-01-03\n2,soon\n1,2026-01-04\n"
    leads = LEADS.replace("created_at", "out")
    with pytest.raises(DataError, match=r"profiles\.csv, row 6, column 'since': 'soon' is not a date"):
        load(tmp_path, mapping, leads=leads, profiles=profiles)
    with pytest.raises(DataError, match=r"leads\.csv, row 4, column 'since' of profiles\.csv: empty, but every row needs"):
        load(tmp_path, mapping, leads=leads, profiles="Nr,since\n2,2026-01-02\n1,2026-01-02\n4,2026-01-02\n")
    labels = "id,target\n9,0\n8,0\n1,1\n2,perhaps\n"
    outcome = {"column": "target", "yes": 1, "no": 0}
    with pytest.raises(DataError, match=r"labels\.csv, row 5, column 'target': 'perhaps' is neither in yes"):
        load(tmp_path, {"join": {"file": "labels.csv", "on": {"lead_id": "id"}}, "outcome": outcome}, labels=labels)


def test_a_column_is_judged_by_its_whole_file(tmp_path: Path) -> None:
    """A row that no lead has shows which number is the day; one that cannot be read is nobody's value."""
    profiles = "Nr,since,score\n1,03.04.2025,5\n2,05.06.2025,6\n9,31.01.2025,none\n"
    dataset, report = load(tmp_path, {"join": JOIN}, profiles=profiles)
    assert dataset.leads["since"].dt.month.tolist()[:2] == [4, 6]
    assert dataset.leads["score"].tolist()[:2] == [5.0, 6.0]
    assert "1 row of profiles.csv that no row of leads.csv names (for example 9)" in sentences(report)


@pytest.mark.parametrize(
    ("keep", "in_join", "attributes"),
    [
        (["utm"], "all", {"utm"}),
        (["utm", "score"], "all", {"utm", "score"}),
        (["utm"], ["score"], {"utm", "score"}),
        ("all", ["score"], {"utm", "score"}),
    ],
)
def test_each_file_says_what_is_kept_of_it(tmp_path: Path, keep: Any, in_join: Any, attributes: set[str]) -> None:
    dataset, _ = load(tmp_path, {"keep": keep, "join": JOIN | {"keep": in_join}})
    assert {"utm", "Land", "score", "since"} & set(dataset.leads) == attributes


@pytest.mark.parametrize("columns", [{}, {"country": "Land"}])
def test_values_of_a_joined_file_are_translated(tmp_path: Path, columns: dict[str, str]) -> None:
    dataset, _ = load(tmp_path, {"columns": columns, "join": JOIN | {"values": {"Land": {"DE": "Germany", "AT": "Austria"}}}})
    assert dataset.leads["country" if columns else "Land"].tolist()[:2] == ["Germany", "Austria"]


def test_a_file_may_be_joined_twice_by_different_keys(tmp_path: Path) -> None:
    leads = "lead_id,created_at,owner,maker,won\n1,2026-01-05,a,b,yes\n2,2026-01-06,b,c,no\n3,2026-01-06,c,,no\n"
    users = "user,team\na,red\nb,blue\nc,green\nd,grey\n"
    joins = [{"file": "users.csv", "on": {"owner": "user"}}, {"file": "users.csv", "on": {"maker": "user"}}]
    dataset, report = load(tmp_path, {"join": joins}, leads=leads, users=users)
    assert dataset.leads["team"].tolist() == ["red", "blue", "green"]
    assert dataset.leads["team (users.csv)"].fillna("-").tolist() == ["blue", "green", "-"]
    assert "1 column of users.csv with the name of another (for example team (users.csv))" in sentences(report)


def test_companies_are_joined_in_the_same_way(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text("lead_id,created_at,company_id\n1,2026-01-05,x\n2,2026-01-06,y\n", encoding="utf-8")
    (tmp_path / "firms.csv").write_text("id,industry\ny,it\nx,steel\n", encoding="utf-8")
    (tmp_path / "sizes.csv").write_text("firm;staff;turnover\nx;10;1.250,75\ny;20;7,5\n", encoding="utf-8")
    sizes = {"file": "sizes.csv", "on": {"company_id": "firm"}}
    companies = {"file": "firms.csv", "columns": {"company_id": "id", "employees": "staff"}, "join": sizes}
    source = FilesSource.model_validate({"leads": {"file": "leads.csv"}, "companies": companies})
    dataset, _ = load_files(source, FUNNEL, tmp_path)
    rows = dataset.companies.set_index("company_id")[["employees", "turnover"]]
    assert rows.loc[["x", "y"]].to_numpy().tolist() == [[10.0, 1250.75], [20.0, 7.5]]


def test_a_moment_that_cannot_be_meant_is_told_with_the_file_it_stands_in(tmp_path: Path) -> None:
    profiles = "Nr,came\n1,2026-01-05\n2,0206-01-06\n3,2026-01-07\n4,2026-01-08\n"
    columns = {"lead_id": "lead_id", "created_at": "came"}
    _, report = load(tmp_path, {"join": JOIN, "columns": columns}, profiles=profiles)
    (line,) = [line for line in report.lines() if "before 1990" in line]
    assert "profiles.csv, joined to leads.csv row 3: 0206-01-06" in line
