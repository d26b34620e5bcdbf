"""The files of a folder and its subfolders: those that can be read, and of each other one a sentence why not."""

from __future__ import annotations

import codecs
import csv
import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from connectors.exports.columns import ColumnProfile, profiles
from connectors.files.reading import RawFile, open_file
from connectors.files.settings import NULL, FileOptions
from features.common.errors import DataError, RipelineError
from features.common.persons.texts import is_personal_text

READ = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".parquet", ".pq")
_PACKED = (".zip", ".7z", ".rar", ".tar", ".tgz", ".bz2", ".xz", ".zst", ".gz")
_SHEETS = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".numbers")
_IGNORED = (".yaml", ".yml", ".md", ".pdf", ".png", ".jpg", ".jpeg", ".docx", ".py", ".ipynb", ".log", ".html")
MOST_FILES = 200
EXCEL_ENCODING = "cp1252"  # what Excel on Windows writes: taken for what is not UTF-8
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
    low = name.lower()
    if low.endswith(_SHEETS):
        raise DataError("It is a spreadsheet.", "Open it and save the sheet as CSV UTF-8, or export as CSV")
    if low.endswith((".json", ".jsonl", ".xml")):
        raise DataError("It is neither CSV nor Parquet.", "Export as CSV")
    if low.endswith(_PACKED) and not low.endswith(READ):
        raise DataError("It is packed.", "Unpack it into the folder (of packed files only .csv.gz is read)")
    if not low.endswith(READ):
        raise DataError("It has no ending of a table.", "If it is a CSV file, name it .csv")
    options = FileOptions(null=list(NULL))
    file = open_file(folder, name, options)
    if not file.parquet and file.options.encoding == "utf-8" and not is_utf8(file):
        file = open_file(folder, name, options.model_copy(update={"encoding": EXCEL_ENCODING}))
    if low.endswith((".txt", ".txt.gz")) and len(file.headers) == 1:
        raise DataError("It is text in one column, no table.", "If it is one, name its first column and separate the columns")
    if kind := next((kind for h in file.headers if (kind := is_personal_text(h))), None):
        raise DataError(f"Its first row holds values ({kind}) and names no columns.", "Export it with the names of its columns")
    return FolderFile(file, profiles(file))


def is_utf8(file: RawFile) -> bool:
    """Is all of a text file UTF-8?"""
    opener: Any = gzip.open if file.gzipped else open
    decoder = codecs.getincrementaldecoder("utf-8")()
    with opener(file.path, "rb") as stream:
        try:
            while piece := stream.read(_CHUNK):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True
