"""Kinds of columns, what is told of them, and that no value of a person is."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.exports.columns import MOST_VALUES, ColumnProfile, first_filled, profiles, shape
from connectors.files.reading import open_file
from connectors.files.settings import NULL, FileOptions


def column(folder: Path, header: str, values: list[str]) -> ColumnProfile:
    (folder / "a.csv").write_text("\n".join([f"{header}|z", *(f"{v}|1" for v in values)]) + "\n", encoding="utf-8")
    return profiles(open_file(folder, "a.csv", FileOptions(separator="|", null=list(NULL))))[header]


@pytest.mark.parametrize(
    ("header", "values", "kind"),
    [
        ("Created", ["2026-01-05", "", "2026-01-06"], "date"),
        ("Created", ["05.01.2026", "unknown", "06.01.2026"], "date"),
        ("Seen", ["1767607200", "1767607201"], "date"),
        ("Employees", ["10", "1.5", "1,000"], "number"),
        ("Year", ["2024", "2025"], "number"),
        ("Lead ID", ["1", "2", "3"], "id"),
        ("Ref", ["ywgrc1oi", "54qsircu", "9ab3defg"], "id"),
        ("Won", ["yes", "no", "yes"], "yes/no"),
        ("Won", ["1", "0", ""], "yes/no"),
        ("Won", ["1", "1"], "number"),
        ("Channel", ["Web", "Ads", "Web"], "category"),
        ("Note", ["a word", "b word"], "text"),
        ("Nothing", ["", "NULL"], "empty"),
    ],
)
def test_the_kind_of_a_column(tmp_path: Path, header: str, values: list[str], kind: str) -> None:
    assert column(tmp_path, header, values).kind == kind


def test_filled_and_distinct_are_counted_over_all_rows(tmp_path: Path) -> None:
    profile = column(tmp_path, "x", ["a", "", "b", "a"])
    assert (profile.rows, profile.filled, dict(profile.values), profile.complete) == (4, 3, {"a": 2, "b": 1}, True)
    many = column(tmp_path, "x", [f"v{i}" for i in range(3 * MOST_VALUES)])
    assert (many.filled, len(many.values), many.complete) == (3 * MOST_VALUES, MOST_VALUES, False)


def test_no_value_of_a_person_is_told(tmp_path: Path) -> None:
    for header, values in (
        ("Contact", ["ada@acme.example"] * 4 + ["bea@b.example"] * 4),
        ("First Name", ["Ada", "Ada", "Bea", "Bea"]),
    ):
        text = column(tmp_path, header, values).describe().lower()
        assert "ada" not in text.replace("aaa", "")
        assert "speaks of persons" in text
    assert column(tmp_path, "Won", ["won", "lost", "won", "lost"]).describe().endswith("2 values, 'won', 'lost'")


def test_a_shape_keeps_signs_and_lengths_but_no_letters() -> None:
    assert [shape(v) for v in ("+49 171 1", "Größe 5", "A-17/b")] == ["+99 999 9", "Aaaa 9", "A-99/a"]


def test_an_almost_empty_column_does_not_pass_for_the_full_one() -> None:
    empty, full = (ColumnProfile(h, 10, n, {"v": n}, True, "text") for h, n in (("A", 1), ("B", 9)))
    assert first_filled(("a", "b"), {"a": empty, "b": full}) == "B"
    assert first_filled(("c",), {"a": empty}) is None
