"""Quotation marks that swallow rows are named with their row; everything that only looks like it is read."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.files import reading
from features.common.errors import DataError
from tests.connectors.files.test_reading import opened, rows

HEADER = "Id,Created,Note\n"


def lines(*notes: str) -> bytes:
    body = "".join(f"{i},2026-01-{i:02d},{note}\n" for i, note in enumerate(notes, start=1))
    return (HEADER + body).encode()


@pytest.mark.parametrize(
    ("notes", "row"),
    [
        (["web", '"13 inch', "ads", "ads", '"16" wide', "ads"], 3),  # closed in the middle of a later value
        (["web", '"13 inch', "ads", "ads", 'wide 14"', "ads"], 3),  # closed where a value ends
        (["web", '"13 inch', '14"', "ads"], 3),  # one row is lost
        (["web", '"13 inch', "ads", "ads"], 3),  # never closed
        (['"', "b", "c", "d"], 2),
        (["a", "b", "c", '"'], 5),
    ],
)
@pytest.mark.parametrize("block", [64, 1 << 23])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_a_mark_that_swallows_rows_is_named(
    tmp_path: Path, notes: list[str], row: int, block: int, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BLOCK_BYTES", block)
    with pytest.raises(DataError, match=rf"a\.csv, row {row}: the quotation mark that opens in .*\n  → Take that mark out"):
        rows(opened(tmp_path, lines(*notes).replace(b"\n", ending.encode())))


@pytest.mark.parametrize(
    "note",
    [
        '"Dear Sir,\nwe called, talked, agreed\nand met"',
        '"a\n\n\nb"',
        '"Called\nwrote, met, won"',
        '"one, two, three\nfour, five, six\nseven"',
        '"he said ""no""\nand left"',
        '""',
        '""""',
        '"""quoted"""',
        '16" wide',
        "5'10\" tall",
        'a "b" c',
        '"x" ',
    ],
)
def test_what_only_looks_like_it_is_read(tmp_path: Path, note: str) -> None:
    data = lines("web", note, "ads", note, "ads")
    assert [row[0] for row in rows(opened(tmp_path, data))] == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"Id,Source\n1,we\x00b\n", r"row 2: holds NUL bytes.*\n.*encoding"),
        (b"Id,Created,Source\n1,2026-01-01,web\n2,2026-\n", r"row 3: 2 fields, not 3: '2,2026-'"),
        (b"Id,Created,Source\n1,2026-01-01,web\n2\n", r"row 3: 1 fields, not 3"),
        (
            b"Id,Created,Source\n1,2026-01-01,web\nGrand Total of all\n2,2026-01-02,ads\n",
            r"row 3: 1 fields, not 3.*\n.*footer: true",
        ),
        (b"T\n\nId,Source\n1,web\n\n2,a,b\n3,c,d\n", r"row 6: 3 fields, not 2: '2,a,b' \(and 1 more such rows\)"),
    ],
)
def test_damaged_rows_are_named_by_the_line_they_begin_on(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        rows(opened(tmp_path, data))


_CELL = st.text(st.sampled_from('ab1 "\n\r,;\t\\é'), max_size=6)


@given(
    table=st.lists(st.lists(_CELL, min_size=2, max_size=2), min_size=1, max_size=6),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    separator=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    cut=st.integers(0, 3),
)
@settings(deadline=None, max_examples=150)
def test_dirty_files_end_in_right_rows_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory,
    table: list[list[str]],
    ending: str,
    separator: str,
    encoding: str,
    quoting: int,
    cut: int,
) -> None:
    """Whatever is in the cells. A file that was cut off may lose its last row only with a word."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator, lineterminator=ending, quoting=quoting)  # type: ignore[arg-type]
    writer.writerows([["Id", "Created", "Note"], *([str(i), *row] for i, row in enumerate(table))])
    text = out.getvalue()
    text = text[: len(text) - cut] if cut else text
    try:
        read = rows(opened(tmp_path_factory.mktemp("dirty"), text.encode(encoding)))
    except DataError as error:
        if error.hint:
            return
        raise
    assert len(read) in {len(table), len(table) - (cut > 0)}
    for number, (row, cells) in enumerate(zip(read, table, strict=False)):
        assert row[0] == str(number)
        if not cut:
            assert row[1:] == [cell.strip() or None for cell in cells]
