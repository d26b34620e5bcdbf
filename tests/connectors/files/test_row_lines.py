"""Lines of a file that are no rows are left out and told, whatever the size of the blocks."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.files import reading
from connectors.files.reading import open_file
from connectors.files.row_lines import FIRST_ROW, ROW
from connectors.files.settings import FileOptions

HEADER = '"Id",Name,Won\n'


@pytest.mark.parametrize("block", [64, 1 << 23])
@pytest.mark.parametrize("columns", [["Id"], ["Won"], ["Name", "Won"]])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_line_that_names_the_columns_again_is_no_row(
    tmp_path: Path, block: int, columns: list[str], mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files were put below one another, each with its header; a value that is a name of a column stays."""
    monkeypatch.setattr(reading, "BLOCK_BYTES", block)
    text = HEADER + "1,Name,Won\n2,b,no\n" + mark + HEADER + "3,c,no\n" + mark + HEADER + "4,d,yes\n"
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    file = open_file(tmp_path, "a.csv", FileOptions(encoding="utf-8"))
    rows = [row for part in file.blocks(columns, {}) for row in part[ROW].to_pylist()]
    assert [row + FIRST_ROW for row in rows] == [2, 3, 5, 7]
    count, example = file.left_out["lines within the table that name the columns again"]
    assert (count, example) == (2, "row 4")


@pytest.mark.parametrize("separator", [",", "\t"])
def test_a_short_line_of_sums_at_the_end_is_no_row(tmp_path: Path, separator: str) -> None:
    text = "Id,Name,Won,n\n1,a,2,1\n2,b,3,1\nTotal,,\n".replace(",", separator)
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    file = open_file(tmp_path, "a.csv", FileOptions(encoding="utf-8"))
    assert sum(map(len, file.blocks(["Id"], {}))) == 2
    assert file.left_out["lines below the table"] == (1, f"Total{separator}{separator}".strip())
