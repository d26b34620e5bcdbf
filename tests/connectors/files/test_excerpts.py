"""Rows and lines are shown without what speaks of persons, also where their cells have moved."""

from __future__ import annotations

import pytest

from connectors.files.excerpts import shown_line, shown_row

HEADERS = ["Id", "First Name", "Email", "Created", "Source"]


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ("7,Zelda,z@acme.example,2026-01-05,web", "7,(name),(e-mail address),2026-01-05,web"),
        ("7,Zelda, Quux,z@acme.example,2026-01-05,web\n", "7,(name),(name),(e-mail address),2026-01-05,web"),
        ("7,Zelda,2026-01-05", "7,(name),2026-01-05"),
        ('7,"Zelda,z@acme.example,2026-01-05,web', '7,"(name),(e-mail address),2026-01-05,web'),
        ("7,,,2026-01-05,+49 40 1234567", "7,,,2026-01-05,(telephone number)"),
        ("Zelda", "(name)"),
    ],
)
def test_cells_that_may_belong_to_a_personal_column_are_hidden(row: str, shown: str) -> None:
    assert shown_row(row, ",", HEADERS) == shown


def test_a_row_of_columns_that_are_not_personal_is_shown() -> None:
    assert shown_row("2;2026-;web;x\r\n", ";", ["Id", "Created", "Source"]) == "2;2026-;web;x"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("Erstellt von Zelda Quux", "Erstellt von …"),
        ("Généré par : Zelda Quux, 5 mars", "Généré par …"),
        ("Contact zelda@acme.example", "Contact (e-mail address)"),
        ("Total;;1200", "Total;;1200"),
    ],
)
def test_lines_are_shown_without_who_made_them(line: str, shown: str) -> None:
    assert shown_line(line) == shown
