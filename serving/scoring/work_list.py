"""The work list: open leads as they were scored in batch, ranked, filtered, and ready to be scored again in a request.

A folder holds `work_list.json` (as_of, the model, one row per lead) and `leads.jsonl` (one lead of a request per line, closed
colleagues among them).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from features.common.errors import DataError, nearest
from serving.http.errors import quote, refuse

FORMAT = 1
ROWS, LEADS = "work_list.json", "leads.jsonl"
MOST_ROWS = 500  # of one answer
PARAMETERS = ("sort", "action", "lead_stage", "grade", "min_score", "q", "limit", "offset")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run a cell that begins so (CSV injection)


@dataclass(frozen=True)
class WorkListQuery:
    """A question to the list: `sort` names a column, `descending` its order; `limit` and `offset` its pagination."""

    sort: str
    descending: bool
    equal: Mapping[str, str]
    min_score: float
    containing: str
    limit: int
    offset: int


@dataclass(frozen=True)
class WorkList:
    """Rows as they were written, best first. `places`: lead_id → (offset, bytes) in `leads.jsonl`; `colleagues`:
    lead_id → everybody of its company."""

    folder: Path
    as_of: str
    model: Mapping[str, str]
    rows: Sequence[Mapping[str, Any]]
    places: Mapping[str, tuple[int, int]]
    colleagues: Mapping[str, Sequence[str]]

    @classmethod
    def read(cls, folder: Path) -> WorkList:
        """Read a work list.

        Raises
        ------
        DataError
            if it is missing, of another format or not whole.
        """
        try:
            content = json.loads((folder / ROWS).read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise DataError(
                    f"{folder} has work list format {content['format']}, this Ripeline reads {FORMAT}.", "Write it anew."
                )
            if (folder / LEADS).stat().st_size != content["bytes"]:
                raise DataError(f"{folder / LEADS} is not whole.", "Write the work list anew: make work-list.")
            places = {name: (span[0], span[1]) for name, span in content["places"].items()}
            return cls(folder, content["as_of"], content["model"], content["rows"], places, content["colleagues"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"The work list {folder} cannot be read ({error}).", "Write it anew: make work-list.") from error

    @cached_property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.rows[0]) if self.rows else ()

    @cached_property
    def open(self) -> frozenset[str]:
        """The leads of the rows; `places` has closed and opted-out colleagues too, which are nobody's to pick."""
        return frozenset(str(row["lead_id"]) for row in self.rows)

    def ask(self, parameters: Mapping[str, str]) -> WorkListQuery:
        """Read the parameters of a query.

        Raises
        ------
        RefusedError
            naming the parameter that is unknown or wrong.
        """
        return ask(parameters, self.columns)

    def select(self, query: WorkListQuery) -> list[Mapping[str, Any]]:
        """All rows that were asked for, sorted; rows without a value come last."""
        rows = [
            row
            for row in self.rows
            if all(str(row[key]) == value for key, value in query.equal.items())
            and row["score"] >= query.min_score
            and query.containing in str(row["lead_id"]).casefold()
        ]
        filled = [row for row in rows if row[query.sort] is not None]
        empty = [row for row in rows if row[query.sort] is None]
        return sorted(filled, key=lambda row: row[query.sort], reverse=query.descending) + empty

    def text(self, query: WorkListQuery) -> str:
        """The rows as CSV; a cell that a spreadsheet would run begins with an apostrophe."""
        return table(self.select(query), self.columns)

    def request(self, lead_id: str) -> dict[str, Any]:
        """The body of a request that scores this lead as of the list, its colleagues behind it.

        Raises
        ------
        RefusedError
            404 where it is not in the list.
        """
        if lead_id not in self.open:
            raise refuse(404, "Not found", f"No open lead {quote(lead_id)} is in the work list.", lead=lead_id[:200])
        names = [lead_id, *(name for name in self.colleagues.get(lead_id, ()) if name != lead_id)]
        with (self.folder / LEADS).open("rb") as file:
            leads = []
            for name in names:
                offset, size = self.places[name]
                file.seek(offset)
                leads.append(json.loads(file.read(size)))
        return {"as_of": self.as_of, "leads": leads}


def ask(parameters: Mapping[str, str], columns: Sequence[str]) -> WorkListQuery:
    """Read the parameters of a query to a list with these columns; any where it has none.

    Raises
    ------
    RefusedError
        naming the parameter that is unknown or wrong.
    """
    for name in parameters:
        if name not in PARAMETERS:
            raise _wrong(name, parameters[name], f"There is no parameter {quote(name)}: {nearest(name, PARAMETERS)}")
    sort = parameters.get("sort", "rank")
    name = sort.removeprefix("-")
    if columns and name not in columns:
        raise _wrong("sort", sort, f"There is no column {quote(name)}: {nearest(name, columns)}")
    return WorkListQuery(
        sort=name,
        descending=sort.startswith("-"),
        equal={key: parameters[key] for key in ("action", "lead_stage", "grade") if parameters.get(key)},
        min_score=_number(parameters, "min_score", 0),
        containing=parameters.get("q", "").casefold(),
        limit=min(_whole_number(parameters, "limit", 50), MOST_ROWS),
        offset=_whole_number(parameters, "offset", 0),
    )


def table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Rows as CSV; a cell that a spreadsheet would run begins with an apostrophe."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: f"'{v}" if isinstance(v, str) and v.startswith(FORMULA) else v for key, v in row.items()})
    return buffer.getvalue()


def _number(parameters: Mapping[str, str], name: str, default: float) -> float:
    text = parameters.get(name, "")
    if not text:
        return float(default)
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:
        raise _wrong(name, text, f"{name} must be a number from 0 on.")
    return value


def _whole_number(parameters: Mapping[str, str], name: str, default: int) -> int:
    value = _number(parameters, name, default)
    if not value.is_integer():
        raise _wrong(name, parameters[name], f"{name} must be a whole number from 0 on.")
    return int(value)


def _wrong(name: str, value: str, detail: str) -> Exception:
    return refuse(422, "Invalid request", detail, field=name, value=quote(value))
