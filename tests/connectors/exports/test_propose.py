"""Files that people download from a CRM are recognised, mapped and read; what they cannot tell is said."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from connectors.exports.propose import propose
from connectors.files.load import load_files
from connectors.files.settings import FilesSource
from features.common.errors import ConfigError, DataError
from features.dataset.funnel import Funnel
from training.common.config import Config
from training.data.load import load
from training.data.prepare import prepare
from training.jobs.csv_check import run
from training.scale.training_data import rules_of

FUNNEL = Funnel()
FOLDERS = yaml.safe_load((Path(__file__).parent / "folders.yaml").read_text(encoding="utf-8"))


def kontakte(separator: str = ";", encoding: str = "utf-8-sig") -> bytes:
    rows = [
        [
            "Datensatz-ID",
            "Vorname",
            "E-Mail",
            "Berufsbezeichnung",
            "Unternehmensname",
            "Erstellungsdatum",
            "Lifecycle-Phase",
            "Jahresumsatz",
            'Datum wurde "Marketing Qualified Lead"',
            'Datum wurde "Kunde"',
        ],
        [
            "0017",
            "Ada",
            "ada@acme.de",
            "Leiterin Vertrieb",
            "Acme GmbH",
            "31.01.2026 14:00",
            "Kunde",
            "1.234.567,50",
            "01.02.2026 09:30",
            "05.03.2026 10:00",
        ],
        ["0018", "Bea", "bea@gmx.de", "Größenmesserin", "", "01.02.2026 08:00", "Lead", "", "", ""],
    ]
    return "\n".join(separator.join('"' + v.replace('"', '""') + '"' for v in row) for row in rows).encode(encoding)


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "cp1252"])
def test_a_german_hubspot_export_is_read_as_proposed(tmp_path: Path, separator: str, encoding: str) -> None:
    """Any separator, Excel's encoding, German labels, German dates and numbers."""
    (tmp_path / "kontakte.csv").write_bytes(kontakte(separator, encoding))
    found = propose(tmp_path, FUNNEL)
    assert [f.export.title for f in found.matches] == ["HubSpot contacts"]
    source = FilesSource.model_validate(yaml.safe_load(found.yaml("acme"))["source"])
    data, _ = load_files(source, FUNNEL, tmp_path)
    leads = data.leads.set_index("lead_id")
    assert leads.loc["0017", "email_domain"] == "acme.de"
    assert leads.loc["0018", "job_title"] == "Größenmesserin"
    assert data.companies["annual_revenue"].tolist() == [1_234_567.5]
    assert sorted(zip(data.lead_stages["lead_stage"].astype(str), data.lead_stages["at"].astype(str), strict=True)) == [
        ("customer", "2026-03-05 10:00:00+00:00"),
        ("mql", "2026-02-01 09:30:00+00:00"),
    ]
    assert "Lifecycle-Phase" not in leads  # it knows the outcome


def test_what_the_file_cannot_tell_is_said(tmp_path: Path) -> None:
    (tmp_path / "kontakte.csv").write_bytes(kontakte())
    lacks = " ".join(propose(tmp_path, FUNNEL).gaps)
    assert "interactions: scores would rest on attributes alone" in lacks
    assert "every pass of a lead stage" in lacks
    (tmp_path / "kontakte.csv").write_text("Record ID,Email,Create Date\n1,a@b.de,2026-01-01\n", encoding="utf-8")
    lacks = " ".join(propose(tmp_path, FUNNEL).gaps)
    assert "when lead stages were reached" in lacks
    assert "every pass of a lead stage" not in lacks  # there is no date at all
    (tmp_path / "people.csv").write_text("Person - ID,Person - Name,Person - Email\n1,Ada,a@b.de\n", encoding="utf-8")
    (tmp_path / "kontakte.csv").unlink()
    assert "when lead stages were reached" in " ".join(propose(tmp_path, FUNNEL).gaps)


