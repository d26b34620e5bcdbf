"""Reading files: separators, encodings, null markers, and files that are damaged."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from connectors.files.reading import RawFile, open_file
from connectors.files.row_lines import ROW
from connectors.files.settings import FileOptions
from features.common.errors import DataError

OPTIONS = FileOptions(encoding="utf-8", null=["", "NULL"])


def opened(folder: Path, data: bytes, name: str = "a.csv", options: FileOptions = OPTIONS) -> RawFile:
    (folder / name).write_bytes(data)
    return open_file(folder, name, options)


def rows(file: RawFile, **null_in: list[object]) -> list[list[str | None]]:
    table = pa.concat_tables(file.blocks(list(file.headers), null_in)).drop_columns([ROW])
    return [list(row.values()) for row in table.to_pylist()]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_even_when_values_hold_others(tmp_path: Path, separator: str) -> None:
    text = separator.join("abc") + "\n" + separator.join(["1", '"x;y,z"', "3"]) + "\n"
    assert rows(opened(tmp_path, text.encode())) == [["1", "x;y,z", "3"]]


def test_a_comma_as_decimal_sign_is_not_taken_for_the_separator(tmp_path: Path) -> None:
    assert rows(opened(tmp_path, b"a;b\n1,5;2,5\n3,5;4,5\n")) == [["1,5", "2,5"], ["3,5", "4,5"]]


@pytest.mark.parametrize(("encoding", "text"), [("utf-8-sig", "ä"), ("utf-16", "ä"), ("cp1252", "€")])
def test_encodings_given_or_marked_are_read(tmp_path: Path, encoding: str, text: str) -> None:
    options = OPTIONS.model_copy(update={"encoding": encoding}) if encoding == "cp1252" else OPTIONS
    file = opened(tmp_path, f"größe,b\n{text},1\n".encode(encoding), options=options)
    assert file.headers == ("größe", "b")
    assert rows(file) == [[text, "1"]]


def test_a_wrong_encoding_is_an_error_with_the_remedy(tmp_path: Path) -> None:
    file = opened(tmp_path, "a,b\nGröße,1\n".encode("cp1252"))
    with pytest.raises(DataError, match=r"a\.csv is not written in utf-8.*\n.*cp1252"):
        rows(file)


def test_a_row_of_another_length_is_named_and_counted(tmp_path: Path) -> None:
    file = opened(tmp_path, b"a,b\n1,2\n3,4,5\n6\n")
    with pytest.raises(DataError, match=r"a\.csv, row 3: 3 fields, not 2: '3,4,5' \(and 1 more such rows\)"):
        rows(file)


def test_null_markers_hold_for_the_file_or_for_one_column(tmp_path: Path) -> None:
    file = opened(tmp_path, b"a,b\nNULL, 999\n999, x \n")
    assert rows(file, b=[999]) == [[None, None], ["999", "x"]]


def test_null_in_names_a_column_that_is_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no column 'pday'.*null_in.*\n.*'pdays'"):
        rows(opened(tmp_path, b"pdays,b\n1,2\n"), pday=[999])


def test_a_line_break_in_a_value_is_part_of_it(tmp_path: Path) -> None:
    assert rows(opened(tmp_path, b'a,b\n"x\ny",2\n')) == [["x\ny", "2"]]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.csv", b"", r"a\.csv is empty"),
        ("a.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 9, mtime=0)[:-12], r"a\.csv\.gz cannot be read"),
        ("a.csv.gz", b"\x1f\x8ba,b\n1,2\n", r"a\.csv\.gz cannot be read"),
        ("a.parquet", b"not parquet", r"a\.parquet cannot be read"),
    ],
)
def test_empty_ambiguous_and_damaged_files_are_named(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        rows(opened(tmp_path, data, name))


def test_a_file_that_is_called_packed_and_is_not_is_read(tmp_path: Path) -> None:
    assert rows(opened(tmp_path, b"a,b\n1,2\n", "a.csv.gz")) == [["1", "2"]]


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"There is no folder .*nowhere either.*`folder:`"):
        open_file(tmp_path / "nowhere", "a.csv", OPTIONS)


def test_headers_without_a_name_get_one_and_blanks_around_names_go(tmp_path: Path) -> None:
    assert opened(tmp_path, b" a ,,c\n1,2,3\n").headers == ("a", "column 2", "c")


def test_columns_of_one_name_are_told_apart_and_refused_where_one_is_wanted(tmp_path: Path) -> None:
    file = opened(tmp_path, b"Id,Note,Note\n1,a,b\n")
    assert (file.headers, rows(file)) == (("Id", "Note (column 2)", "Note (column 3)"), [["1", "a", "b"]])
    with pytest.raises(DataError, match=r"column 'Note' twice \(columns 2 and 3\).*\n.*'Note \(column 2\)'"):
        file.require("Note", "leads.source")


def test_a_line_break_in_a_header_does_not_shift_the_rows(tmp_path: Path) -> None:
    file = opened(tmp_path, b'"a\nb",c\n1,2\n')
    assert file.headers == ("a\nb", "c")
    assert rows(file) == [["1", "2"]]


def test_a_file_with_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    assert rows(opened(tmp_path, b"a,b\n")) == []


def test_parquet_columns_become_text_but_times_stay(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"n": [1.0, None], "flag": [True, False], "at": pd.to_datetime(["2026-01-01", None]), "l": [[1], None]}
    )
    frame.to_parquet(tmp_path / "a.parquet")
    table = pa.concat_tables(open_file(tmp_path, "a.parquet", OPTIONS).blocks(["n", "flag", "at", "l"], {}))
    assert table.column("n").to_pylist() == ["1", None]
    assert table.column("flag").to_pylist() == ["true", "false"]
    assert str(table.schema.field("at").type).startswith("timestamp")
    assert table.column("l").to_pylist() == ["[1.0]", None] or table.column("l").to_pylist() == ["[1]", None]
