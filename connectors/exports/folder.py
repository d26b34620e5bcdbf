"""The files of a folder and its subfolders: those that can be read, and of each other one a sentence why not."""

from __future__ import annotations

import codecs
import csv
import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from connectors.exports.columns import ColumnProfile, profiles
from connectors.files.reading import RawFile, open_file
from connectors.files.settings import NULL, FileOptions
from features.common.errors import DataError, RipelineError

READ = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".parquet", ".pq")
_PACKED = (".zip", ".7z", ".rar", ".tar", ".tgz", ".bz2", ".xz", ".zst", ".gz")
_SHEETS = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".numbers")
_IGNORED = (".yaml", ".yml", ".md", ".pdf", ".png", ".jpg", ".jpeg", ".docx", ".py", ".ipynb", ".log", ".html")
MOST_FILES = 200
_CHUNK = 1 << 22


@dataclass(frozen=True)
class FolderFile:
    """A file that can be read, and what its columns hold."""

    file: RawFile
    profiles: Mapping[str, ColumnProfile]

    @property
    def rows(self) -> int:
        return next((p.rows for p in self.profiles.values()), 0)


@dataclass(frozen=True)
class Contents:
    """`files` with rows; `unread`: name of a file → the sentence that says why nothing is taken from it."""

    files: list[FolderFile]
    unread: dict[str, str]


def contents(folder: Path) -> Contents:
    """Every file of a folder, and of its subfolders, opened and looked through once.

    Raises
    ------
    DataError
        if there is no file of a kind that can be read.
    """
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}.", "Name the folder with the downloaded files: FOLDER=….")
    names = sorted(
        str(p.relative_to(folder).as_posix())
        for p in folder.rglob("*")
        if p.is_file() and not any(part.startswith((".", "~$", "__MACOSX")) for part in p.relative_to(folder).parts)
    )
    files: list[FolderFile] = []
    unread: dict[str, str] = {}
    for name in names[:MOST_FILES]:
        if name.lower().endswith(_IGNORED):
            continue
        try:
            file = _open(folder, name)
            if not next(iter(file.profiles.values())).rows:
                unread[name] = "it names columns and has no rows: export it again, without a filter that leaves nothing"
                continue
            files.append(file)
        except RipelineError as error:
            unread[name] = f"{error.fact} {error.hint}".strip().rstrip(".")
        except (OSError, EOFError, zlib.error, pa.ArrowException, UnicodeError, csv.Error, ValueError) as error:
            unread[name] = f"it cannot be read ({str(error)[:120]}): export or copy it anew"
    if len(names) > MOST_FILES:
        unread[f"{len(names) - MOST_FILES} further files"] = f"only the first {MOST_FILES} files of a folder are looked at"
    if not files:
        listed = "".join(f" {name}: {why}." for name, why in list(unread.items())[:10])
        raise DataError(
            f"There is no CSV file in {folder}." if not unread else f"No file in {folder} can be read.{listed}",
            "Name the folder with the downloaded files: FOLDER=….",
        )
    return Contents(files, unread)


def _open(folder: Path, name: str) -> FolderFile:
    path, low = folder / name, name.lower()
    if low.endswith(_SHEETS):
        raise DataError("It is a spreadsheet.", "Open it and save the sheet as CSV UTF-8, or export as CSV")
    if low.endswith((".json", ".jsonl", ".xml")):
        raise DataError("It is neither CSV nor Parquet.", "Export as CSV")
    if low.endswith(_PACKED) and not low.endswith(READ):
        raise DataError("It is packed.", "Unpack it into the folder (of packed files only .csv.gz is read)")
    if not low.endswith(READ):
        raise DataError("It has no ending of a table.", "If it is a CSV file, name it .csv")
    options = FileOptions(null=list(NULL))
    if not low.endswith((".parquet", ".pq")):
        if not path.stat().st_size:
            raise DataError("It is empty.", "Export it again; its first row must name the columns")
        options = options.model_copy(update={"encoding": encoding_of(path)})
    file = open_file(folder, name, options)
    if low.endswith((".txt", ".txt.gz")) and len(file.headers) == 1:
        raise DataError("It is text in one column, no table.", "If it is one, name its first column and separate the columns")
    if not low.endswith((".parquet", ".pq")) and footer(file):
        file = replace(file, options=file.options.model_copy(update={"footer": True}))
    return FolderFile(file, profiles(file))


def encoding_of(path: Path) -> str:
    """UTF-8 where all of the file is it; else what Excel on Windows writes.

    Raises
    ------
    DataError
        for a file that is no text, whatever its ending.
    """
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    decoder = codecs.getincrementaldecoder("utf-8")()
    with opener(path, "rb") as file:
        start = file.read(_CHUNK)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
            raise DataError("It is a spreadsheet or packed, whatever its ending says.", "Save the sheet as CSV UTF-8")
        if start[:400].lstrip().lower().startswith((b"<html", b"<!doctype", b"<?xml", b"<table")):
            raise DataError("It is a web page, whatever its ending says.", "Export as CSV (of reports: details only)")
        if b"\x00" in start[:4_000]:
            if start[1:400:2].count(0) > 100 or (len(start) < 400 and start[1::2].count(0) > len(start) // 4):
                return "utf-16-le"
            raise DataError("It is no text: it has zero bytes.", "Export it as CSV in UTF-8")
        try:
            while start:
                decoder.decode(start)
                start = file.read(_CHUNK)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


def footer(file: RawFile) -> bool:
    """Do the last lines of the file have a single field, as old reports write who made them?"""
    if file.path.suffix.lower() == ".gz" or len(file.headers) < 2:
        return False
    with file.path.open("rb") as raw:
        raw.seek(max(0, file.path.stat().st_size - 2_000))
        tail = raw.read().decode(file.options.encoding or "utf-8", "replace").splitlines()
    last_rows = [row for row in csv.reader(tail[-6:], delimiter=file.options.separator or ",") if row]
    return any(len(row) == 1 for row in last_rows)
