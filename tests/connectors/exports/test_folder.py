"""Each file of a folder is opened, or a sentence says why not; none ends in a traceback."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from connectors.exports.folder import contents
from features.common.errors import DataError

TEXT = "Lead ID,Created,Won\n1,2026-01-05,1\n2,2026-01-06,0\n"
GERMAN = "Lead ID;Größe;Created\n1;zwölf;05.01.2026\n"


def write(folder: Path, name: str, content: bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "content", "encoding"),
    [
        ("a.csv", TEXT.encode(), "utf-8"),
        ("A.CSV", TEXT.encode(), "utf-8"),
        ("deep/er/a.tsv", TEXT.replace(",", "\t").encode(), "utf-8"),
        ("a.txt", TEXT.replace(",", "|").encode("utf-8-sig"), "utf-8"),
        ("a.csv.gz", gzip.compress(TEXT.encode(), mtime=0), "utf-8"),
        ("a.csv", TEXT.encode("utf-16"), "utf-16"),
        ("a.csv", TEXT.encode("utf-16-le"), "utf-16-le"),
        ("a.csv", GERMAN.encode("cp1252"), "cp1252"),
        ("a.csv", (TEXT + "x,2026-01-05,1\n" * 90_000 + "ü,2026-01-05,1\n").encode("cp1252"), "cp1252"),  # far below
    ],
)
def test_what_can_be_read(tmp_path: Path, name: str, content: bytes, encoding: str) -> None:
    write(tmp_path, name, content)
    listing = contents(tmp_path)
    assert listing.unread == {}
    assert [f.file.name for f in listing.files] == [name]
    assert listing.files[0].file.options.encoding == encoding
    assert listing.files[0].rows >= 1


def test_a_parquet_file_with_moments(tmp_path: Path) -> None:
    pd.DataFrame({"Lead ID": [1, 2], "Created": pd.to_datetime(["2026-01-05", "2026-01-06"])}).to_parquet(
        tmp_path / "a.parquet"
    )
    (entry,) = contents(tmp_path).files
    assert {h: p.kind for h, p in entry.profiles.items()} == {"Lead ID": "id", "Created": "date"}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("b.xlsx", b"PK\x03\x04rest", "save the sheet as CSV"),
        ("b.csv", b"PK\x03\x04rest", "an Excel workbook or another zip archive"),
        ("b.xls", b"<html><table>", "save the sheet as CSV"),
        ("b.csv", b"<html><table><tr><td>Lead</td>", "a web page"),
        ("b.zip", b"PK\x03\x04", "Unpack it"),
        ("b.csv.bz2", b"BZh9", "Unpack it"),
        ("b.json", b"[]", "Export as CSV"),
        ("b", b"a,b\n1,2\n", "name it .csv"),
        ("b.csv", b"", "is empty"),
        ("b.csv", b"\n\n  \n", "is empty"),
        ("b.csv", b"Lead ID,Created\n", "has no rows"),
        ("b.csv.gz", b"\x1f\x8bnot packed", "cannot be read"),
        ("b.csv.gz", gzip.compress(TEXT.encode(), mtime=0)[:-9], "cannot be read"),
        ("b.parquet", b"PAR1 nothing", "cannot be read"),
        ("b.csv", b"a,b\n1,\x00\x00\x01\n", "NUL bytes"),
        ("b.csv", b"a,b\n1,2,3\n", "fields"),
        ("b.txt", b"Some words\nof a read me.\n", "no table"),
    ],
)
def test_what_cannot_be_read_has_its_sentence(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    write(tmp_path, "a.csv", TEXT.encode())
    write(tmp_path, name, content)
    listing = contents(tmp_path)
    assert words in listing.unread[name]
    assert [f.file.name for f in listing.files] == ["a.csv"]


def test_a_folder_with_nothing_to_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no CSV file"):
        contents(tmp_path)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("a.csv", TEXT)
    with pytest.raises(DataError, match=r"all.zip: It is packed. Unpack it"):
        contents(tmp_path)
    with pytest.raises(DataError, match="There is no folder"):
        contents(tmp_path / "nowhere")


def test_hidden_files_and_mappings_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", TEXT.encode())
    for name in (".hidden.csv", "~$a.csv", "__MACOSX/a.csv", "mine.yaml"):
        write(tmp_path, name, b"x")
    listing = contents(tmp_path)
    assert ([f.file.name for f in listing.files], listing.unread) == (["a.csv"], {})
