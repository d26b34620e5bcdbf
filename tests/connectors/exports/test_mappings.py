"""How a file is written goes into its mapping only where the file says so; what is doubtful is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.exports.columns import profiles
from connectors.exports.mappings import FileMapping, column_values, decimal_comma, mapping_of, overlap
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
    ("text", "decimal", "asks"),
    [
        ("id;n\n1;1.200\n2;12.500\n3;300\n", ",", False),  # thousands, as in all files with semicolons
        ("id,n\n1,1.200\n2,300\n", None, True),
        ("id;n\n1;12,5\n", ",", False),
        ("id;n\n1;1.234,50\n", ",", False),
        ("id,n\n1,12.5\n2,1.200\n", None, False),
        ('id,n\n1,"1,200"\n2,"3,400.50"\n', None, False),
    ],
)
def test_the_decimal_sign(tmp_path: Path, text: str, decimal: str | None, asks: bool) -> None:
    written = mapping(tmp_path, text, {"employees": "n"})
    assert written.content.get("decimal") == decimal
    assert bool(written.questions) == asks
    assert decimal is None or written.comments["decimal",]


def test_day_and_month_are_judged_by_all_dates_of_the_file(tmp_path: Path) -> None:
    text = "id,at,other\n1,1/5/2026,1/25/2026\n2,2/6/2026,2/26/2026\n"
    written = mapping(tmp_path, text, {"created_at": "at"})
    assert (written.content["date_format"], written.questions) == (["%m/%d/%Y"], [])
    written = mapping(tmp_path, "id,at\n1,1/5/2026\n2,2/6/2026\n", {"created_at": "at"})
    assert "could be day/month or month/day" in written.questions[0]


def test_few_odd_values_mean_nothing_is_there_and_are_told(tmp_path: Path) -> None:
    rows = "".join(f"{i},2026-01-05,10\n" for i in range(30))
    written = mapping(tmp_path, f"id,at,n\n{rows}x,tbd,many\n", {"created_at": "at", "employees": "n"})
    assert written.content["null_in"] == {"at": ["tbd"], "n": ["many"]}
    assert len(written.doubts) == 2
    written.skip_blank("day", "at")
    assert written.content["skip"] == {"at": [""]}


def test_what_is_no_number_stays_an_attribute(tmp_path: Path) -> None:
    written = mapping(tmp_path, "id,size\n1,51-200\n2,1-10\n", {"employees": "size"})
    assert written.content["columns"] == {}
    assert "is not taken for employees" in written.doubts[0]


def test_an_opt_out_that_cannot_be_read_counts_as_one_and_is_asked(tmp_path: Path) -> None:
    written = mapping(tmp_path, "id,out\n1,yes\n2,no\n3,perhaps\n", {"opted_out": "out"})
    assert written.content["values"] == {"opted_out": {"perhaps": True}}
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


def test_a_comma_is_a_decimal_sign_or_not() -> None:
    assert [decimal_comma(v) for v in ("1.234,50", "12,5", "1,234", "1,234.50", "12", "a, b")] == [
        True,
        True,
        False,
        False,
        False,
        False,
    ]
