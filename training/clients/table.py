"""The summary of many clients: on the terminal, as CSV and as a page in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from features.common.files import whole_file
from training.clients.row import FAILED, Row

HEADERS = (
    "client",
    "",
    "leads",
    "outcomes",
    "log loss",
    "of rules",
    "avg. precision",
    "of rules",
    "better",
    "pool",
    "champion",
    "time",
)
NUMBERS = range(2, 8)


def cells(row: Row) -> list[str]:
    """One line in words, as `HEADERS`."""
    words = {True: "yes", False: "no", None: "–"}
    return [
        row.client,
        row.status,
        *(f"{n:,}" if n is not None else "–" for n in (row.leads, row.outcomes)),
        *(f"{n:.4f}" if n is not None else "–" for n in (row.log_loss, row.log_loss_rules)),
        *(f"{n:.3f}" if n is not None else "–" for n in (row.average_precision, row.average_precision_rules)),
        words[row.better_than_rules],
        row.pool or "–",
        f"version {row.version}" if row.promoted else words[row.promoted],
        f"{row.seconds:.0f} s" if row.seconds is not None else "–",
    ]


def status_counts(rows: Sequence[Row]) -> str:
    """How many of each kind, in words.

    >>> status_counts([Row("a", "trained"), Row("b", "failed"), Row("c", "trained")])
    '3 clients: 2 trained, 1 failed.'
    """
    kinds = [row.status for row in rows]
    return f"{len(rows)} clients: {', '.join(f'{kinds.count(k)} {k}' for k in dict.fromkeys(kinds))}."


def show(console: Console, rows: Sequence[Row]) -> None:
    """Print the table, and below it why some failed and what to do."""
    table = Table(title="Held-out leads, final lead stage")
    for index, header in enumerate(HEADERS):
        table.add_column(header, justify="right" if index in NUMBERS else "left")
    for row in rows:
        table.add_row(*(escape(cell) for cell in cells(row)), style="red" if row.status == FAILED else None)
    console.print(table)
    for row in rows:
        if row.status == FAILED:
            console.print(f"• {row.client}: {row.reason}\n  → {row.remedy}", style="red", highlight=False, markup=False)
    console.print(status_counts(rows), highlight=False)


def write(rows: Sequence[Row], folder: Path, name: str) -> None:
    """Write `name`.csv with every figure and `name`.md to read."""
    with whole_file(folder / f"{name}.csv") as partial:
        pd.DataFrame([asdict(row) for row in rows]).to_csv(partial, index=False)
    lines = [
        "# All clients",
        "",
        status_counts(rows),
        "",
        _line(HEADERS),
        _line(["---"] * len(HEADERS)),
        *(_line(cells(r)) for r in rows),
    ]
    failed_lines = [f"- **{r.client}**: {r.reason} {r.remedy}" for r in rows if r.status == FAILED]
    with whole_file(folder / f"{name}.md") as partial:
        partial.write_text("\n".join([*lines, *([""] if failed_lines else []), *failed_lines]) + "\n", encoding="utf-8")


def _line(values: Sequence[str]) -> str:
    return f"| {' | '.join(value.replace('|', '/') for value in values)} |"
