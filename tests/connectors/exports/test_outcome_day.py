"""The day of an outcome is the column that is filled where there is an outcome, whatever it is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.exports.columns import profiles
from connectors.exports.outcome import OutcomeColumn
from connectors.exports.outcome_day import outcome_day
from connectors.exports.plain_names import LEADS
from connectors.exports.recognise import match_of
from connectors.files.reading import open_file
from connectors.files.settings import FileOptions

WON = OutcomeColumn("Statut", 0, ("Gagné",), ("Perdu",), ("En cours",))
YES, NO, OPEN = (f"{word}," for word in ("Gagné", "Perdu", "En cours"))


@pytest.mark.parametrize(
    ("header", "rows", "why"),
    [
        ("Date de signature", [f"{YES}2026-01-05", NO, OPEN, f"{YES}2026-01-07"], "filled where 'Statut' is a yes, and not"),
        ("ende", [f"{YES}2026-01-05", f"{NO}2026-01-06", OPEN], "a yes or a no, and not where it is open"),
        ("Date du statut", [f"{YES}2026-01-05", f"{NO}2026-01-06", f"{OPEN}2026-01-06"], "called as 'Statut' is"),
        ("Autre jour", [f"{YES}2026-01-05", f"{NO}2026-01-06", f"{OPEN}2026-01-06"], None),
        ("Last Activity", [f"{YES}2026-01-05", NO, OPEN], None),
        ("Premier rendez-vous", [f"{YES}2026-01-05", YES, YES, OPEN], None),
        ("Rappel", [f"{YES}2026-01-05", f"{OPEN}2026-01-05", OPEN, NO], None),
    ],
)
def test_the_day_is_where_the_outcome_is(tmp_path: Path, header: str, rows: list[str], why: str | None) -> None:
    text = f"id,Statut,{header}\n" + "".join(f"{i},{row}\n" for i, row in enumerate(rows))
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    file = open_file(tmp_path, "a.csv", FileOptions(encoding="utf-8"))
    day = outcome_day(match_of(file, LEADS, profiles(file), ""), WON, ["id"])
    assert (day is None) is (why is None)
    assert day is None or (day.header == header and str(why) in day.why)


def test_without_a_yes_there_is_no_day(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,Statut,fin\n1,Perdu,2026-01-05\n2,Perdu,\n", encoding="utf-8")
    file = open_file(tmp_path, "a.csv", FileOptions(encoding="utf-8"))
    assert outcome_day(match_of(file, LEADS, profiles(file), ""), WON, ["id", "fin"]) is None
    assert outcome_day(match_of(file, LEADS, profiles(file), ""), WON, ["id"]) is None
