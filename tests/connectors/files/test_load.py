"""The files source: leads, companies, interactions, lead stages and deals from files of any names and columns."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from connectors.files.load import load_files
from connectors.files.settings import FilesSource
from features.common.errors import ConfigError, DataError
from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset
from features.dataset.funnel import Funnel
from features.dataset.validate import validate

LEADS = """Id;Created On;Mail;Vorname;Umsatz;Post Code;Note;Empty
007;31.03.2026;Ada@Example.ORG;Ada;1.234,50;01234;x;
008;01.04.2026;bob@web.de;Bob;99;20095;y;
"""
EVENTS = """contact,what,when
007,Web Visit,2026-04-01T10:00:00+02:00
008,Web Visit,2026-04-01 10:00:00
008,Ping,2026-04-01 11:00:00
"""
STAGES = """lead,status,day
007,MQL,2026-04-02
007,Noise,2026-04-03
008,Closed Won,2026-04-04
"""
CONFIG = """
timezone: Europe/Berlin
leads:
  file: leads.csv
  columns: {lead_id: Id, created_at: Created On, email_domain: Mail, revenue: Umsatz}
  constants: {source: web}
  exclude: Note
  decimal: ","
  date_format: "%d.%m.%Y"
interactions:
  file: events.csv.gz
  columns: {lead_id: contact, type: what, at: when}
  values: {type: {Web Visit: page_view}}
  skip: {what: Ping}
lead_stages:
  file: stages.csv
  columns: {lead_id: lead, lead_stage: status, at: day}
  values: {lead_stage: {MQL: mql, Closed Won: customer, "*": null}}