def test_salesforce_report_with_its_footer_and_its_history(tmp_path: Path) -> None:
    """Old reports end with who made them; the lead history is another report."""
    (tmp_path / "leads.csv").write_text(
        "Lead ID,Lead Owner,Title,Company / Account,Lead Source,Create Date,Email,Lead Status\n"
        "00Q1,Jane,CEO,Acme,Web,3/31/2026,a@acme.com,Closed - Converted\n00Q2,Jane,CFO,Beta,Web,4/1/2026,b@beta.com,Open\n\n"
        '"My Leads"\n"Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved."\n',
        encoding="utf-8",
    )
    (tmp_path / "history.csv").write_text(
        'Lead ID,Field / Event,Old Value,New Value,Edit Date\n00Q1,Lead Status,Open,Working - Contacted,"4/2/2026, 2:05 PM"\n'
        '00Q1,Lead Status,Working - Contacted,Qualified,"4/9/2026, 9:00 AM"\n',
        encoding="utf-8",
    )
    found = propose(tmp_path, FUNNEL)
    source = FilesSource.model_validate(yaml.safe_load(found.yaml("acme"))["source"])
    data, _ = load_files(source, FUNNEL, tmp_path)
    assert data.leads["lead_id"].tolist() == ["00Q1", "00Q2"]
    assert sorted(data.lead_stages["lead_stage"].astype(str)) == ["mql", "sql"]
    assert data.lead_stages["at"].min().isoformat() == "2026-04-02T14:05:00+00:00"
    assert not any("MQL" in text for text in found.gaps)  # the history is there


def test_marketo_activities_beside_leads(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text(
        "id,email,createdAt,leadSource,leadStatus,title,company\n5,a@b.de,2026-01-01T00:00:00Z,Web,New,CEO,Acme\n6,c@d.de,2026-01-02T00:00:00Z,null,New,CFO,null\n",
        encoding="utf-8",
    )
    (tmp_path / "acts.csv").write_text(
        "marketoGUID,leadId,activityDate,activityTypeId,campaignId,primaryAttributeValueId,primaryAttributeValue,attributes\n"
        '1,5,2026-01-03T00:00:00Z,10,7,1,Mail,"{}"\n2,5,2026-01-04T00:00:00Z,12,null,5,null,"{}"\n',
        encoding="utf-8",
    )
    found = propose(tmp_path, FUNNEL)
    source = FilesSource.model_validate(yaml.safe_load(found.yaml("acme"))["source"])
    data, _ = load_files(source, FUNNEL, tmp_path)
    assert data.interactions["type"].astype(str).tolist() == ["email_opened"]
    assert not any("interactions" in text for text in found.gaps)
    assert any("make import CRM=marketo" in text for text in found.gaps)  # for the lead stages


def test_nothing_that_is_known_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no CSV file"):
        propose(tmp_path, FUNNEL)
    (tmp_path / "a.csv").write_text("x,y\n1,2\n", encoding="utf-8")
    proposal = propose(tmp_path, FUNNEL)
    assert "was recognised as leads: a.csv" in proposal.missing
    assert proposal.columns == {
        "a.csv": {
            "x": "number, 100% filled, 1 values, written like '9'",
            "y": "number, 100% filled, 1 values, written like '9'",
        }
    }


def test_a_confirmed_mapping_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "kontakte.csv").write_bytes(kontakte())
    run(tmp_path, tmp_path / "mine.yaml")
    with pytest.raises(ConfigError, match="is there already"):
        run(tmp_path, tmp_path / "mine.yaml")


def written(files: dict[str, str], path: Path) -> Path:
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_is_recognised_and_its_proposal_is_read(name: str, tmp_path: Path) -> None:
    """The words of csv-check, the dataset that its YAML makes, and the rows that a training would learn from."""
    folder = FOLDERS[name]
    written(folder["files"], tmp_path / "exports")
    out, page = tmp_path / "mine.yaml", io.StringIO()
    console = Console(file=page, width=10_000)
    if folder.get("rows"):
        proposal = run(tmp_path / "exports", out, console)
        config = Config.read(out)
        data, report = load(config)
        assert len(prepare(data, config, config.funnel.build(), rules_of(config)).rows)
        assert {k: n for k, n in report.rows.items() if n} == folder["rows"]
        assert proposal.funnel["stages"] == folder["stages"]
        for file, words in folder.get("unused", {}).items():
            assert words in proposal.unused[file]
        assert not data.leads.empty
    else:
        with pytest.raises(DataError, match="No configuration can be proposed"):
            run(tmp_path / "exports", out, console)
        assert not out.exists()
    text = page.getvalue()
    for file, title in folder.get("titles", {}).items():
        line = next(line for line in text.splitlines() if line.startswith(f"{file}:"))
        assert title in line
    for words in folder.get("asks", []):
        assert any(words in line for line in text.splitlines() if line.startswith("Question:")), text
    assert "Ada" not in text
    assert "example" not in text.replace("for example", "")


