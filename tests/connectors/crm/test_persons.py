"""Landed texts without what speaks of a person, in SQL."""

from __future__ import annotations

import duckdb

from connectors.crm.persons import without_persons
from features.dataset.data_report import DataReport
from features.dataset.persons import Screen


def _base(*texts: str | None) -> duckdb.DuckDBPyConnection:
    base = duckdb.connect()
    base.execute('CREATE TABLE acts ("the ""text" VARCHAR, number INTEGER)')
    base.executemany("INSERT INTO acts VALUES (?, ?)", [(text, number) for number, text in enumerate(texts)])
    return base


def test_texts_are_cut_and_rows_stay_and_are_counted() -> None:
    base, screen, report = (
        _base("/a", "it's jane@ex.org", "jane@ex.org", "jane@ex.org", None, ""),
        Screen("interactions"),
        DataReport(),
    )
    sql = without_persons(base, "acts", 'the "text', screen, 'a."the ""text"')
    rows = base.execute(f"SELECT {sql} FROM acts a ORDER BY a.number").fetchall()  # noqa: S608  our names
    screen.tell(report)
    assert [row[0] for row in rows] == ["/a", "it's (e-mail address)", None, None, None, ""]
    assert [(note.count, note.example) for note in report.notes] == [(3, "e-mail address 3")]


def test_without_anything_personal_the_sql_stays_as_it_is() -> None:
    assert without_persons(_base("/a", "Spring Webinar"), "acts", 'the "text', Screen("interactions"), "a.x") == "a.x"