"""


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        file = name.replace("__", ".")
        data = text.encode()
        (folder / file).write_bytes(gzip.compress(data) if file.endswith(".gz") else data)


def load(folder: Path, config: str, funnel: Funnel | None = None) -> tuple[Dataset, DataReport]:
    source = FilesSource.model_validate(yaml.safe_load(config))
    return load_files(source, funnel or Funnel(), folder)


@pytest.fixture
def crm(tmp_path: Path) -> Path:
    write(tmp_path, leads__csv=LEADS, events__csv__gz=EVENTS, stages__csv=STAGES)
    return tmp_path


def test_leads_keep_leading_zeros_and_get_kinds_from_their_values(crm: Path) -> None:
    leads = load(crm, CONFIG)[0].leads
    assert leads["lead_id"].tolist() == ["007", "008"]
    assert leads["revenue"].tolist() == [1234.5, 99.0]
    assert leads["Post Code"].tolist() == ["01234", "20095"]
    assert leads["source"].tolist() == ["web", "web"]
    assert leads["created_at"].iloc[0] == pd.Timestamp("2026-03-30 22:00", tz="UTC")


def test_an_address_becomes_its_domain_and_names_and_excluded_and_empty_columns_stay_out(crm: Path) -> None:
    dataset, report = load(crm, CONFIG)
    assert dataset.leads["email_domain"].tolist() == ["example.org", "web.de"]
    assert not {"Vorname", "Note", "Empty", "Mail"} & set(dataset.leads.columns)
    text = "\n".join(report.lines())
    assert "1 personal column not taken (for example Vorname (name))" in text
    assert "1 all-empty column not taken (for example Empty)" in text


def test_times_with_an_offset_keep_it_and_naive_ones_are_in_the_time_zone_of_the_mapping(crm: Path) -> None:
    interactions = load(crm, CONFIG)[0].interactions
    assert interactions["at"].tolist() == [pd.Timestamp("2026-04-01 08:00", tz="UTC")] * 2
    assert interactions["at"].dtype == "datetime64[us, UTC]"


def test_values_are_translated_rows_skipped_and_null_drops_the_row(crm: Path) -> None:
    dataset, report = load(crm, CONFIG)
    assert dataset.interactions["type"].tolist() == ["page_view", "page_view"]
    assert isinstance(dataset.interactions["lead_id"].dtype, pd.CategoricalDtype)
    assert dataset.lead_stages["lead_stage"].tolist() == ["mql", "customer"]
    assert "1 row of stages.csv left out; their value is mapped to null" in "\n".join(report.lines())


def test_without_extracted_at_the_newest_moment_is_taken_and_said(crm: Path) -> None:
    dataset, report = load(crm, CONFIG)
    assert dataset.extracted_at == pd.Timestamp("2026-04-03 22:00", tz="UTC")
    assert any("extraction" in line for line in report.lines())
    assert load(crm, CONFIG + "extracted_at: 2026-05-01")[0].extracted_at == pd.Timestamp("2026-05-01", tz="UTC")


def test_several_files_of_interactions_are_put_below_one_another(crm: Path) -> None:
    write(crm, more__csv="lead_id,at,type\n007,2026-04-05,call_made\n")
    config = yaml.safe_load(CONFIG)
    config["interactions"] = [config["interactions"], {"file": "more.csv", "constants": {"direction": "out"}}]
    interactions = load(crm, yaml.safe_dump(config))[0].interactions
    assert interactions["type"].tolist() == ["page_view", "page_view", "call_made"]
    assert interactions["direction"].isna().tolist() == [True, True, False]


def test_a_date_column_per_lead_stage_makes_a_row_per_date(tmp_path: Path) -> None:
    write(
        tmp_path, leads__csv="lead_id,created_at,mql_on,won_on\na,2026-01-01,2026-01-02,\nb,2026-01-01,2026-01-03,2026-01-09\n"
    )
    dataset, report = load(
        tmp_path, "{leads: {file: leads.csv}, lead_stages: {file: leads.csv, dates: {mql: mql_on, customer: won_on}}}"
    )
    rows = dataset.lead_stages
    assert not {"mql_on", "won_on"} & set(dataset.leads.columns)  # as attributes they would tell the outcome
    assert "2 columns that feed other tables (for example mql_on, won_on)" in "\n".join(report.lines())
    assert list(zip(rows["lead_id"], rows["lead_stage"].astype("str"), strict=True)) == [
        ("a", "mql"),
        ("b", "mql"),
        ("b", "customer"),
    ]


def test_deals_without_a_status_follow_their_lead(tmp_path: Path) -> None:
    write(
        tmp_path,
        leads__csv="lead_id,created_at,amount\na,2026-01-01,5\nb,2026-01-01,6\nc,2026-01-01,7\nd,2026-01-01,8\n",
        stages__csv="lead_id,lead_stage,at\na,customer,2026-01-05\nb,lost,2026-01-06\nd,lost,2026-01-06\nd,mql,2026-01-09\n",
    )
    deals = "deals: {file: leads.csv, columns: {deal_id: lead_id, lead_id: lead_id}}"
    dataset, _ = load(tmp_path, f"{{leads: {{file: leads.csv}}, lead_stages: {{file: stages.csv}}, {deals}}}")
    assert dataset.deals["status"].tolist() == ["won", "lost", "open", "open"]
    assert dataset.deals["closed_at"].dt.day.tolist()[:2] == [5, 6]
    assert dataset.deals["amount"].tolist() == [5.0, 6.0, 7.0, 8.0]


def test_companies_named_in_every_lead_give_one_row_each_when_asked(tmp_path: Path) -> None:
    write(tmp_path, leads__csv="lead_id,created_at,Company,Staff\na,2026-01-01,ACME,12\nb,2026-01-02,ACME,13\n")
    config = """
    leads: {file: leads.csv, columns: {company_id: Company}, keep: []}
    companies: {file: leads.csv, columns: {company_id: Company, employees: Staff}, keep: [], repeated: last}
    """
    dataset, report = load(tmp_path, config)
    assert dataset.companies[["company_id", "employees"]].to_numpy().tolist() == [["ACME", 13.0]]
    assert "of each column the last filled value was kept" in "\n".join(report.lines())


def test_parquet_gives_the_same_dataset_as_csv(crm: Path) -> None:
    frame = pd.DataFrame({
        "contact": ["007", "008"],
        "what": pd.Categorical(["Web Visit", "Web Visit"]),
        "when": pd.to_datetime(["2026-04-01 08:00", "2026-04-01 08:00"], utc=True),
    })  # fmt: skip
    frame.to_parquet(crm / "events.parquet")
    csv = load(crm, CONFIG)[0].interactions
    parquet = load(crm, CONFIG.replace("events.csv.gz", "events.parquet").replace("  skip: {what: Ping}\n", ""))[0].interactions
    pd.testing.assert_frame_equal(csv, parquet, check_categorical=False)


def test_naive_parquet_times_are_in_the_time_zone_and_whole_number_ids_have_no_point(tmp_path: Path) -> None:
    created = pd.to_datetime(["2026-01-01 01:00", "2026-07-01 02:00"])
    day = [pd.Timestamp("2026-01-01").date()] * 2
    pd.DataFrame({"lead_id": [1.0, 2.0], "created_at": created, "day": day}).to_parquet(tmp_path / "leads.parquet")
    leads = load(tmp_path, "{timezone: Europe/Berlin, leads: {file: leads.parquet}}")[0].leads
    assert leads["lead_id"].tolist() == ["1", "2"]
    assert leads["created_at"].dt.hour.tolist() == [0, 0]
    assert leads["day"].dtype == "datetime64[us, UTC]"


def test_ids_that_some_software_wrote_as_numbers_match_their_leads(tmp_path: Path) -> None:
    write(tmp_path, leads__csv="lead_id,created_at\n17,2026-01-01\n", acts__csv="lead_id,type,at\n17.0,call,2026-01-02\n")
    dataset, _ = load(tmp_path, "{leads: {file: leads.csv}, interactions: {file: acts.csv}}")
    assert dataset.interactions["lead_id"].tolist() == dataset.leads["lead_id"].tolist() == ["17"]


def test_e_mail_addresses_as_ids_are_kept_with_a_warning(tmp_path: Path) -> None:
    write(tmp_path, leads__csv="lead_id,created_at\na@b.de,2026-01-01\nc@d.de,2026-01-01\n")
    _, report = load(tmp_path, "leads: {file: leads.csv}")
    assert any(line.startswith("Warning – leads: 2 lead_ids are e-mail addresses") for line in report.lines())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("leads.csv", "lead.csv", r"There is no file .*lead\.csv.\n.*did you mean 'leads\.csv'"),
        ("contact, type", "contakt, type", r"events\.csv\.gz has no column 'contakt'.*interactions\.lead_id\.\n.*'contact'"),
        ("exclude: Note", "exclude: Nota", r"leads\.csv has no column 'Nota'.*keep/exclude.*\n.*'Note'"),
        ("skip: {what", "skip: {wat", r"has no column 'wat'.*only/skip"),
        ('"%d.%m.%Y"', '"%m/%d/%Y"', r"leads\.csv, row 2, column 'Created On': '31\.03\.2026' is not a date.*1 more such"),
        ('decimal: ","', 'decimal: "."', None),
    ],
)
def test_what_is_missing_or_unreadable_is_named_with_file_row_and_column(
    crm: Path, old: str, new: str, message: str | None
) -> None:
    if message is None:  # what makes sense in one way only is read so, and told
        dataset, report = load(crm, CONFIG.replace(old, new))
        assert dataset.leads["revenue"].tolist() == [1234.5, 99]
        assert any("columns written otherwise than `decimal:" in note.what for note in report.notes)
        return
    with pytest.raises(DataError, match=message):
        load(crm, CONFIG.replace(old, new))


@pytest.mark.parametrize(
    ("drop", "message"),
    [("lead_id: Id, ", "nothing is mapped to 'lead_id'"), ("created_at: Created On, ", "nothing is mapped to 'created_at'")],
)
def test_a_required_column_that_nothing_is_mapped_to_is_an_error_that_lists_the_columns(
    crm: Path, drop: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=rf"source\.leads: {message}.*\n.*'Vorname'"):
        load(crm, CONFIG.replace(drop, ""))


def test_an_empty_id_names_the_row(crm: Path) -> None:
    write(crm, events__csv__gz=EVENTS.replace("008,Web", ",Web"))
    with pytest.raises(DataError, match=r"events\.csv\.gz, row 3, column 'contact': empty, but every row needs a lead_id"):
        load(crm, CONFIG)


def test_a_row_after_skipped_ones_still_has_the_number_it_has_in_the_file(crm: Path) -> None:
    write(crm, events__csv__gz="contact,what,when\n1,Ping,x\n1,Ping,x\n007,Web Visit,soon\n")
    with pytest.raises(DataError, match=r"row 4, column 'when': 'soon' is not a date"):
        load(crm, CONFIG)


def test_a_column_named_like_a_mapped_one_is_kept_beside_it(tmp_path: Path) -> None:
    write(tmp_path, leads__csv="lead_id,created_at,source,Lead Source\na,2026-01-01,x,y\n")
    leads = load(tmp_path, "leads: {file: leads.csv, columns: {source: Lead Source}}")[0].leads
    assert leads[["source", "source (file)"]].to_numpy().tolist() == [["y", "x"]]


def test_two_hundred_custom_columns_are_no_trouble(tmp_path: Path) -> None:
    names = [f"c{n}" for n in range(200)]
    write(tmp_path, leads__csv=f"lead_id,created_at,{','.join(names)}\na,2026-01-01,{','.join(['1'] * 200)}\n")
    assert load(tmp_path, "leads: {file: leads.csv}")[0].leads[names].sum().sum() == 200


def test_files_with_a_header_alone_make_empty_tables(tmp_path: Path) -> None:
    write(tmp_path, leads__csv="lead_id,created_at\na,2026-01-01\n", i__csv="lead_id,type,at\n", s__csv="lead_id,mql\n")
    config = "{leads: {file: leads.csv}, interactions: {file: i.csv}, lead_stages: {file: s.csv, dates: {mql: mql}}}"
    dataset, _ = load(tmp_path, config)
    assert dataset.interactions.empty
    assert dataset.lead_stages.empty


def test_values_of_an_unknown_column_are_an_error(crm: Path) -> None:
    config: dict[str, Any] = yaml.safe_load(CONFIG)
    config["leads"]["values"] = {"Post Kode": {"1": "2"}}
    with pytest.raises(ConfigError, match=r"values: 'Post Kode' is no column.*\n.*'Post Code'"):
        load(crm, yaml.safe_dump(config))


@pytest.mark.parametrize("repeated", ["error", "last"])
def test_rows_that_share_an_id_which_a_spreadsheet_rounded_are_refused(tmp_path: Path, repeated: str) -> None:
    write(tmp_path, l__csv="lead_id,created_at\n1.23457E+12,2026-01-01\n1.23457E+12,2026-01-02\n4711,2026-01-03\n")
    with pytest.raises(DataError, match=r"l\.csv, rows 2, 3: lead_id '1\.23457E\+12' was rounded[^$]*anew as text"):
        load(tmp_path, f"leads: {{file: l.csv, repeated: {repeated}}}")
    write(tmp_path, l__csv="lead_id,created_at\n1.23457E+12,2026-01-01\n7E12,2026-01-02\n7E12,2026-01-03\n")
    _, report = load(tmp_path, "leads: {file: l.csv, repeated: last}")
    assert "1 lead_id that a spreadsheet rounded (for example 1.23457E+12); kept" in "\n".join(report.lines())


def test_a_file_without_rows_has_no_leads(tmp_path: Path) -> None:
    write(tmp_path, leads__csv="lead_id,created_at\n")
    with pytest.raises(DataError, match=r"leads\.csv has no leads"):
        load(tmp_path, "leads: {file: leads.csv}")


def test_an_opt_out_that_cannot_be_read_counts_as_one(tmp_path: Path) -> None:
    write(
        tmp_path, l__csv="lead_id,created_at,opted_out\n1,2026-01-01,no\n2,2026-01-01,bounced\n3,2026-01-01,\n4,2026-01-01,x\n"
    )
    dataset, report = load(tmp_path, "leads: {file: l.csv}")
    assert dataset.leads["opted_out"].fillna(False).tolist() == [False, True, False, True]
    assert "1 opt-outs that are neither yes nor no (for example 'bounced'); taken as opted out" in "\n".join(report.lines())


@pytest.mark.parametrize("rule", ["skip: {created_at: ['']}", "skip: {created_at: ['N/A']}", "only: {gone: ['', no]}"])
def test_rows_without_a_value_are_taken_out_by_a_blank(tmp_path: Path, rule: str) -> None:
    write(tmp_path, l__csv="lead_id,created_at,gone\n1,2026-01-01,\n2,2026-01-02,no\n3,,yes\n")
    dataset, _ = load(tmp_path, f"leads: {{file: l.csv, {rule}}}")
    assert dataset.leads["lead_id"].tolist() == ["1", "2"]


def test_rows_of_a_lead_that_was_set_aside_are_told_once_and_with_the_reason(tmp_path: Path) -> None:
    write(
        tmp_path,
        l__csv="lead_id,created_at\n1,2026-01-01\n2,1899-12-30\n3,2026-01-03\n4,2026-01-30\n",
        e__csv="lead_id,type,at\n1,visit,2026-01-02\n2,visit,2026-01-02\n2,visit,2026-01-03\n4,visit,2026-01-02\n",
        s__csv="lead_id,lead_stage,at\n1,mql,2026-01-03\n2,mql,2026-01-04\n",
        d__csv="deal_id,lead_id,created_at,status\nd,2,2026-01-05,open\n",
    )
    files = "leads: {file: l.csv}\ninteractions: {file: e.csv}\nlead_stages: {file: s.csv}\ndeals: {file: d.csv}\n"
    dataset, report = load(tmp_path, f"extracted_at: 2026-01-20\n{files}")
    dataset, validated = validate(dataset, Funnel())
    lines = report.merge(validated).lines()
    assert not [line for line in lines if "unknown leads" in line]
    of_these = [line for line in lines if "of leads that were set aside" in line or "of lead that" in line]
    assert [line.split("–")[1].split(" (")[0].strip() for line in of_these] == [
        "interactions: 3 rows of leads that were set aside",
        "lead_stages: 1 row of leads that were set aside",
        "deals: 1 row of leads that were set aside",
    ]
    assert dataset.leads["lead_id"].tolist() == ["1", "3"]


def test_what_stands_around_the_table_is_told(tmp_path: Path) -> None:
    text = "Lead report\n\n"
    text += "lead_id,created_at,note,note\n1,2026-01-01,a,b\n,,,\nTotal,,1,\n\nCopyright (c) 2026 Acme, inc.\n"
    write(tmp_path, l__csv=text)
    dataset, report = load(tmp_path, "leads: {file: l.csv}")
    assert dataset.leads["lead_id"].tolist() == ["1"]
    sentences = "\n".join(report.lines())
    for words in ("Lead report); passed over", "Copyright", "1 line of sums", "nothing but separators", "1 column name that"):
        assert words in sentences


@pytest.mark.parametrize(("repeated", "kept"), [("last", ["250", "IT", "2"]), ("first", ["250", "IT", "1"])])
def test_a_blank_takes_no_value_of_a_repeated_company_away(tmp_path: Path, repeated: str, kept: list[str]) -> None:
    """Each column keeps the first or last value that is there; blank ids are nobody's."""
    text = "lead_id,created_at,firm,employees,industry,note\n1,2026-01-01,A,250,,1\n2,2026-01-02,A,,IT,2\n3,2026-01-03,,9,X,3\n"
    (tmp_path / "l.csv").write_text(text, encoding="utf-8")
    companies = {"file": "l.csv", "columns": {"company_id": "firm"}, "keep": ["note"], "repeated": repeated}
    source = FilesSource.model_validate({"leads": {"file": "l.csv", "order": None}, "companies": companies})
    data, _ = load_files(source, Funnel(), tmp_path)
    row = data.companies.set_index("company_id").loc["A"]
    assert [f"{row[c]:g}" if c != "industry" else row[c] for c in ("employees", "industry", "note")] == kept
    assert len(data.companies) == 1


def test_columns_may_be_called_as_python_calls_things(tmp_path: Path) -> None:
    """Also where blanks are filled from other rows of an id."""
    names = "self,index,class,None,copy"
    rows = "L1,2026-01-05,red,,1,a,\nL1,2026-01-06,,blue,,b,x\nL2,2026-01-07,green,blue,2,,y\n"
    (tmp_path / "l.csv").write_text(f"lead_id,created_at,{names}\n{rows}", encoding="utf-8")
    dataset, _ = load(tmp_path, "leads: {file: l.csv, repeated: last}")
    first = dataset.leads.set_index("lead_id").loc["L1"]
    assert (first["self"], first["index"], first["class"], first["copy"]) == ("red", "blue", 1, "x")