def test_dates_that_tell_nothing_are_taken_as_those_of_other_files_and_asked(tmp_path: Path) -> None:
    files = {
        "leads.csv": "Lead ID,Created,Won\n1,3/31/2026,yes\n2,4/1/2026,no\n",
        "acts.csv": "Lead ID,Type,At\n1,call,4/2/2026\n1,mail,4/3/2026\n2,call,4/4/2026\n",
    }
    proposal = propose(written(files, tmp_path), FUNNEL)
    (asked,) = (q for q in proposal.questions if "acts.csv" in q)
    assert "2 April 2026 was taken as in other files of the folder" in asked
    assert "4 February 2026 (%d/%m/%Y)" in asked


LEADS = "Lead ID,Created,Won\n1,2026-01-05,yes\n2,2026-01-06,no\n"
PERSONAL = "Lead ID,First Name,Email,Phone,Created,Won\n"


@pytest.mark.parametrize(
    "files",
    [
        {"a.csv": LEADS, "b.csv": PERSONAL + "1,Zelda, Quux,z@quux.example,+49 40 1234567,2026-01-05,yes\n"},
        {"a.csv": LEADS, "b.csv": PERSONAL + '1,"Zelda,z@quux.example,+49 40 1234567,2026-01-05,yes\n'},
        {"a.csv": LEADS, "b.csv": "1,Zelda Quux,z@quux.example,2026-01-05\n2,Bea,b@quux.example,2026-01-06\n"},
        {"a.csv": f"{LEADS}\nCreated by Zelda Quux z@quux.example\n"},
        {"a.csv": LEADS.replace("Won", "Status") + "3,2026-01-07,z@quux.example\n"},
        {"a.csv": "Lead ID,Created,Outcome\n1,2026-01-05,Jane Doe\n2,2026-01-06,Ada Low\n"},
        {
            "a.csv": LEADS[:19] + "\n1,2026-01-05\n",
            "acts.csv": "Lead ID,Type,At\n1,Mail to z@quux.example,2026-01-07\n1,Call,2026-01-08\n",
        },
        {"a.csv": LEADS.replace("Won", "Won,Unsubscribed").replace("yes", "yes,no").replace("no\n", "no,ask z@quux.example\n")},
        {
            "a.csv": LEADS,
            "h.csv": "Lead ID,Stage,Changed\n1,Customer,2026-01-09\n1,MQL,2026-01-08\n2,z@quux.example,2026-01-09\n",
        },
        {"a.csv": LEADS.replace("Won", "Won,Score").replace("yes", "yes,z@quux.example").replace("no", "no,5")},
    ],
)
def test_nothing_of_a_person_is_printed_or_written(files: dict[str, str], tmp_path: Path) -> None:
    page = io.StringIO()
    out = tmp_path / "mine.yaml"
    try:
        run(written(files, tmp_path / "exports"), out, Console(file=page, width=10_000))
    except DataError as error:
        page.write(str(error))
    text = (page.getvalue() + (out.read_text() if out.exists() else "")).lower()
    assert [word for word in ("zelda", "quux", "jane", "ada low", "1234567") if word in text] == []


def test_a_flat_file_of_other_words_is_read_once_its_outcome_is_named(tmp_path: Path) -> None:
    """Nothing in it has a name that leads have; the question names the columns that could be it, and the words to say so."""
    rows = "\n".join(f"{n},{n % 7 + 0.5},{20_000 + n * 3.25},{'Yes' if n % 3 else 'No'},{n % 2}" for n in range(40))
    (tmp_path / "renewals.csv").write_text(f"no,tenure,charges,stayed here,partner\n{rows}\n", encoding="utf-8")
    question = " ".join(propose(tmp_path, FUNNEL).questions)
    assert "does one of 'partner', 'stayed here' say what came of each row" in question
    assert 'OUTCOME="partner"' in question
    assert "order: rows" in question
    proposal = run(tmp_path, tmp_path / "mine.yaml", Console(file=io.StringIO()), "stayed here")
    data, _ = load(Config.read(tmp_path / "mine.yaml"))
    assert proposal.columns["renewals.csv"]["charges"].startswith("number")  # and no serial days of a spreadsheet
    assert "speaks of persons" not in proposal.columns["renewals.csv"]["partner"]
    assert (data.lead_stages["lead_stage"] == "customer").sum() == 26


def test_a_column_that_no_file_has_cannot_be_the_outcome(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("plan,left\nA,1\nB,0\n", encoding="utf-8")
    with pytest.raises(DataError, match="No file of the folder has a column 'churn'"):
        propose(tmp_path, FUNNEL, "churn")
