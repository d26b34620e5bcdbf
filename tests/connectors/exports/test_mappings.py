"""How a file is written goes into its mapping only where the file says so; what is doubtful is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.exports.columns import profiles
from connectors.exports.labels import EXPORTS
from connectors.exports.mappings import FileMapping, column_values, mapping_of, overlap
from connectors.exports.plain_names import LEADS
from connectors.exports.recognise import match_of
from connectors.files.reading import open_file
from connectors.files.settings import FileOptions


def mapping(folder: Path, text: str, columns: dict[str, str], encoding: str = "utf-8") -> FileMapping:
    (folder / "a.csv").write_bytes(text.encode(encoding))
    file = open_file(folder, "a.csv", FileOptions(encoding=encoding))
    return mapping_of(match_of(file, LEADS, profiles(file), ""), columns)


def test_what_needs_no_word_gets_none(tmp_path: Path) -> None:
    content = mapping(
        tmp_path, "id,at,n\n1,2026-01-05,1.5\n2,2026-01-06T10:00:00Z,2\n", {"created_at": "at", "employees": "n"}
    ).content
    assert content == {"file": "a.csv", "columns": {"created_at": "at", "employees": "n"}}


@pytest.mark.parametrize(
    ("text", "target", "decimal", "asks"),
    [
        ("id;n\n1;1.200\n2;12.500\n3;300\n", "employees", None, ""),  # what is counted is whole
        ("id;n\n1;1.200\n2;12.500\n3;300\n", "annual_revenue", ",", "is read as 1,200"),
        ("id,n\n1,1.200\n2,300\n", "amount", ".", "is read as 1.2"),
        ('id,n,m\n1,1.200,"3,5"\n2,300,"2,5"\n', "amount", None, ""),  # as the other column
        ("id;n\n1;12,5\n", "amount", None, ""),
        ("id;n\n1;1.234,50\n", "amount", None, ""),
        ("id,n\n1,12.5\n2,1.200\n", "amount", None, ""),
        ('id,n\n1,"1,200"\n2,"3,400.50"\n', "amount", None, ""),
        ("id,n\n1,€ 1.200\n2,€ 300\n", "amount", None, ""),
    ],
)
def test_the_decimal_sign_is_written_where_the_reader_is_in_doubt(
    tmp_path: Path, text: str, target: str, decimal: str | None, asks: str
) -> None:
    written = mapping(tmp_path, text, {target: "n"})
    assert written.content.get("decimal") == decimal
    assert [asks in question for question in written.questions] == [True] * (decimal is not None)
    assert (decimal is None) or asks in written.comments["decimal",]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("id,at,other\n1,1/5/2026,1/25/2026\n2,2/6/2026,2/26/2026\n", None),  # another column tells
        ("id,at\n1,25.01.2026 10:00\n", None),
        ("id,at\n1,1767607200\n", None),
        ("id,at\n1,2026-01-05 10:00:00 UTC\n", None),
        ("id,at\n1,1/5/2026\n2,2/6/2026\n", "%d/%m/%Y"),
        ("id,at\n1,01-05-26 08:00\n2,02-06-26 09:00\n", "%d-%m-%y"),
        ("id,at\n1,1/5/2026\n2,5-6-2026\n", ["%d/%m/%Y", "%d-%m-%Y"]),
        ("id,at,other,third\n1,1/5/2026,1/25/2026,25/1/2026\n", "%d/%m/%Y"),  # they contradict each other
    ],
)
def test_the_format_of_dates_is_written_where_nothing_tells(tmp_path: Path, text: str, form: str | list[str] | None) -> None:
    written = mapping(tmp_path, text, {"created_at": "at"})
    assert written.content.get("date_format") == form
    forms = [] if form is None else [form] if isinstance(form, str) else form
    assert len(written.questions) == len(forms)
    for name, question in zip(forms, written.questions, strict=True):
        assert "could be" in question
        assert "May 2026" in question
        assert f"({name.replace('%d', '*').replace('%m', '%d').replace('*', '%m')})" in question
    assert not forms or "a guess" in written.comments["date_format",]


@pytest.mark.parametrize(
    ("header", "vendor", "form", "asked"),
    [
        ("Record ID,Create Date,Lifecycle Stage", "hubspot", "%m-%d-%Y", False),
        ("Datensatz-ID,Erstellungsdatum,Lifecycle-Phase", "hubspot", "%d-%m-%Y", True),
        ("ID de registro,Fecha de creación,Correo", "hubspot", "%d-%m-%Y", True),
        ("Lead ID,Create Date,Lead Status", "salesforce", "%d-%m-%Y", True),
    ],
)
def test_dates_of_a_vendor_that_always_writes_them_so_are_told_and_not_asked(
    tmp_path: Path, header: str, vendor: str, form: str, asked: bool
) -> None:
    """Reports of Salesforce follow the locale of their user: they stay a question."""
    (tmp_path / "a.csv").write_text(f"{header}\n1,03-04-2026,lead\n2,07-08-2026,lead\n3,09-10-2026,lead\n", encoding="utf-8")
    file = open_file(tmp_path, "a.csv", FileOptions(encoding="utf-8"))
    export = next(e for e in EXPORTS if e.crm == vendor and e.table == "leads")
    written = mapping_of(match_of(file, export, profiles(file), ""), {"created_at": file.headers[1]})
    assert written.content["date_format"] == form
    assert bool(written.questions) is asked
    assert bool(written.doubts) is not asked
    if not asked:
        assert "'03-04-2026' (row 2)" in written.doubts[0]
        assert "was read as 4 March 2026" in written.doubts[0]
        assert "3 April 2026 (%d-%m-%Y)" in written.doubts[0]


def test_the_date_far_below_that_tells_day_from_month_counts(tmp_path: Path) -> None:
    rows = "".join(f"{i},{i % 12 + 1}/{i % 11 + 1}/{2001 + i % 40}\n" for i in range(9_000))
    assert mapping(tmp_path, f"id,at\n{rows}", {"created_at": "at"}).content["date_format"] == "%d/%m/%Y"
    assert "date_format" not in mapping(tmp_path, f"id,at\n{rows}x,1/25/2026\n", {"created_at": "at"}).content


def test_columns_that_are_surely_written_in_another_order_stay_as_they_are(tmp_path: Path) -> None:
    text = "id,at,closed,other\n1,1/5/2026,1/25/2026,25/1/2026\n"
    written = mapping(tmp_path, text, {"created_at": "at", "closed_at": "closed"})
    assert written.content["date_format"] == ["%d/%m/%Y", "%m/%d/%Y"]


def test_dates_of_two_orders_in_one_column_are_told(tmp_path: Path) -> None:
    written = mapping(tmp_path, "id,at\n1,1/25/2026\n2,25/1/2026\n", {"created_at": "at"})
    assert "date_format" not in written.content
    assert "can only have the month first" in written.doubts[0]


def test_few_odd_values_mean_nothing_is_there_and_are_told(tmp_path: Path) -> None:
    rows = "".join(f"{i},2026-01-05,10\n" for i in range(30))
    written = mapping(tmp_path, f"id,at,n\n{rows}x,tbd,many\n", {"created_at": "at", "employees": "n"})
    assert written.content["null_in"] == {"at": ["tbd"], "n": ["many"]}
    assert len(written.doubts) == 2
    written.skip_blank("day", "at")
    assert written.content["skip"] == {"at": [""]}


@pytest.mark.parametrize("sizes", [("51-200", "1-10"), ("small", "big"), ("51-200", "12")])
def test_what_is_no_number_stays_an_attribute(tmp_path: Path, sizes: tuple[str, str]) -> None:
    written = mapping(tmp_path, f"id,size\n1,{sizes[0]}\n2,{sizes[1]}\n", {"employees": "size"})
    assert written.content["columns"] == {}
    assert "is not taken for employees" in written.doubts[0]


def test_few_ranges_among_numbers_are_read_as_such(tmp_path: Path) -> None:
    written = mapping(tmp_path, "id,size\n1,40\n2,1000+\n3,12\n4,7\n", {"employees": "size"})
    assert written.content == {"file": "a.csv", "columns": {"employees": "size"}}


def test_odd_values_that_speak_of_a_person_are_neither_told_nor_taken_for_nothing(tmp_path: Path) -> None:
    """Rows whose values moved by a column: they must not become blank without a word."""
    rows = "".join(f"{i},2026-01-05,10\n" for i in range(30))
    written = mapping(tmp_path, f"id,at,n\n{rows}x,jane@acme.example,+49 40 1234567\n", {"created_at": "at", "employees": "n"})
    assert "null_in" not in written.content
    assert "(e-mail address)" in written.doubts[0]
    assert "jane" not in str(written.content) + str(written.doubts) + str(written.comments)


def test_an_opt_out_that_cannot_be_read_counts_as_one_and_is_asked(tmp_path: Path) -> None:
    written = mapping(tmp_path, "id,out\n1,yes\n2,no\n3,perhaps\n", {"opted_out": "out"})
    assert written.content == {"file": "a.csv", "columns": {"opted_out": "out"}}
    assert "perhaps" in written.questions[0]


@pytest.mark.parametrize("header", ["IsDeleted", "is_deleted", "Deleted", "_fivetran_deleted"])
def test_deleted_rows_are_left_out(tmp_path: Path, header: str) -> None:
    assert mapping(tmp_path, f"id,{header}\n1,false\n2,true\n", {"lead_id": "id"}).content["skip"] == {header: [True, 1]}


def test_a_column_of_that_name_with_other_values_is_none(tmp_path: Path) -> None:
    assert "skip" not in mapping(tmp_path, "id,Deleted\n1,2026-01-05\n2,\n", {"lead_id": "id"}).content


def test_the_encoding_is_written_with_its_reason(tmp_path: Path) -> None:
    written = mapping(tmp_path, "id,Größe\n1,ä\n", {"lead_id": "id"}, "cp1252")
    assert written.content["encoding"] == "cp1252"
    assert "not UTF-8" in written.comments["encoding",]


def test_ids_are_compared_as_files_write_them(tmp_path: Path) -> None:
    match = mapping(tmp_path, "id,other\n1,2.0\n2,7\n3,\n", {"lead_id": "id"}).match
    assert overlap(match.profiles["other"], column_values(match, "id")) == 0.5
